import {
  collect,
  content,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  expect,
  finish,
  openDer,
  openSequence,
  tags,
  unwrap,
} from './der.ts';
import { flag, oidOf } from './der-values.ts';
import { ocspOids } from './ocsp-oids.ts';

/** One extension of an answer or of a single answer in it; the value is read by those who know it. */
export interface OcspExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** The octets of extnValue. */
  readonly value: Uint8Array;
}

const mostExtensions = 64;

/** Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension, under its explicit tag; each at most once (RFC 5280 4.2). */
export function readOcspExtensions(outer: DerElement): OcspExtension[] {
  const seen = new Set<string>();
  const list = enter(unwrap(outer, tags.sequence));
  const extensions = collect(list, (cursor) => readOcspExtension(cursor, seen), mostExtensions);
  if (extensions.length === 0) throw derError(outer, 'missing', 'are there, but none');
  return extensions;
}

function readOcspExtension(cursor: DerCursor, seen: Set<string>): OcspExtension {
  const inside = openSequence(cursor, 'extension');
  const id = expect(inside, tags.oid, 'extnID');
  const oid = oidOf(id);
  if (seen.has(oid)) throw derError(id, 'duplicate', `${oid} is there twice`);
  seen.add(oid);
  const critical = flag(inside, 'critical');
  const value = content(expect(inside, tags.octetString, 'extnValue'));
  finish(inside);
  return { oid, critical, value };
}

/**
 * What may be critical: the nonce is compared, the others tell nothing that changes whether a certificate is revoked.
 * Anything else that is critical changes the meaning in a way that nobody here knows (RFC 6960 4.4).
 */
const knownInResponse: readonly string[] = [ocspOids.nonce, ocspOids.extendedRevoke];
const knownInSingle: readonly string[] = [
  ocspOids.archiveCutoff,
  ocspOids.crlReferences,
  ocspOids.signedCertificateTimestamps,
  ocspOids.invalidityDate,
];

/** The OID of a critical extension that is not understood; undefined if there is none. */
export function unknownCritical(
  extensions: readonly OcspExtension[],
  where: 'response' | 'single',
): string | undefined {
  const known = where === 'response' ? knownInResponse : knownInSingle;
  return extensions.find(({ oid, critical }) => critical && !known.includes(oid))?.oid;
}

/** The nonce in an answer: undefined if there is none, empty if it is none (RFC 9654 2.1: an OCTET STRING of 1 to 128). */
export function nonceOf(extensions: readonly OcspExtension[]): Uint8Array | undefined {
  const extension = extensions.find(({ oid }) => oid === ocspOids.nonce);
  if (extension === undefined) return undefined;
  try {
    const cursor = openDer(extension.value, 'nonce', { bytes: 256, depth: 1 });
    const nonce = content(expect(cursor, tags.octetString, 'nonce'));
    finish(cursor);
    return nonce;
  } catch {
    return new Uint8Array();
  }
}
