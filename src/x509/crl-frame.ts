import { readAlgorithmIdentifier, type SignatureAlgorithm, sameAlgorithm, signatureAlgorithmOf } from './algorithms.ts';
import { type CrlExtensions, noCrlExtensions, readCrlExtensions } from './crl-extensions.ts';
import {
  constructed,
  type DerCursor,
  type DerElement,
  type DerLimits,
  derError,
  enter,
  expect,
  finish,
  nextTag,
  optional,
  tags,
} from './der.ts';
import { readTime } from './der-times.ts';
import { octetsOfBitString, smallInteger } from './der-values.ts';
import { type Name, readName } from './name.ts';

/** Bytes and depth of a CRL. */
export const crlLimits: DerLimits = { bytes: 64 * 1024 * 1024, depth: 24 };

/** What stands before the first entry of a CRL that comes in pieces must lie in this many bytes. */
export const frameBytes = 64 * 1024;

/** Most bytes behind the last entry: extensions and signature. */
const mostTail = 256 * 1024;

/** What stands before the entries (RFC 5280 5.1). Offsets count from the start of the CRL. */
export interface CrlHead {
  readonly version: 1 | 2;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly algorithm: SignatureAlgorithm;
  readonly tbs: DerElement;
  readonly total: number;
  /** revokedCertificates; undefined where there is none. */
  readonly list: { readonly contentStart: number; readonly end: number } | undefined;
  /** Where what follows the entries starts. */
  readonly tailStart: number;
  readonly inner: ReturnType<typeof readAlgorithmIdentifier>;
}

/** Reads what stands before the entries. `bytes` starts the CRL and holds at least its first `frameBytes`, or all. */
export function readHead(bytes: Uint8Array, total: number, limits: DerLimits = crlLimits): CrlHead {
  const field = { name: 'certificateList', parent: undefined };
  if (total > limits.bytes) throw derError(field, 'too_large', `${total} bytes, at most ${limits.bytes} are read`);
  const outside: DerCursor = { bytes, offset: 0, end: total, depthLeft: limits.depth, field };
  const list = expect(outside, tags.sequence, field.name);
  finish(outside);
  const tbs = expect({ ...enter(list), field }, tags.sequence, 'tbsCertList');
  const cursor = enter(tbs);
  const version = readVersion(cursor);
  const inner = readAlgorithmIdentifier(cursor, 'signature');
  const issuer = readName(cursor, 'issuer');
  const thisUpdate = readTime(cursor, 'thisUpdate');
  const timed = nextTag(cursor) === tags.utcTime || nextTag(cursor) === tags.generalizedTime;
  const nextUpdate = timed ? readTime(cursor, 'nextUpdate') : undefined;
  const entries = optional(cursor, tags.sequence, 'revokedCertificates');
  if ((entries?.contentStart ?? cursor.offset) > bytes.length)
    throw derError(tbs, 'too_large', `more than ${bytes.length} bytes before the first entry`);
  const algorithm = signatureAlgorithmOf(inner);
  const tailStart = cursor.offset;
  if (total - tailStart > mostTail) throw derError(tbs, 'too_large', `more than ${mostTail} bytes behind the entries`);
  return { version, issuer, thisUpdate, nextUpdate, algorithm, tbs, total, list: entries, tailStart, inner };
}

function readVersion(cursor: DerCursor): 1 | 2 {
  const element = optional(cursor, tags.integer, 'version');
  if (element === undefined) return 1;
  // RFC 5280 5.1.2.1: present only as v2.
  if (smallInteger(element) !== 1) throw derError(element, 'value', 'is not version 2');
  return 2;
}

export interface CrlTail {
  readonly extensions: CrlExtensions;
  /** The algorithm named inside what is signed is the one outside (RFC 5280 5.1.1.2). */
  readonly consistent: boolean;
  readonly value: Uint8Array;
}

/** Reads what stands behind the entries; `bytes` starts `base` bytes into the CRL and holds its rest. */
export function readTail(bytes: Uint8Array, base: number, head: CrlHead): CrlTail {
  const { tbs, tailStart, total, version, inner } = head;
  const depthLeft = tbs.depthLeft;
  const inside: DerCursor = {
    bytes,
    offset: tailStart - base,
    end: tbs.end - base,
    depthLeft: depthLeft - 1,
    field: tbs,
  };
  const list = optional(inside, constructed(0), 'crlExtensions');
  // RFC 5280 5.1.2.1: extensions come with version 2.
  if (list !== undefined && version === 1) throw derError(list, 'value', 'needs version 2');
  const extensions = list === undefined ? noCrlExtensions : readCrlExtensions(list);
  finish(inside);
  const field = tbs.parent ?? tbs;
  const outside: DerCursor = { bytes, offset: tbs.end - base, end: total - base, depthLeft, field };
  const algorithm = readAlgorithmIdentifier(outside, 'signatureAlgorithm');
  const value = octetsOfBitString(expect(outside, tags.bitString, 'signatureValue'));
  finish(outside);
  return { extensions, consistent: sameAlgorithm(inner, algorithm), value };
}
