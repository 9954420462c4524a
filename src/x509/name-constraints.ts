import type { Certificate } from './certificate.ts';
import type { GeneralSubtree, NameConstraints } from './extension-subtrees.ts';
import type { GeneralName, GeneralNameKind } from './general-name.ts';
import { attributeValues, nameToString } from './name.ts';
import {
  type MatchingOptions,
  type ReadName,
  readForMatching,
  type Standing,
  type Subtree,
  subtreeOf,
} from './name-constraint-matching.ts';
import { commonName, emailAddress } from './oids.ts';
import type { PathDetail } from './path-failure.ts';
import { type Budget, spend } from './path-limits.ts';

export interface NameRules extends MatchingOptions {
  /** Hold a common name that reads as a host name to the dNSName constraints too. */
  readonly commonName: boolean;
}

export interface NameProblem {
  readonly detail: PathDetail;
  readonly message: string;
}

/**
 * RFC 5280 6.1.3 (b), (c): every name of the certificate inside the permitted subtrees of each CA above it that
 * permits its form, and outside of all excluded ones. The CAs' sets are kept apart, which is their intersection.
 */
export function nameProblem(
  certificate: Certificate,
  above: readonly NameConstraints[],
  rules: NameRules,
  budget: Budget,
): NameProblem | undefined {
  if (above.length === 0) return undefined;
  const names = constrainedNames(certificate, rules);
  const subtrees = above.reduce((sum, { permitted, excluded }) => sum + permitted.length + excluded.length, 0);
  // Counted whatever the kinds, before anything is compared.
  if (!spend(budget, 'nameComparisons', names.length * subtrees))
    return { detail: 'budget_exhausted', message: `${names.length} names under ${subtrees} constraints are too many` };
  const read = names.map(readForMatching);
  for (const constraints of above) {
    const prepared = prepare(constraints, rules);
    for (const [i, name] of read.entries()) {
      const problem = problemOf(name, prepared);
      if (problem !== undefined) return { detail: problem, message: messageOf(problem, names[i]) };
    }
  }
  return undefined;
}

function constrainedNames({ subject, extensions }: Certificate, rules: NameRules): GeneralName[] {
  const names: GeneralName[] = [...(extensions.subjectAltName ?? [])];
  if (subject.rdns.length > 0) names.push({ kind: 'directoryName', name: subject });
  for (const value of attributeValues(subject, emailAddress)) names.push({ kind: 'rfc822Name', value });
  if (rules.commonName)
    for (const value of attributeValues(subject, commonName))
      if (readsAsHost(value)) names.push({ kind: 'dNSName', value });
  return names;
}

/** Labels and dots, the last label not a number: `a.example`, not `device`, `1.2.3.4` or `ACME-1.0`. */
function readsAsHost(text: string): boolean {
  if (text.length > 255 || !/^(\*\.)?([a-z0-9_-]+\.)+[a-z0-9_-]+$/i.test(text)) return false;
  return !/^[0-9]+$/.test(text.slice(text.lastIndexOf('.') + 1));
}

interface Prepared {
  readonly permitted: ReadonlyMap<GeneralNameKind, readonly Subtree[]>;
  readonly excluded: ReadonlyMap<GeneralNameKind, readonly Subtree[]>;
}

/** Constraints taken apart once, for each way to read a leading dot. */
const preparedStrict = new WeakMap<NameConstraints, Prepared>();
const preparedDotted = new WeakMap<NameConstraints, Prepared>();

function prepare(constraints: NameConstraints, options: MatchingOptions): Prepared {
  const known = options.leadingDot ? preparedDotted : preparedStrict;
  let prepared = known.get(constraints);
  if (prepared === undefined) {
    const { permitted, excluded } = constraints;
    prepared = { permitted: byKind(permitted, options), excluded: byKind(excluded, options) };
    known.set(constraints, prepared);
  }
  return prepared;
}

function byKind(list: readonly GeneralSubtree[], options: MatchingOptions): Map<GeneralNameKind, Subtree[]> {
  const found = new Map<GeneralNameKind, Subtree[]>();
  for (const { base, minimum, maximum } of list) {
    // RFC 5280 4.2.1.10: minimum is zero and maximum absent; anything else we do not process.
    const subtree: Subtree = minimum === 0 && maximum === undefined ? subtreeOf(base, options) : () => 'unclear';
    const same = found.get(base.kind);
    if (same === undefined) found.set(base.kind, [subtree]);
    else same.push(subtree);
  }
  return found;
}

type ProblemDetail = 'name_excluded' | 'name_not_permitted' | 'name_constraint_unsupported';

function problemOf(name: ReadName, { permitted, excluded }: Prepared): ProblemDetail | undefined {
  for (const subtree of excluded.get(name.kind) ?? []) {
    const standing = subtree(name);
    if (standing !== 'outside') return standing === 'unclear' ? 'name_constraint_unsupported' : 'name_excluded';
  }
  const allowed = permitted.get(name.kind);
  return allowed === undefined ? undefined : permission(name, allowed);
}

function permission(name: ReadName, allowed: readonly Subtree[]): ProblemDetail | undefined {
  let best: Standing = 'outside';
  for (const subtree of allowed) {
    const standing = subtree(name);
    // RFC 5280 4.2.1.10: process the constraint or reject the certificate.
    if (standing === 'unclear') return 'name_constraint_unsupported';
    if (standing === 'within') best = standing;
  }
  return best === 'within' ? undefined : 'name_not_permitted';
}

function messageOf(detail: ProblemDetail, name: GeneralName | undefined): string {
  const text = name === undefined ? 'a name' : describe(name);
  if (detail === 'name_excluded') return `${text} is excluded by a CA above`;
  if (detail === 'name_not_permitted') return `${text} is in no subtree that the CAs above permit`;
  return `${text} cannot be held against its constraint`;
}

function describe(name: GeneralName): string {
  if ('value' in name) return `${name.kind} ${JSON.stringify(name.value.slice(0, 128))}`;
  if (name.kind === 'directoryName') return `directoryName ${nameToString(name.name)}`;
  return name.kind === 'iPAddress' ? `iPAddress ${[...name.bytes.subarray(0, 32)].join('.')}` : name.kind;
}
