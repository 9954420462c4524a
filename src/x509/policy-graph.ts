import type { Certificate } from './certificate.ts';
import type { PolicyMapping } from './extension-policies.ts';
import { anyPolicy } from './oids.ts';
import { type Budget, spend } from './path-limits.ts';

/** The inputs of RFC 5280 6.1.1 (c), (e), (f), (g). */
export interface PolicyInputs {
  /** user-initial-policy-set; absent: any-policy. */
  readonly initial?: readonly string[];
  readonly requireExplicit?: boolean;
  readonly inhibitMapping?: boolean;
  readonly inhibitAny?: boolean;
}

/** What of one certificate matters for policies, and how it stands in the path. */
export interface PolicyStep {
  readonly certificate: Certificate;
  readonly selfIssued: boolean;
  readonly final: boolean;
}

export type PolicyVerdict = 'good' | 'bad' | 'budget_exhausted';

/** A node of RFC 9618: one for each policy and depth, however many ways lead to it. */
interface PolicyNode {
  readonly policy: string;
  /** expected_policy_set: the policy itself unless mapped. */
  expected: readonly string[];
  readonly parents: readonly PolicyNode[];
}

/** One depth of the graph. Depth 0 is the one node any-policy. */
type Level = ReadonlyMap<string, PolicyNode>;

/** The three counters of RFC 5280 6.1.2 (d)–(f); a certificate is judged with those before it. */
interface Counters {
  readonly explicit: number;
  readonly mapping: number;
  readonly any: number;
}

/**
 * RFC 5280 6.1.2 (a), 6.1.3 (d)–(f), 6.1.4 (a), (b), (h)–(j), 6.1.5 (a), (b), (g), on the graph of RFC 9618, whose
 * size is bounded by what the certificates hold; the tree of the RFC grows exponentially.
 */
export function judgePolicies(
  steps: readonly PolicyStep[],
  anchor: Certificate,
  inputs: PolicyInputs,
  budget: Budget,
): PolicyVerdict {
  if (steps.some(({ certificate, final }) => !final && mapsAnyPolicy(certificate))) return 'bad';
  const counters = countersOf(steps, anchor, inputs);
  // Only a path that needs an explicit policy somewhere can fail by its policies, and almost none does.
  if (counters.every(({ explicit }) => explicit > 0)) return 'good';
  const root: PolicyNode = { policy: anyPolicy, expected: [anyPolicy], parents: [] };
  let level: Level = new Map([[anyPolicy, root]]);
  for (const [i, step] of steps.entries()) {
    const now = counters[i];
    if (now === undefined) return 'bad';
    if (!spend(budget, 'policySteps', costOf(step.certificate, level))) return 'budget_exhausted';
    const made = nextLevel(level, step, now);
    // 6.1.3 (f)
    if (made.size === 0 && now.explicit === 0) return 'bad';
    level = step.final ? made : mapPolicies(made, level, step.certificate, now);
  }
  // 6.1.5 (g)
  return counters.at(-1)?.explicit !== 0 || grantsAny(level, inputs.initial) ? 'good' : 'bad';
}

/** 6.1.4 (a): anyPolicy is mapped neither from nor to. */
function mapsAnyPolicy({ extensions }: Certificate): boolean {
  return (
    extensions.policyMappings?.some(
      ({ issuerDomainPolicy, subjectDomainPolicy }) =>
        issuerDomainPolicy === anyPolicy || subjectDomainPolicy === anyPolicy,
    ) ?? false
  );
}

/** The counters before each certificate, and last those at the end of the path. */
function countersOf(steps: readonly PolicyStep[], anchor: Certificate, inputs: PolicyInputs): Counters[] {
  const start = steps.length + 1;
  // 6.1.2 (d)–(f)
  let now: Counters = {
    explicit: inputs.requireExplicit ? 0 : start,
    mapping: inputs.inhibitMapping ? 0 : start,
    any: inputs.inhibitAny ? 0 : start,
  };
  // RFC 5937 3.2: what the anchor's own certificate asks for holds as well.
  now = constrained(now, anchor);
  const all = [now];
  for (const { certificate, selfIssued, final } of steps) {
    if (final) {
      // 6.1.5 (a), (b)
      const explicit = certificate.extensions.policyConstraints?.requireExplicitPolicy === 0 ? 0 : less(now.explicit);
      now = { ...now, explicit };
    } else {
      // 6.1.4 (h)
      if (!selfIssued) now = { explicit: less(now.explicit), mapping: less(now.mapping), any: less(now.any) };
      now = constrained(now, certificate);
    }
    all.push(now);
  }
  return all;
}

