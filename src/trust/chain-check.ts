import type { IdentityName } from '../fleet/identity.ts';
import type { Certificate } from '../x509/certificate.ts';
import { nameToString } from '../x509/name.ts';
import { type CertificatePath, judgePath } from '../x509/path.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import type { PathFailure, PathWarning } from '../x509/path-failure.ts';
import type { PolicyInputs } from '../x509/policy-graph.ts';
import type { Profile } from '../x509/profile.ts';
import { identityRules, nameIdentity } from './identity.ts';

/** A chain to be judged by itself, without server, register or configuration. */
export interface ChainQuestion {
  /** Each is an anchor of its own, in any order; not necessarily self-signed. */
  readonly trust: readonly Certificate[];
  /** DER, the leaf first, then anything. */
  readonly chain: readonly Uint8Array[];
  readonly at: Date;
  readonly profile: Profile;
  readonly policy: PolicyInputs;
  /** Most intermediates, self-issued ones not counted. */
  readonly maxDepth?: number;
  readonly acceptExpiredAnchor?: boolean;
}

/** What the leaf would be called if an anchor may speak for it: `ambiguous` when it says more than one. */
export type StatedIdentity = (IdentityName & { readonly rule: string }) | { readonly problem: 'identity_ambiguous' };

export interface ChainAnswer {
  readonly path: CertificatePath | undefined;
  /** What the path was judged with. */
  readonly anchors: readonly PathAnchor[];
  /** One for each path tried, the most telling first; empty for a good chain. */
  readonly reasons: readonly PathFailure[];
  readonly warnings: readonly PathWarning[];
  /** Of a good chain only: nothing else proves one. Undefined where its leaf states none, which is no fault of a path. */
  readonly identity: StatedIdentity | undefined;
}

/** The very judgement of the gate on a path, and nothing after it. */
export function checkChain(question: ChainQuestion): ChainAnswer {
  const { chain, at, policy, maxDepth } = question;
  const anchors = anchorsOf(question);
  const result = judgePath({ chain, anchors, at, policy, ...(maxDepth !== undefined && { maxDepth }) });
  if (!result.ok) return { path: undefined, anchors, reasons: result.failures, warnings: [], identity: undefined };
  const { path, warnings } = result;
  return { path, anchors, reasons: [], warnings, identity: statedIdentity(path.leaf) };
}

function anchorsOf({ trust, profile, acceptExpiredAnchor = false }: ChainQuestion): PathAnchor[] {
  const distinct = new Map(trust.map((certificate) => [certificate.fingerprint, certificate]));
  return [...distinct.values()].map((certificate) => ({
    name: nameToString(certificate.subject),
    certificates: [certificate],
    profile,
    acceptExpired: acceptExpiredAnchor,
  }));
}

/** Under every rule there is, in their usual order: without a configuration nobody has chosen among them. */
function statedIdentity(leaf: Certificate): StatedIdentity | undefined {
  const named = nameIdentity(leaf, identityRules);
  switch (named.kind) {
    case 'one':
      return { rule: named.rule, ...named.name };
    case 'ambiguous':
      return { problem: 'identity_ambiguous' };
    case 'none':
      return undefined;
  }
}
