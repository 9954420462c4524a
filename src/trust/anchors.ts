import type { AnchorConfig, IdentityRuleName } from '../config/schema.ts';
import type { NewKeyPolicy } from '../fleet/key-policy.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { DerError } from '../x509/der.ts';
import { isDevelopmentCertificate } from '../x509/development-mark.ts';
import { nameToString } from '../x509/name.ts';
import { anchorFault, type PathAnchor } from '../x509/path-anchor.ts';
import { PemError, readPem } from '../x509/pem.ts';
import { type Profile, profileRules, profiles, withLevels } from '../x509/profile.ts';
import type { IdentityPolicy } from './identity.ts';

/** An operator's trust anchor: the certificates, what they may say, and what happens to a device that comes by them. */
export interface TrustAnchor extends IdentityPolicy {
  readonly name: string;
  readonly kind: 'manufacturer' | 'operator';
  readonly path: PathAnchor;
  readonly identity: readonly IdentityRuleName[];
  readonly realms: readonly string[];
  readonly registration: 'known-only' | 'quarantine' | 'auto';
  readonly autoRegistration: { readonly ouis: ReadonlySet<string>; readonly perHour: number };
  readonly onNewKey: NewKeyPolicy;
  /** What its identities are good for once their device has come with one of an operator's anchor. */
  readonly afterEnrolment: 'accept' | 'initial-only' | 'refuse';
  readonly sharedSecret: 'refuse' | 'ignore';
  readonly connectionRequest: 'certificate' | 'digest';
}

/** What is wrong with an anchor, under which key, and what to do. */
export interface AnchorFault {
  readonly key: string;
  readonly cause: string;
  readonly remedy: string;
  /** The file is not there, or may not be read. */
  readonly missing?: true;
}

export type AnchorsResult =
  | { readonly ok: true; readonly anchors: readonly TrustAnchor[]; readonly warnings: readonly AnchorFault[] }
  | { readonly ok: false; readonly faults: readonly AnchorFault[] };

export interface AnchorOptions {
  /** Resolves with the text; rejects as node:fs does. */
  readonly readFile: (path: string) => Promise<string>;
  readonly at: Date;
  /** Refuses anchors of the development PKI: a configuration of one's own, or a door beyond loopback. */
  readonly production: boolean;
}

/** Reads the files of every anchor and checks them. All faults are found in one go. */
export async function loadAnchors(configs: readonly AnchorConfig[], options: AnchorOptions): Promise<AnchorsResult> {
  const loaded = await Promise.all(configs.map((config, i) => loadAnchor(config, `anchors[${i}]`, options)));
  const anchors = loaded.flatMap(({ anchor }) => (anchor === undefined ? [] : [anchor]));
  const faults = [...loaded.flatMap((one) => one.faults), ...sharedCertificates(configs, anchors)];
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, anchors, warnings: loaded.flatMap((one) => one.warnings) };
}

interface Loaded {
  readonly anchor?: TrustAnchor;
  readonly faults: readonly AnchorFault[];
  readonly warnings: readonly AnchorFault[];
}

async function loadAnchor(config: AnchorConfig, key: string, options: AnchorOptions): Promise<Loaded> {
  const profile = withLevels(profiles[config.profile], config.rules);
  const read = await loadPathAnchor(
    {
      name: config.name,
      files: config.certificates,
      key: `${key}.certificates`,
      profile: profile.ok ? profile.profile : (profiles.hems as Profile),
      acceptExpired: config.acceptExpiredAnchor,
    },
    options,
  );
  const { path, warnings } = read;
  const faults = [...read.faults, ...(profile.ok ? [] : profile.unknownRules.map((rule) => unknownRule(key, rule)))];
  return faults.length > 0 ? { faults, warnings } : { anchor: trustAnchor(config, path), faults, warnings };
}

export interface AnchorFiles extends Pick<PathAnchor, 'name' | 'profile' | 'acceptExpired'> {
  readonly files: readonly string[];
  /** Of the list of files in the configuration. */
  readonly key: string;
}