function less(counter: number): number {
  return Math.max(0, counter - 1);
}

/** 6.1.4 (i), (j). */
function constrained(now: Counters, { extensions }: Certificate): Counters {
  const { policyConstraints, inhibitAnyPolicy } = extensions;
  return {
    explicit: Math.min(now.explicit, policyConstraints?.requireExplicitPolicy ?? now.explicit),
    mapping: Math.min(now.mapping, policyConstraints?.inhibitPolicyMapping ?? now.mapping),
    any: Math.min(now.any, inhibitAnyPolicy ?? now.any),
  };
}

/** Nodes and edges that one certificate can add, all of them linear in what it and the level before hold. */
function costOf({ extensions }: Certificate, level: Level): number {
  let edges = 0;
  for (const { expected } of level.values()) edges += expected.length;
  return 1 + edges + (extensions.certificatePolicies?.length ?? 0) + (extensions.policyMappings?.length ?? 0);
}

/** 6.1.3 (d), (e). A level without nodes is the graph that is NULL. */
function nextLevel(above: Level, { certificate, selfIssued, final }: PolicyStep, now: Counters): Level {
  const policies = certificate.extensions.certificatePolicies;
  const made = new Map<string, PolicyNode>();
  if (policies === undefined) return made;
  const expecting = byExpected(above);
  const anyNode = above.get(anyPolicy);
  for (const { policy } of policies) {
    if (policy === anyPolicy) continue;
    const parents = expecting.get(policy) ?? (anyNode === undefined ? [] : [anyNode]);
    if (parents.length > 0) made.set(policy, { policy, expected: [policy], parents });
  }
  const anyAllowed = now.any > 0 || (!final && selfIssued);
  if (anyAllowed && policies.some(({ policy }) => policy === anyPolicy))
    for (const [policy, parents] of expecting)
      if (!made.has(policy)) made.set(policy, { policy, expected: [policy], parents });
  return made;
}

function byExpected(level: Level): Map<string, PolicyNode[]> {
  const found = new Map<string, PolicyNode[]>();
  for (const node of level.values())
    for (const policy of node.expected) {
      const nodes = found.get(policy);
      if (nodes === undefined) found.set(policy, [node]);
      else nodes.push(node);
    }
  return found;
}

/** 6.1.4 (b). */
function mapPolicies(level: Level, above: Level, { extensions }: Certificate, now: Counters): Level {
  if (extensions.policyMappings === undefined) return level;
  const mapped = new Map(level);
  const aboveAny = above.get(anyPolicy);
  for (const [policy, targets] of Map.groupBy(extensions.policyMappings, (m: PolicyMapping) => m.issuerDomainPolicy)) {
    if (now.mapping === 0) {
      mapped.delete(policy);
      continue;
    }
    const expected = [...new Set(targets.map(({ subjectDomainPolicy }) => subjectDomainPolicy))];
    const node = mapped.get(policy);
    if (node !== undefined) node.expected = expected;
    else if (mapped.has(anyPolicy) && aboveAny !== undefined)
      mapped.set(policy, { policy, expected, parents: [aboveAny] });
  }
  return mapped;
}

/**
 * 6.1.5 (g): whether the user-constrained-policy-set has a policy in it. The authority's own policies are those whose
 * parent is any-policy and that lead to the last level.
 */
function grantsAny(last: Level, initial: readonly string[] | undefined): boolean {
  if (last.size === 0) return false;
  if (initial === undefined || initial.includes(anyPolicy) || (last.has(anyPolicy) && initial.length > 0)) return true;
  const wanted = new Set(initial);
  const seen = new Set<PolicyNode>(last.values());
  for (const node of seen) {
    if (wanted.has(node.policy) && node.parents.some(({ policy }) => policy === anyPolicy)) return true;
    for (const parent of node.parents) seen.add(parent);
  }
  return false;
}
