import type { PolicyInputs } from '../../src/x509/policy-graph.ts';

/** What of a certificate matters for policies. */
export interface PolicyCertificate {
  readonly policies?: readonly string[];
  readonly mappings?: readonly (readonly [issuer: string, subject: string])[];
  readonly requireExplicit?: number;
  readonly inhibitMapping?: number;
  readonly inhibitAny?: number;
  readonly selfIssued?: boolean;
}

interface Node {
  readonly depth: number;
  readonly policy: string;
  expected: Set<string>;
  readonly children: Node[];
}

const any = '2.5.29.32.0';

/**
 * The valid_policy_tree of RFC 5280 6.1, step by step as it stands there, exponential and all: a reference for the
 * graph on short paths. Certificates from the top down, the last is the leaf.
 */
export function treeAccepts(path: readonly PolicyCertificate[], inputs: PolicyInputs): boolean {
  const n = path.length;
  let tree: Node | undefined = { depth: 0, policy: any, expected: new Set([any]), children: [] };
  let explicit = inputs.requireExplicit ? 0 : n + 1;
  let mapping = inputs.inhibitMapping ? 0 : n + 1;
  let anyCount = inputs.inhibitAny ? 0 : n + 1;
  for (const [index, certificate] of path.entries()) {
    const i = index + 1;
    const final = i === n;
    const selfIssued = certificate.selfIssued === true;
    tree = addLevel(tree, i, certificate, anyCount > 0 || (!final && selfIssued));
    if (explicit === 0 && tree === undefined) return false;
    if (final) break;
    if (certificate.mappings?.some((pair) => pair.includes(any))) return false;
    tree = applyMappings(tree, i, certificate, mapping > 0);
    if (!selfIssued)
      [explicit, mapping, anyCount] = [explicit, mapping, anyCount].map((c) => Math.max(0, c - 1)) as [
        number,
        number,
        number,
      ];
    explicit = Math.min(explicit, certificate.requireExplicit ?? explicit);
    mapping = Math.min(mapping, certificate.inhibitMapping ?? mapping);
    anyCount = Math.min(anyCount, certificate.inhibitAny ?? anyCount);
  }
  explicit = Math.max(0, explicit - 1);
  return explicit > 0 || intersects(tree, n, inputs.initial ?? [any]);
}

function nodesAt(tree: Node | undefined, depth: number): Node[] {
  if (tree === undefined) return [];
  return tree.depth === depth ? [tree] : tree.children.flatMap((child) => nodesAt(child, depth));
}

/** 6.1.3 (d), (e). */
function addLevel(
  tree: Node | undefined,
  i: number,
  { policies }: PolicyCertificate,
  anyAllowed: boolean,
): Node | undefined {
  if (tree === undefined || policies === undefined) return undefined;
  const above = nodesAt(tree, i - 1);
  const grow = (parent: Node, policy: string): void => {
    parent.children.push({ depth: i, policy, expected: new Set([policy]), children: [] });
  };
  for (const policy of policies.filter((p) => p !== any)) {
    const matching = above.filter(({ expected }) => expected.has(policy));
    for (const parent of matching) grow(parent, policy);
    if (matching.length === 0) for (const parent of above.filter((node) => node.policy === any)) grow(parent, policy);
  }
  if (policies.includes(any) && anyAllowed)
    for (const parent of above)
      for (const policy of parent.expected)
        if (!parent.children.some((child) => child.policy === policy)) grow(parent, policy);
  return pruned(tree, i);
}

/** Deletes nodes above this depth that have no children, until there are none; undefined when nothing is left. */
function pruned(tree: Node, depth: number): Node | undefined {
  const keep = (node: Node): boolean => {
    const kept = node.children.filter(keep);
    node.children.splice(0, node.children.length, ...kept);
    return node.depth === depth || node.children.length > 0;
  };
  return keep(tree) ? tree : undefined;
}

/** 6.1.4 (b). */
function applyMappings(
  tree: Node | undefined,
  i: number,
  { mappings }: PolicyCertificate,
  allowed: boolean,
): Node | undefined {
  if (tree === undefined || mappings === undefined) return tree;
  for (const from of new Set(mappings.map(([issuer]) => issuer))) {
    const targets = new Set(mappings.filter(([issuer]) => issuer === from).map(([, subject]) => subject));
    const nodes = nodesAt(tree, i).filter(({ policy }) => policy === from);
    if (!allowed) {
      for (const parent of nodesAt(tree, i - 1)) {
        const kept = parent.children.filter(({ policy }) => policy !== from);
        parent.children.splice(0, parent.children.length, ...kept);
      }
      const left = pruned(tree, i);
      if (left === undefined) return undefined;
    } else if (nodes.length > 0) for (const node of nodes) node.expected = targets;
    else if (nodesAt(tree, i).some(({ policy }) => policy === any))
      for (const parent of nodesAt(tree, i - 1).filter(({ policy }) => policy === any))
        parent.children.push({ depth: i, policy: from, expected: targets, children: [] });
  }
  return tree;
}

/** 6.1.5 (g). */
function intersects(tree: Node | undefined, n: number, initial: readonly string[]): boolean {
  if (tree === undefined) return false;
  if (initial.includes(any)) return true;
  const authority: Node[] = [];
  const visit = (node: Node): void => {
    for (const child of node.children) {
      if (node.policy === any) authority.push(child);
      visit(child);
    }
  };
  visit(tree);
  const reaches = (node: Node): boolean => node.depth === n || node.children.some(reaches);
  const wanted = (node: Node): boolean => initial.includes(node.policy);
  if (authority.some((node) => node.policy !== any && wanted(node) && reaches(node))) return true;
  // A leaf of any-policy stands for each policy of the initial set.
  return nodesAt(tree, n).some(({ policy }) => policy === any) && initial.length > 0;
}
