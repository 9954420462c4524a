import {
  type PolicyDocument,
  type PolicyInForce,
  policyOf,
  policySchema,
  type RevocationPolicy,
} from '../trust/revocation-policy.ts';
import type { CheckOptions } from './certificate-command.ts';
import { exitCodes, failure } from './failure.ts';

/** The policy that `certificate check` judges by: the file's, or the strict one that goes without saying. */
export async function effectivePolicy(options: CheckOptions): Promise<PolicyInForce> {
  const { policy, anchor } = options;
  if (policy === undefined) return { version: 'none', policy: strictPolicy(options) };
  const { readPolicyFile } = await import('./policy-file.ts');
  return { version: 'file', policy: entryOf(readPolicyFile(policy).document, anchor) };
}

function entryOf(document: PolicyDocument, anchor: string | undefined): RevocationPolicy {
  const { anchors } = document;
  const [only] = anchors;
  if (anchor === undefined && anchors.length === 1 && only !== undefined) return only;
  const entry = policyOf(document, anchor ?? '*');
  if (entry !== undefined) return entry;
  const names = anchors.map(({ name }) => name).join(', ');
  throw failure(
    exitCodes.usage,
    anchor === undefined ? 'the policy has entries for several anchors' : `the policy has no entry for ${anchor}`,
    `name one with --anchor: ${names}`,
  );
}

/** Every certificate of the path but the anchor needs a current answer, whoever gives it; unknown refuses. */
function strictPolicy({ crl, crlDir, ocspResponse, fetch, profile }: CheckOptions): RevocationPolicy {
  // SHA-1 is what the profile of femtocells forbids, not the RFC.
  const sha1 = profile === 'rfc5280' ? 'allow' : 'refuse';
  const sources = [
    ...(crl !== undefined || crlDir !== undefined ? [{ kind: 'uploaded-crl', sha1 }] : []),
    ...(ocspResponse !== undefined || fetch === true ? [{ kind: 'cert-aia', sha1 }] : []),
    ...(fetch === true ? [{ kind: 'cert-cdp', sha1 }] : []),
  ];
  const entry = { name: '*', depth: 'chain', sources, combine: 'first-answer', onUnknown: 'deny', nonce: 'prefer' };
  const [policy] = policySchema.parse({ anchors: [entry] }).anchors;
  if (policy === undefined) throw new Error('a policy has an entry');
  return policy;
}

/** Pointers are followed with --fetch, or where the policy names a source that is elsewhere; never with --offline. */
export function mayFetch({ fetch, offline, policy }: CheckOptions, { policy: { sources } }: PolicyInForce): boolean {
  if (offline === true) return false;
  return fetch === true || (policy !== undefined && sources.some(({ kind }) => kind !== 'uploaded-crl'));
}
