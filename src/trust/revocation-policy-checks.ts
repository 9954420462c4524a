import { parseCertificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';
import {
  isOcsp,
  isPointer,
  type PolicyDocument,
  type RevocationPolicy,
  type RevocationSource,
  sourceName,
} from './revocation-policy.ts';

export interface PolicyFault {
  /** As in the file: `anchors[0].sources[1].hosts`. */
  readonly key: string;
  readonly cause: string;
  readonly remedy: string;
}

/** What one key alone cannot tell. `anchors`: the configured ones, where they are known. */
export function checkPolicy(document: PolicyDocument, anchors?: readonly string[]): readonly PolicyFault[] {
  return document.anchors.flatMap((policy, i) => {
    const key = `anchors[${i}]`;
    return [
      ...nameFaults(document, i, anchors),
      ...policy.sources.flatMap((source, j) => sourceFaults(source, `${key}.sources[${j}]`)),
      ...repeatedSources(policy, key),
      ...ageFaults(policy, key),
    ];
  });
}

function nameFaults(document: PolicyDocument, i: number, anchors?: readonly string[]): readonly PolicyFault[] {
  const name = document.anchors[i]?.name ?? '';
  const key = `anchors[${i}].name`;
  const first = document.anchors.findIndex((entry) => entry.name === name);
  if (first < i) return [{ key, cause: `anchors[${first}] is for ${name} too`, remedy: 'make one entry of the two' }];
  if (name === '*' || anchors === undefined || anchors.includes(name)) return [];
  return [{ key, cause: `there is no anchor ${name}`, remedy: `the anchors are ${anchors.join(', ') || '(none)'}` }];
}

function sourceFaults(source: RevocationSource, key: string): readonly PolicyFault[] {
  const { kind } = source;
  const faults: PolicyFault[] = [];
  const named = !isPointer(source) && kind !== 'uploaded-crl';
  const fault = (part: keyof RevocationSource, cause: string, remedy: string): unknown =>
    faults.push({ key: `${key}.${part}`, cause, remedy });
  if (named && source.url === undefined) fault('url', 'is missing', `say where the ${kind} is`);
  if (!named && source.url !== undefined)
    fault(
      'url',
      `${kind} has none of its own`,
      `leave it out, or use ${isOcsp(source) ? 'operator-ocsp' : 'operator-crl'}`,
    );
  if (!isPointer(source) && source.hosts !== undefined)
    fault('hosts', `${kind} follows no pointers of certificates`, 'leave it out');
  if (kind === 'uploaded-crl' && source.proxy !== undefined) fault('proxy', 'nothing is fetched', 'leave it out');
  if (kind === 'uploaded-crl' && source.timeout !== undefined) fault('timeout', 'nothing is fetched', 'leave it out');
  // The proxy resolves names for us: only the list keeps a certificate from pointing it at the operator's inside.
  if (isPointer(source) && source.proxy !== undefined && source.hosts === undefined)
    fault('hosts', 'is missing, and behind a proxy it is mandatory', 'list the hosts that pointers may lead to');
  if (!isOcsp(source) && source.nonce !== undefined) fault('nonce', 'CRLs have no nonce', 'leave it out');
  if (!isOcsp(source) && source.method !== undefined) fault('method', 'CRLs are fetched by GET alone', 'leave it out');
  if (source.method === 'get' && source.nonce !== 'off')
    fault('method', 'GET goes only without a nonce', 'write nonce: off beside it, or method: post');
  for (const part of ['url', 'proxy'] as const)
    if (hasSecret(source[part]))
      fault(part, 'holds a user or password, which would be stored in the open', 'name a server that asks for none');
  if (source.signer !== undefined) {
    const broken = signerFault(source.signer);
    if (broken !== undefined) fault('signer', broken, 'give the PEM certificate whose key signs');
  }
  return faults;
}

function hasSecret(url: string | undefined): boolean {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed !== null && (parsed.username !== '' || parsed.password !== '');
}

function signerFault(pem: string): string | undefined {
  try {
    for (const der of readPem(pem, 'CERTIFICATE')) parseCertificate(der);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function repeatedSources({ sources }: RevocationPolicy, key: string): readonly PolicyFault[] {
  return sources.flatMap((source, j) => {
    const first = sources.findIndex((other) => sourceName(other) === sourceName(source));
    if (first === j) return [];
    return [{ key: `${key}.sources[${j}]`, cause: `sources[${first}] is the same`, remedy: 'name each source once' }];
  });
}

/** A grace that outlives the longest answer by far is an admission of everything. */
function ageFaults({ maxAge, grace }: RevocationPolicy, key: string): readonly PolicyFault[] {
  if (maxAge === 'next-update' || grace <= maxAge * 10) return [];
  return [{ key: `${key}.grace`, cause: 'is more than ten times maxAge', remedy: 'raise maxAge, or shorten grace' }];
}
