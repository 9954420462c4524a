import type { CertificatePath, PathInput, PathResult } from './path.ts';
import type { AnchorCertificate, PathAnchor } from './path-anchor.ts';
import type { PolicyInputs } from './policy-graph.ts';

/** All that a judgement rests on besides the certificates themselves and the time. */
export interface Terms {
  /** The very list, with its profiles: an operator who changes one gives another list. */
  readonly anchors: readonly PathAnchor[];
  readonly purpose: string | undefined;
  readonly policy: PolicyInputs | undefined;
  readonly maxDepth: number | undefined;
}

export type GoodResult = PathResult & { readonly ok: true };

/**
 * A good judgement, its terms and the time for which it holds. Under the same terms the rules have no input left but
 * the time: to look at both is to look at validity, profile and policy again.
 */
export interface SettledPath {
  readonly terms: Terms;
  /** Milliseconds since 1970, both inclusive. */
  readonly from: number;
  readonly until: number;
  readonly result: GoodResult;
}

export function settle(input: PathInput, anchor: AnchorCertificate, result: GoodResult): SettledPath {
  const { anchors, purpose, policy, maxDepth } = input;
  const certificates = judgedByTime(result.path, anchor);
  return {
    terms: { anchors, purpose, policy, maxDepth },
    from: Math.max(...certificates.map(({ notBefore }) => notBefore.getTime())),
    // RFC 5280 4.1.2.5: through the last second, whose fractions are cut.
    until: Math.min(...certificates.map(({ notAfter }) => Math.floor(notAfter.getTime() / 1000) * 1000 + 999)),
    result,
  };
}

function judgedByTime({ leaf, intermediates }: CertificatePath, { anchor, certificate }: AnchorCertificate) {
  return [leaf, ...intermediates, ...(anchor.acceptExpired ? [] : [certificate])];
}

export function stillHolds({ terms, from, until }: SettledPath, input: PathInput): boolean {
  const at = input.at.getTime();
  return (
    at >= from &&
    at <= until &&
    terms.anchors === input.anchors &&
    terms.purpose === input.purpose &&
    terms.policy === input.policy &&
    terms.maxDepth === input.maxDepth
  );
}