/** Reads and checks the certificates of one anchor. Without faults the path is whole. */
export async function loadPathAnchor(
  { files: paths, key, ...rest }: AnchorFiles,
  options: AnchorOptions,
): Promise<{ path: PathAnchor; faults: readonly AnchorFault[]; warnings: readonly AnchorFault[] }> {
  const files = await Promise.all(paths.map((path, i) => readAnchorFile(path, `${key}[${i}]`, options.readFile)));
  const path: PathAnchor = { ...rest, certificates: files.flatMap((file) => file.certificates) };
  const judged = files.flatMap((file) => file.certificates.map((one) => judge(one, path, file.key, options)));
  return {
    path,
    faults: [...files.flatMap((file) => file.faults), ...judged.flatMap(({ fault }) => fault ?? [])],
    warnings: judged.flatMap(({ warning }) => warning ?? []),
  };
}

function trustAnchor(config: AnchorConfig, path: PathAnchor): TrustAnchor {
  const { ouis, perHour } = config.autoRegistration;
  return {
    name: config.name,
    kind: config.kind,
    path,
    identity: config.identity,
    realms: config.realms.map((realm) => realm.toLowerCase()),
    registration: config.registration,
    autoRegistration: { ouis: new Set(ouis.map((oui) => oui.toUpperCase())), perHour },
    // A manufacturer's key is made once, with the cell; the operator's own PKI renews keys as it likes.
    onNewKey: config.onNewKey ?? (config.kind === 'operator' ? 'admit' : 'hold'),
    // The operator's own identities are what devices are enrolled to.
    afterEnrolment: config.kind === 'operator' ? 'accept' : config.afterEnrolment,
    sharedSecret: config.sharedSecret,
    connectionRequest: config.connectionRequest,
  };
}

interface AnchorFile {
  readonly key: string;
  readonly certificates: readonly Certificate[];
  readonly faults: AnchorFault[];
}

async function readAnchorFile(path: string, key: string, readFile: AnchorOptions['readFile']): Promise<AnchorFile> {
  try {
    const text = await readFile(path);
    return { key, certificates: readPem(text, 'CERTIFICATE').map(parseCertificate), faults: [] };
  } catch (error) {
    const unreadable = error instanceof Error && 'syscall' in error;
    if (!unreadable && !(error instanceof PemError) && !(error instanceof DerError)) throw error;
    const cause = unreadable ? error.message : `${path}: ${error.message}`;
    const remedy = 'give a readable file with one or more CA certificates in PEM (-----BEGIN CERTIFICATE-----)';
    return { key, certificates: [], faults: [{ key, cause, remedy, ...(unreadable && { missing: true }) }] };
  }
}

function judge(
  certificate: Certificate,
  anchor: PathAnchor,
  key: string,
  options: AnchorOptions,
): { fault?: AnchorFault; warning?: AnchorFault } {
  const subject = nameToString(certificate.subject);
  if (options.production && isDevelopmentCertificate(certificate))
    return {
      fault: {
        key,
        cause: `${subject} is a certificate of the development PKI, whose keys anybody may hold`,
        remedy: 'name the CA certificates of your manufacturers and of your own PKI; the toys work with --dev alone',
      },
    };
  const fault = anchorFault({ anchor, certificate }, options.at);
  if (fault === undefined) return {};
  const cause = `${subject}: ${fault.message} (${fault.clause})`;
  // Its devices are refused as long as it lasts; the others need not suffer for it.
  if (fault.detail === 'anchor_expired' || fault.detail === 'anchor_not_yet_valid')
    return { warning: { key, cause, remedy: 'replace it, or set acceptExpiredAnchor: true if it is meant to last' } };
  return { fault: { key, cause, remedy: 'give the certificate of a CA; a device or server certificate is no anchor' } };
}

function unknownRule(key: string, rule: string): AnchorFault {
  const known = profileRules.map(({ name }) => name).join(', ');
  return { key: `${key}.rules.${rule}`, cause: 'there is no such rule', remedy: `the rules are ${known}` };
}

/** A path could lead to either, and the order of a list would decide who a device is. */
function sharedCertificates(configs: readonly AnchorConfig[], anchors: readonly TrustAnchor[]): AnchorFault[] {
  const owners = new Map<string, string>();
  return anchors.flatMap(({ name, path }) =>
    path.certificates.flatMap((certificate) => {
      const owner = owners.get(certificate.fingerprint);
      owners.set(certificate.fingerprint, owner ?? name);
      if (owner === undefined || owner === name) return [];
      const i = configs.findIndex((config) => config.name === name);
      return [
        {
          key: `anchors[${i}].certificates`,
          cause: `${nameToString(certificate.subject)} belongs to anchor ${owner} too`,
          remedy: 'give each CA certificate to one anchor',
        },
      ];
    }),
  );
}
