import type { Egress } from '../../platform/egress/egress.ts';
import type { EgressResult } from '../../platform/egress/egress-request.ts';
import type { Database } from '../../platform/postgres.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateList } from '../../x509/crl.ts';
import { crlBlocks } from '../../x509/crl-file.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { PemError } from '../../x509/pem.ts';
import type { RevocationSource } from '../revocation-policy.ts';
import { changeRevocation } from './changes.ts';
import type { FetchOutcome } from './crl-fetcher.ts';
import { CrlUnreadable } from './crl-reader.ts';
import { crlRequest, signersOf } from './crl-request.ts';
import { storeCrl } from './crl-store.ts';
import { verifyCrl } from './crl-verification.ts';
import type { ReadCrl } from './held-crls.ts';

export interface FetchParts {
  readonly db: Database;
  readonly egress: Egress;
  readonly readCrl: ReadCrl;
  readonly url: string;
  readonly source: RevocationSource;
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly anchors: readonly PathAnchor[];
  readonly certificates: readonly Certificate[];
  /** Something of this URL is in use, so that `not modified` is an answer. */
  readonly held: boolean;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export type Fetched =
  | {
      readonly kind: 'fetched' | 'kept';
      readonly outcome: FetchOutcome;
      readonly detail: string | null;
      readonly nextUpdate?: Date;
      readonly bytes: number;
      readonly etag?: string;
      readonly lastModified?: string;
    }
  | { readonly kind: 'failed'; readonly outcome: FetchOutcome; readonly detail: string };

/** Fetches one CRL, and keeps it for all nodes if somebody below an anchor signed it (RFC 5280 6.3.3 (a)). */
export async function fetchCrl(parts: FetchParts, at: Date): Promise<Fetched> {
  const { url, source, maxBytes, timeout, held, etag, lastModified } = parts;
  const validators = { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) };
  const result = await parts.egress.fetch({
    ...crlRequest(source, { url, maxBytes, timeout }),
    ...(held && { validators }),
    // The table of URLs knows better than the memory of this node when to try again.
    again: true,
  });
  return result.kind === 'answer' && result.status === 200 ? take(parts, result, at) : withoutBody(result);
}

function withoutBody(result: EgressResult): Fetched {
  switch (result.kind) {
    case 'answer':
      return { kind: 'failed', outcome: 'unreachable', detail: `HTTP status ${result.status}` };
    case 'not-modified':
      return { kind: 'kept', outcome: 'not-modified', detail: null, bytes: 0 };
    case 'refused':
      return { kind: 'failed', outcome: 'unreachable', detail: `refused: ${result.detail}` };
    case 'failed':
      return {
        kind: 'failed',
        outcome: result.cause === 'too-large' ? 'too-large' : 'unreachable',
        detail: `${result.cause}: ${result.detail}`,
      };
  }
}

async function take(parts: FetchParts, answer: EgressResult & { kind: 'answer' }, at: Date): Promise<Fetched> {
  const read = await readBody(parts, answer.body);
  if ('detail' in read) return { kind: 'failed', outcome: 'malformed', detail: read.detail };
  const { list, der } = read;
  const verified = verifyCrl(list, parts.anchors, certificatesFor(parts), at);
  if (!verified.ok) return { kind: 'failed', outcome: verified.cause, detail: verified.detail };
  const { number, text } = described(list);
  const signers = verified.signers.map((signer) => signer.der);
  const { url: origin } = parts;
  const stored = await changeRevocation(parts.db, async (tx, record) => {
    const result = await storeCrl(tx, { list, der, anchor: verified.anchor, origin, signers, at });
    if (result.kind !== 'stored') return result;
    const after = { origin, anchor: verified.anchor, number, entries: list.entries.table.count };
    const actor = { kind: 'policy', name: 'fetched' } as const;
    await record({ at, actor, action: 'crl_fetched', subject: list.fingerprint, after });
    return result;
  });
  if (stored.kind === 'rollback') return { kind: 'failed', outcome: 'number-rollback', detail: stored.detail };
  const { etag, lastModified } = answer.headers;
  return {
    kind: 'fetched',
    outcome: stored.kind,
    detail: text,
    bytes: der.length,
    ...(list.nextUpdate !== undefined && { nextUpdate: list.nextUpdate }),
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
  };
}

function certificatesFor({
  source,
  certificates,
}: Pick<FetchParts, 'source' | 'certificates'>): readonly Certificate[] {
  return [...signersOf(source), ...certificates];
}

/** The certificates that the policy names beside a source. */

/** REV-16: DER; PEM is tolerated. */
async function readBody(
  { readCrl, ...parts }: FetchParts,
  body: Uint8Array,
): Promise<{ readonly list: CertificateList; readonly der: Uint8Array } | { readonly detail: string }> {
  try {
    const der = derOfCrl(body);
    const signers = certificatesFor(parts);
    return { der, list: await readCrl(single(der), signers) };
  } catch (error) {
    if (error instanceof CrlUnreadable || error instanceof PemError) return { detail: error.message };
    throw error;
  }
}

/** The DER of a CRL that may be PEM. Throws `PemError`. */
export function derOfCrl(bytes: Uint8Array): Uint8Array {
  const [der, ...more] = crlBlocks(bytes);
  if (der === undefined) throw new PemError('no block of X509 CRL was found');
  if (more.length > 0) throw new PemError(`holds ${more.length + 1} CRLs, one is meant`);
  return der;
}

export async function* single(der: Uint8Array): AsyncGenerator<Uint8Array> {
  yield der;
}

/** For people and for the audit. */
export function described(list: CertificateList): { readonly number: string | null; readonly text: string } {
  const number = list.extensions.cRLNumber?.toString() ?? null;
  const until = list.nextUpdate?.toISOString() ?? 'further notice';
  return { number, text: `number ${number ?? '(none)'}, ${list.entries.table.count} entries, until ${until}` };
}
