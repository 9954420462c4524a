import type { IdentityRuleName } from '../config/schema.ts';
import { type DeviceIdentity, type IdentityName, parseHnbFqdn, parseOuiSerial, realmOf } from '../fleet/identity.ts';
import type { Certificate } from '../x509/certificate.ts';
import { attributeValues } from '../x509/name.ts';

/** What identity needs to know of an anchor. */
export interface IdentityPolicy {
  readonly name: string;
  /** In this order; the first rule that yields a value decides (CERT-25). */
  readonly identity: readonly IdentityRuleName[];
  /** Lower case. */
  readonly realms: readonly string[];
}

export type IdentityResult =
  | { readonly ok: true; readonly identity: DeviceIdentity }
  | {
      readonly ok: false;
      readonly reason: 'identity_missing' | 'identity_ambiguous' | 'realm_not_permitted';
      readonly detail: IdentityDetail;
      /** Proven by the certificate, though its anchor may not speak for that realm. */
      readonly identity?: DeviceIdentity;
    };

export const identityDetails = ['no_rule_matches', 'several_values', 'realm_of_another'] as const;

export type IdentityDetail = (typeof identityDetails)[number];

const commonName = '2.5.4.3';

interface IdentityRule {
  readonly texts: (leaf: Certificate) => readonly string[];
  readonly parse: (text: string) => IdentityName | undefined;
}

const rules: Readonly<Record<IdentityRuleName, IdentityRule>> = {
  // TS 23.003 4.10: the HNB Unique Identity as an FQDN.
  'san-dns-hnb': { texts: dnsNames, parse: parseHnbFqdn },
  'cn-hnb-fqdn': { texts: commonNames, parse: parseHnbFqdn },
  // TR-069 3.4: the common name of a unique CPE certificate.
  'cn-oui-serial': { texts: commonNames, parse: parseOuiSerial },
};

function dnsNames(leaf: Certificate): readonly string[] {
  return (leaf.extensions.subjectAltName ?? []).flatMap((name) => (name.kind === 'dNSName' ? [name.value] : []));
}

function commonNames(leaf: Certificate): readonly string[] {
  return attributeValues(leaf.subject, commonName);
}

/** What the certificate alone says of its holder, before anybody asks whether its anchor may speak for it. */
export type NamedIdentity =
  | { readonly kind: 'one'; readonly rule: IdentityRuleName; readonly name: IdentityName }
  | { readonly kind: 'ambiguous'; readonly rule: IdentityRuleName }
  | { readonly kind: 'none' };

export const identityRules = Object.keys(rules) as readonly IdentityRuleName[];

/** The first rule that yields a value decides (CERT-25). Pure. */
export function nameIdentity(leaf: Certificate, order: readonly IdentityRuleName[]): NamedIdentity {
  for (const rule of order) {
    const [first, second] = distinctValues(leaf, rules[rule]);
    if (first === undefined) continue;
    return second === undefined ? { kind: 'one', rule, name: first } : { kind: 'ambiguous', rule };
  }
  return { kind: 'none' };
}

/** The last answer for a certificate that is kept in memory, with the rules it was given under. */
const answers = new WeakMap<Certificate, { readonly anchor: IdentityPolicy; readonly result: IdentityResult }>();

/** Who the leaf of a verified path is under the rules of its anchor. Pure. */
export function identify(leaf: Certificate, anchor: IdentityPolicy): IdentityResult {
  const known = answers.get(leaf);
  if (known?.anchor === anchor) return known.result;
  const result = applyRules(leaf, anchor);
  answers.set(leaf, { anchor, result });
  return result;
}

function applyRules(leaf: Certificate, anchor: IdentityPolicy): IdentityResult {
  const named = nameIdentity(leaf, anchor.identity);
  if (named.kind === 'none') return { ok: false, reason: 'identity_missing', detail: 'no_rule_matches' };
  if (named.kind === 'ambiguous') return { ok: false, reason: 'identity_ambiguous', detail: 'several_values' };
  const identity: DeviceIdentity = { anchor: anchor.name, ...named.name };
  if (!realmPermitted(identity, anchor.realms))
    return { ok: false, reason: 'realm_not_permitted', detail: 'realm_of_another', identity };
  return { ok: true, identity };
}

/** At most two are needed to know that there is more than one. */
function distinctValues(leaf: Certificate, rule: IdentityRule): readonly IdentityName[] {
  const found: IdentityName[] = [];
  for (const text of rule.texts(leaf)) {
    const parsed = rule.parse(text);
    if (parsed === undefined || parsed.value === found[0]?.value) continue;
    found.push(parsed);
    if (found.length === 2) break;
  }
  return found;
}

/** Realms bind FQDNs; `OUI-Serial` has none and is unique within its anchor (TR-069 3.4). */
function realmPermitted(identity: DeviceIdentity, realms: readonly string[]): boolean {
  if (identity.kind === 'oui-serial') return true;
  const realm = realmOf(identity.value);
  return realms.some((permitted) => isWithinRealm(realm, permitted));
}

/** Label by label from the right: `hnb.acme.example` is within `acme.example`, `evilacme.example` is not. */
export function isWithinRealm(realm: string, permitted: string): boolean {
  return realm === permitted || realm.endsWith(`.${permitted}`);
}
