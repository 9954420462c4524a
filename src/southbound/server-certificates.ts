import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { KeyType } from './hello-class.ts';
import {
  type CertificateContext,
  type CertificateFiles,
  readServerCertificate,
  type ServerCertificate,
  type SetupFault,
} from './server-certificate.ts';

/** What a listener serves, one certificate a key type, and what the operator should know of it. */
export interface CertificateSet {
  /** Everything that was read, for a later choice when one nears its end. */
  readonly all: readonly ServerCertificate[];
  readonly served: ReadonlyMap<KeyType, ServerCertificate>;
  readonly warnings: readonly string[];
}

export type CertificateSetResult =
  | { readonly ok: true; readonly set: CertificateSet }
  | { readonly ok: false; readonly faults: readonly SetupFault[] };

export interface CertificateSource {
  /** Where the list stands in the configuration, e.g. `listeners[0]`. */
  readonly configKey: string;
  readonly files: readonly CertificateFiles[];
  readonly publicUrl: string;
  /** DER of the anchors of this listener: an operator's root that issued the server certificate is among them. */
  readonly anchors: readonly Uint8Array[];
}

const day = 86_400_000;

/** A fortnight, or the last tenth of a short life. */
function nearsExpiry({ notBefore, notAfter }: ServerCertificate, at: Date): boolean {
  const window = Math.min(14 * day, (notAfter.getTime() - notBefore.getTime()) / 10);
  return notAfter.getTime() - at.getTime() < window;
}

const isValid = ({ notBefore, notAfter }: ServerCertificate, at: Date): boolean => notBefore <= at && at <= notAfter;

/**
 * TS 33.320 8.3.4: an H(e)NB checks notBefore by a clock that may have been restored from its last switch-off. So of
 * several valid certificates the one with the earliest notBefore is served, until it nears its end.
 */
export function chooseServed(all: readonly ServerCertificate[], at: Date): ReadonlyMap<KeyType, ServerCertificate> {
  const valid = all.filter((certificate) => isValid(certificate, at));
  const byAge = valid.toSorted((a, b) => a.notBefore.getTime() - b.notBefore.getTime());
  const served = new Map<KeyType, ServerCertificate>();
  for (const [keyType, certificates] of Map.groupBy(byAge, ({ keyType }) => keyType)) {
    const lasting = certificates.find((certificate) => !nearsExpiry(certificate, at));
    const longest = certificates.toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
    const chosen = lasting ?? longest;
    if (chosen !== undefined) served.set(keyType, chosen);
  }
  return served;
}

/** The host as certificates name it: IPv6 without brackets, no trailing dot. */
function hostOf(publicUrl: string): string {
  return new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

function knownIssuers(anchors: readonly Uint8Array[]): X509Certificate[] {
  return anchors.flatMap((der) => {
    try {
      return [new X509Certificate(der)];
    } catch {
      return [];
    }
  });
}

async function readText(file: string): Promise<string | Omit<SetupFault, 'key'>> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy =
      code === 'ENOENT' ? 'put the file there, or correct the path' : 'let the service account read it (and only it)';
    return { cause: `${file} cannot be read (${code ?? 'unknown error'})`, remedy, missing: true };
  }
}

type Read = { certificate: ServerCertificate } | { faults: readonly SetupFault[] };

async function readOne(files: CertificateFiles, key: string, context: CertificateContext): Promise<Read> {
  const [chain, privateKey] = await Promise.all([readText(files.chain), readText(files.key)]);
  const faults = [
    ...(typeof chain === 'string' ? [] : [{ key: `${key}.chain`, ...chain }]),
    ...(typeof privateKey === 'string' ? [] : [{ key: `${key}.key`, ...privateKey }]),
  ];
  if (typeof chain !== 'string' || typeof privateKey !== 'string') return { faults };
  const read = readServerCertificate(files, { chain, key: privateKey }, context);
  return 'keyType' in read ? { certificate: read } : { faults: read.map((fault) => ({ key, ...fault })) };
}

/** Each key type needs one certificate that is valid now; others may have ended or lie ahead. */
function timeFaults(all: readonly ServerCertificate[], at: Date, configKey: string): SetupFault[] {
  const served = chooseServed(all, at);
  const missing = all.filter(({ keyType }) => !served.has(keyType));
  return missing.map(({ file, notBefore, notAfter }) => ({
    key: `${configKey}.certificates`,
    cause:
      notBefore > at
        ? `${file} is not valid before ${notBefore.toISOString()}`
        : `${file} expired at ${notAfter.toISOString()}`,
    remedy: 'put a valid certificate there, or correct the clock of this machine',
  }));
}

function warningsOf(all: readonly ServerCertificate[], at: Date): string[] {
  const aside = all
    .filter((certificate) => !isValid(certificate, at))
    .map(({ file, notBefore }) => `${file} is set aside: it ${notBefore > at ? 'is not valid yet' : 'has expired'}`);
  const ending = [...chooseServed(all, at).values()]
    .filter((certificate) => nearsExpiry(certificate, at))
    .map(({ file, notAfter }) => `${file} ends at ${notAfter.toISOString()} and there is no other to serve`);
  return [...aside, ...ending];
}

/** Reads and judges every certificate of a listener; all faults at once, each with its key, cause and remedy. */
export async function loadServerCertificates(source: CertificateSource, at: Date): Promise<CertificateSetResult> {
  const context = { host: hostOf(source.publicUrl), knownIssuers: knownIssuers(source.anchors) };
  const read = await Promise.all(
    source.files.map((files, i) => readOne(files, `${source.configKey}.certificates[${i}]`, context)),
  );
  const faults = read.flatMap((one) => ('faults' in one ? one.faults : []));
  const all = read.flatMap((one) => ('certificate' in one ? [one.certificate] : []));
  if (faults.length === 0) faults.push(...timeFaults(all, at, source.configKey));
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, set: { all, served: chooseServed(all, at), warnings: warningsOf(all, at) } };
}

/** A notBefore that moves forward locks out devices whose restored clock stands before it; undefined if none does. */
export function notBeforeRisk(
  before: ReadonlyMap<KeyType, ServerCertificate>,
  after: ReadonlyMap<KeyType, ServerCertificate>,
): string | undefined {
  for (const [keyType, certificate] of after) {
    const old = before.get(keyType);
    if (old === undefined || certificate.notBefore <= old.notBefore) continue;
    return (
      `the ${keyType} certificate served from now on starts at ${certificate.notBefore.toISOString()}, the old one at ` +
      `${old.notBefore.toISOString()}: H(e)NBs without true time whose restored clock stands between the two will ` +
      'refuse this H(e)MS until they learn the time; issue it with an earlier notBefore'
    );
  }
  return undefined;
}
