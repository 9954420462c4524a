import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { judgePath, type PathResult } from '../x509/path.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import type { PathCache } from '../x509/path-cache.ts';
import type { PathDetail, PathFailure } from '../x509/path-failure.ts';
import type { HandshakeFacts } from './admission.ts';
import type { ChainMemory } from './chain-memory.ts';

export interface PathJudge {
  readonly cache: PathCache;
  readonly memory: ChainMemory;
}

/**
 * The path of a handshake. A resumed one shows the leaf alone: the rest comes from what was stored and is judged in
 * full, as if it had been sent. Rejects only when the register has to be asked and does not answer.
 */
export async function judgeHandshake(
  judge: PathJudge,
  handshake: HandshakeFacts,
  anchors: readonly PathAnchor[],
  at: Date,
): Promise<PathResult> {
  const { chain, resumed } = handshake;
  const attempt = (more: readonly Uint8Array[]): PathResult =>
    judgePath({ chain: [...chain, ...more], anchors, at, cache: judge.cache, resumed });
  let result = attempt([]);
  const leaf = resumed && lacksChain(result) ? readLeaf(chain) : undefined;
  for (const source of [judge.memory.recall, judge.memory.load]) {
    if (leaf === undefined || !lacksChain(result)) break;
    const more = await source(leaf);
    if (more.length > 0) result = attempt(more);
  }
  if (result.ok) judge.memory.remember(result.path);
  return result;
}

function lacksChain(result: PathResult): boolean {
  return !result.ok && ['chain_untrusted', 'chain_incomplete'].includes(result.failures[0].reason);
}

/** The leaf if it can be read; for the audit and for looking up its chain. Never throws. */
export function readLeaf(chain: readonly Uint8Array[]): Certificate | undefined {
  const [der] = chain;
  try {
    return der === undefined ? undefined : parseCertificate(der);
  } catch {
    return undefined;
  }
}

/** Rules that are looked at only once every signature up to an anchor was verified: the client is no mere stranger. */
const afterSignatures: ReadonlySet<PathDetail> = new Set<PathDetail>([
  'anchor_expired',
  'anchor_not_yet_valid',
  'expired',
  'not_yet_valid',
  'path_length',
  'name_not_permitted',
  'name_excluded',
  'policy',
  'extended_key_usage',
  'ca_extended_key_usage',
  'key_usage',
  'rsa_key_size',
  'rsa_exponent',
  'ec_curve',
  'issuer_key_strength',
  'signature_hash',
  'critical_extension',
  'profile_rule',
]);

/** The anchor whose signatures a refused chain carries; undefined for one that anybody could have made. */
export function verifiedAnchor(failure: PathFailure): string | undefined {
  return afterSignatures.has(failure.detail) ? failure.anchor : undefined;
}
