/**
 * What one judgement may cost. A stranger chooses the chain, so everything is counted, nothing is timed: the same
 * input gives the same answer on every machine.
 */
export interface PathLimits {
  /** Certificates taken from the peer; one more and nothing is read. */
  readonly certificates: number;
  /** Certificates below the anchor on one path. */
  readonly pathCertificates: number;
  /** Signatures, counted in verifications of P-256 (see `verificationCost`). */
  readonly signatures: number;
  /** Pairs of certificate and possible issuer looked at. */
  readonly candidates: number;
  /** Paths that reach an anchor and are judged. */
  readonly paths: number;
  /** Names held against name constraints, each pair counted, whatever its kind. */
  readonly nameComparisons: number;
  /** Nodes and edges of policy graphs. */
  readonly policySteps: number;
}

export const defaultPathLimits: PathLimits = {
  certificates: 100,
  pathCertificates: 32,
  signatures: 160,
  candidates: 1024,
  paths: 64,
  nameComparisons: 131_072,
  policySteps: 32_768,
};

/** What is left of the limits while one chain is judged. */
export type Budget = { -readonly [K in Exclude<keyof PathLimits, 'certificates' | 'pathCertificates'>]: number };

export function newBudget(limits: PathLimits): Budget {
  const { signatures, candidates, paths, nameComparisons, policySteps } = limits;
  return { signatures, candidates, paths, nameComparisons, policySteps };
}

/** Takes from the budget; false when there is not enough left, and then nothing is taken. */
export function spend(budget: Budget, what: keyof Budget, amount: number): boolean {
  if (budget[what] < amount) return false;
  budget[what] -= amount;
  return true;
}

/** What one judgement did, in the units of its limits. */
export type PathWork = Readonly<Budget>;

export function workDone(limits: PathLimits, left: Budget): PathWork {
  return {
    signatures: limits.signatures - left.signatures,
    candidates: limits.candidates - left.candidates,
    paths: limits.paths - left.paths,
    nameComparisons: limits.nameComparisons - left.nameComparisons,
    policySteps: limits.policySteps - left.policySteps,
  };
}
