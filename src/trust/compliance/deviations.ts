import type { Config } from '../../config/schema.ts';
import { profiles, type RuleLevel } from '../../x509/profile.ts';
import { type PolicyDocument, policyOf, sourceName, uncheckedAnchors } from '../revocation-policy.ts';

/** What deviations are judged by. */
export interface ComplianceFacts {
  readonly config: Pick<Config, 'listeners' | 'anchors'>;
  readonly mode: 'development' | 'production';
  /** In force; undefined: there is none, and no certificate is looked up. */
  readonly policy: PolicyDocument | undefined;
  /** Of an override of the policy, if one is in force. */
  readonly overriddenUntil?: Date | undefined;
}

/** One way to be weaker than a clause. */
interface DeviationKind {
  readonly name: string;
  /** TS 33.320 unless another document is named. */
  readonly clause: string;
  readonly meaning: string;
  /** How to be without it. */
  readonly remedy: string;
  /** Where it is set so: keys of the configuration, or entries of the policy. Empty: not at all. */
  readonly where: (facts: ComplianceFacts) => readonly string[];
}

const listeners = (facts: ComplianceFacts, wrong: (listener: Config['listeners'][number]) => boolean, key: string) =>
  facts.config.listeners.flatMap((one, i) => (wrong(one) ? [`listeners[${i}].${key}`] : []));

const anchors = (facts: ComplianceFacts, wrong: (anchor: Config['anchors'][number]) => boolean, key: string) =>
  facts.config.anchors.flatMap((one, i) => (wrong(one) ? [`anchors[${i}].${key}`] : []));

const strictness: Readonly<Record<RuleLevel, number>> = { off: 0, warn: 1, refuse: 2 };

function weakenedRules({ config }: ComplianceFacts): readonly string[] {
  return config.anchors.flatMap(({ rules }, i) =>
    Object.entries(rules)
      .filter(([rule, level]) => strictness[level] < strictness[profiles.hems.levels.get(rule) ?? 'off'])
      .map(([rule]) => `anchors[${i}].rules.${rule}`),
  );
}

/** Entries of the policy that judge one of the configured anchors. */
function entries({ policy, config }: ComplianceFacts) {
  if (policy === undefined) return [];
  const used = new Set(config.anchors.map(({ name }) => policyOf(policy, name)));
  return policy.anchors.filter((entry) => used.has(entry));
}

/**
 * Every setting that is weaker than a clause; the metric, `hems status`, `hems compliance`, the log at the start and
 * `compliance: strict` all read this one table.
 */
export const deviationKinds = [
  {
    name: 'development_pki',
    clause: '7.2.2',
    meaning: 'trusts the development PKI, whose keys lie beside it',
    remedy: 'serve a configuration of your own, without --dev',
    where: ({ mode }) => (mode === 'development' ? ['--dev'] : []),
  },
  {
    name: 'certificate_profile_rfc5280',
    clause: '7.2.2, TS 33.310 6.1',
    meaning: 'device certificates need not keep the certificate profile',
    remedy: 'profile: hems',
    where: (facts) => anchors(facts, ({ profile }) => profile === 'rfc5280', 'profile'),
  },
  {
    name: 'certificate_rules_weakened',
    clause: '7.2.2, TS 33.310 6.1',
    meaning: 'single rules of the certificate profile are off, or only warn',
    remedy: 'take the rule out of rules',
    where: weakenedRules,
  },
  {
    name: 'expired_anchor_accepted',
    clause: '8.3.4, RFC 5280 6.1.3',
    meaning: 'paths to an anchor whose own certificate has expired are valid',
    remedy: 'acceptExpiredAnchor: false',
    where: (facts) => anchors(facts, ({ acceptExpiredAnchor }) => acceptExpiredAnchor, 'acceptExpiredAnchor'),
  },
  {
    name: 'legacy_tls_profile',
    clause: '8.3.4, TS 33.210 6.2',
    meaning: 'offers CBC suites and static RSA, which newer releases forbid',
    remedy: 'profile: modern',
    where: (facts) => listeners(facts, ({ profile }) => profile === 'legacy-rel12', 'profile'),
  },
  {
    name: 'own_cipher_string',
    clause: '8.3.4, TS 33.210 6.2',
    meaning: 'offers suites of the operator’s choice in place of the profile’s',
    remedy: 'leave ciphers out',
    where: (facts) => listeners(facts, ({ ciphers }) => ciphers !== undefined, 'ciphers'),
  },
  {
    name: 'shared_secret_ignored',
    clause: '8.3.4',
    meaning: 'serves devices that send a shared secret besides their certificate',
    remedy: 'sharedSecret: refuse',
    where: (facts) => anchors(facts, ({ sharedSecret }) => sharedSecret === 'ignore', 'sharedSecret'),
  },
  {
    name: 'connection_request_secret',
    clause: '8.3.4',
    meaning: 'gives devices a password by which connection requests are made',
    remedy: 'connectionRequest: certificate',
    where: (facts) => anchors(facts, ({ connectionRequest }) => connectionRequest === 'digest', 'connectionRequest'),
  },
  {
    name: 'revocation_unchecked',
    clause: '8.3.2.1',
    meaning: 'the certificates of these anchors are not looked up in any CRL and at no responder',
    remedy: 'hems policy apply FILE, with an entry for each anchor or for "*"',
    where: ({ policy, config }) => {
      const names = config.anchors.map(({ name }) => name);
      return uncheckedAnchors(policy, names).map((name) => `policy of ${name}`);
    },
  },
  {
    name: 'revocation_fails_open',
    clause: '8.3.2.1',
    meaning: 'admits certificates of which no source could say whether they are revoked',
    remedy: 'onUnknown: deny, or quarantine',
    where: (facts) => entries(facts).flatMap((one) => (one.onUnknown === 'admit' ? [`policy of ${one.name}`] : [])),
  },
  {
    name: 'revocation_end_entity_only',
    clause: '8.3.2.1, RFC 5280 6.1.3',
    meaning: 'does not ask whether the CAs above a device were revoked',
    remedy: 'depth: chain',
    where: (facts) => entries(facts).flatMap((one) => (one.depth === 'chain' ? [] : [`policy of ${one.name}`])),
  },
  {
    name: 'revocation_sha1',
    clause: 'TS 33.310 6.1.1',
    meaning: 'believes CRLs or OCSP answers that are signed with SHA-1',
    remedy: 'sha1: refuse',
    where: (facts) =>
      entries(facts).flatMap(({ name, sources }) =>
        sources.flatMap((source) => (source.sha1 === 'allow' ? [`policy of ${name}: ${sourceName(source)}`] : [])),
      ),
  },
  {
    name: 'revocation_overridden',
    clause: '8.3.2.1',
    meaning: 'an override admits what the policy would refuse as unknown or stale',
    remedy: 'it ends by itself, or by hems policy override --end',
    where: ({ overriddenUntil }) =>
      overriddenUntil === undefined ? [] : [`override until ${overriddenUntil.toISOString()}`],
  },
] as const satisfies readonly DeviationKind[];

export type DeviationName = (typeof deviationKinds)[number]['name'];

export interface Deviation extends Omit<DeviationKind, 'where' | 'name'> {
  readonly name: DeviationName;
  readonly where: readonly string[];
}

/** The deviations there are, in the order of the table. */
export function deviationsOf(facts: ComplianceFacts): readonly Deviation[] {
  return deviationKinds.flatMap((kind) => {
    const where = kind.where(facts);
    const { name, clause, meaning, remedy } = kind;
    return where.length === 0 ? [] : [{ name, clause, meaning, remedy, where }];
  });
}
