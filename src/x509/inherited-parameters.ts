import type { Certificate } from './certificate.ts';
import { tags } from './der.ts';
import { encode, encodeOid, encodeSequence } from './der-encoding.ts';
import { parsePublicKey, type PublicKeyInfo } from './public-key.ts';

/** A DSA key without parameters has those of the key above it (RFC 3279 2.3.2): which depends on the path. */
export function inheritsParameters(key: PublicKeyInfo): boolean {
  return key.algorithm === 'dsa' && key.parameters === undefined;
}

/**
 * RFC 5280 6.1.4 (d) to (f), working_public_key and its parameters: the key as it is used on a path. `above` are the
 * certificates above the one that has the key, lowest first, the anchor last. Undefined where nobody above has any.
 */
export function workingKey(key: PublicKeyInfo, above: readonly Certificate[]): PublicKeyInfo | undefined {
  if (!inheritsParameters(key)) return key;
  const source = above.find(({ publicKey }) => !inheritsParameters(publicKey))?.publicKey;
  // 6.1.4 (e): a key of another algorithm in between, and there are none.
  return source?.parameters === undefined ? undefined : withParameters(key, source.parameters);
}

function withParameters({ oid, key }: PublicKeyInfo, parameters: Uint8Array): PublicKeyInfo {
  const algorithm = encodeSequence(encodeOid(oid), parameters);
  return parsePublicKey(encodeSequence(algorithm, encode(tags.bitString, Uint8Array.of(0), key)));
}
