import type { Certificate } from './certificate.ts';
import type { NameConstraints } from './extension-subtrees.ts';
import type { GeneralName } from './general-name.ts';
import { attributeValues, nameToString } from './name.ts';
import { type MatchingOptions, standingOf } from './name-constraint-matching.ts';
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
  for (const constraints of above) {
    const subtrees = constraints.permitted.length + constraints.excluded.length;
    if (!spend(budget, 'nameComparisons', names.length * subtrees))
      return {
        detail: 'budget_exhausted',
        message: `${names.length} names under ${subtrees} constraints are too many`,
      };
    for (const name of names) {
      const problem = problemOf(name, constraints, rules);
      if (problem !== undefined) return problem;
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
      if (readsAsHost.test(value)) names.push({ kind: 'dNSName', value });
  return names;
}

const readsAsHost = /^(\*\.)?([a-z0-9_-]+\.)+[a-z0-9_-]*[a-z_-][a-z0-9_-]*$/i;

function problemOf(name: GeneralName, constraints: NameConstraints, rules: NameRules): NameProblem | undefined {
  for (const { base, minimum, maximum } of constraints.excluded) {
    if (base.kind !== name.kind) continue;
    const standing = minimum === 0 && maximum === undefined ? standingOf(name, base, rules) : 'unclear';
    if (standing === 'unclear') return unclear(name);
    if (standing !== 'outside') return { detail: 'name_excluded', message: `${describe(name)} is excluded` };
  }
  let permitted: boolean | undefined;
  for (const { base, minimum, maximum } of constraints.permitted) {
    if (base.kind !== name.kind) continue;
    const standing = minimum === 0 && maximum === undefined ? standingOf(name, base, rules) : 'unclear';
    if (standing === 'unclear') return unclear(name);
    permitted ||= standing === 'within';
  }
  return permitted === false
    ? { detail: 'name_not_permitted', message: `${describe(name)} is in no permitted subtree` }
    : undefined;
}

/** RFC 5280 4.2.1.10: process the constraint or reject the certificate. */
function unclear(name: GeneralName): NameProblem {
  return { detail: 'name_constraint_unsupported', message: `${describe(name)} cannot be held against its constraint` };
}

function describe(name: GeneralName): string {
  if ('value' in name) return `${name.kind} ${JSON.stringify(name.value.slice(0, 128))}`;
  if (name.kind === 'directoryName') return `directoryName ${nameToString(name.name)}`;
  return name.kind === 'iPAddress' ? `iPAddress ${[...name.bytes].join('.')}` : name.kind;
}
