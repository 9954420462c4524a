import { createHash } from 'node:crypto';
import type { Caller } from './authentication.ts';

/** What the tables keep. */
const longest = 200;

/**
 * An Idempotency-Key as it is kept: one of this caller and nobody else. What a caller is named by may be long (`sub` of
 * an OpenID provider, the fingerprint of a certificate).
 */
export function keptKey({ keyId }: Pick<Caller, 'keyId'>, key: string): string {
  const whole = `${keyId} ${key}`;
  return whole.length <= longest ? whole : `sha256 ${createHash('sha256').update(whole).digest('hex')}`;
}
