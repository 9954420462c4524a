import type { Certificate } from './certificate.ts';
import { isProcessed } from './critical-extensions.ts';
import type { NameConstraints } from './extension-subtrees.ts';
import { nameProblem } from './name-constraints.ts';
import { nameToString, namesEqual } from './name.ts';
import { inheritsParameters, workingKey } from './inherited-parameters.ts';
import { type AnchorCertificate, anchorFault } from './path-anchor.ts';
import { type PathDetail, type PathFailure, pathDetails, type PathWarning } from './path-failure.ts';
import { type Budget, spend } from './path-limits.ts';
import { judgePolicies, type PolicyInputs } from './policy-graph.ts';
import { levelOf, pathFindings } from './profile.ts';
import { importCost, verificationCost, verifySignature } from './signature.ts';
import { outsideValidity } from './validity.ts';

/** What a path is held to, besides the RFC. */
export interface PathRules {
  readonly at: Date;
  /** Dotted decimal; undefined for any. */
  readonly purpose: string | undefined;
  readonly policy: PolicyInputs;
  readonly maxDepth: number;
}

/** A path whose signatures and names chain: leaf first, below the anchor. */
export interface ChainedPath {
  readonly certificates: readonly Certificate[];
  readonly anchor: AnchorCertificate;
}

export interface Validation {
  /** The first rule that refuses; undefined for a good path. */
  readonly failure: PathFailure | undefined;
  /** How far the path came: the farther, the more telling its failure. */
  readonly progress: number;
  readonly warnings: readonly PathWarning[];
}

interface Problem {
  readonly detail: PathDetail;
  readonly clause: string;
  readonly message: string;
  readonly rule?: string;
}

const selfIssuance = new WeakMap<Certificate, boolean>();

/** RFC 5280 6.1: the same name in subject and issuer; what it is signed with does not matter. */
export function isSelfIssued(certificate: Certificate): boolean {
  let answer = selfIssuance.get(certificate);
  if (answer === undefined) {
    answer = namesEqual(certificate.subject, certificate.issuer);
    selfIssuance.set(certificate, answer);
  }
  return answer;
}

/**
 * RFC 5280 6.1 on a path whose signatures (6.1.3 (a)(1)) and names (6.1.3 (a)(4)) are known to chain, then the
 * profile of its anchor. Signatures are remembered; everything here is looked at every time.
 */
export function validatePath(path: ChainedPath, rules: PathRules, budget: Budget): Validation {
  const { certificates, anchor } = path;
  const unsigned = unsignedByInheritance(path, budget);
  if (unsigned !== undefined) return unsigned;
  const fault = anchorFault(anchor, rules.at);
  if (fault !== undefined) return refusal(path, anchor.certificate, fault, 0);
  const basic = basicValidation(path, rules, budget);
  if (basic !== undefined)
    return refusal(path, basic.certificate, basic.problem, 1000 + certificates.length - basic.index);
  return profileValidation(path, rules);
}

/** 6.1.3 (a)(1) for keys whose parameters are those of the key above: the rest was verified on the way up. */
function unsignedByInheritance({ certificates, anchor }: ChainedPath, budget: Budget): Validation | undefined {
  const path = [...certificates, anchor.certificate];
  for (let i = certificates.length; i > 0; i--) {
    const [subject, issuer] = [path[i - 1], path[i]];
    if (subject === undefined || issuer === undefined || !inheritsParameters(issuer.publicKey)) continue;
    const key = workingKey(issuer.publicKey, path.slice(i + 1));
    const affordable = key === undefined || spend(budget, 'signatures', verificationCost(key) + importCost);
    if (key !== undefined && affordable && verifySignature(subject.signature, key) === 'good') continue;
    const problem: Problem = affordable
      ? { detail: 'signature_invalid', clause: 'RFC 5280 6.1.3 (a)(1)', message: 'the signature is not of its issuer' }
      : { detail: 'budget_exhausted', clause: 'RFC 5280 6.1', message: 'the signatures are too many to verify' };
    return { failure: failureOf(problem, subject, anchor.anchor.name), progress: 400, warnings: [] };
  }
  return undefined;
}

function refusal(path: ChainedPath, certificate: Certificate, problem: Problem, progress: number): Validation {
  const failure = { ...failureOf(problem, certificate, path.anchor.anchor.name), signaturesVerified: true };
  return { failure, progress, warnings: [] };
}

export function failureOf(problem: Problem, certificate?: Certificate, anchor?: string): PathFailure {
  const { detail, clause, message, rule } = problem;
  const subject = certificate === undefined ? undefined : nameToString(certificate.subject);
  return {
    reason: pathDetails[detail],
    detail,
    clause,
    ...(rule === undefined ? {} : { rule }),
    ...(certificate === undefined ? {} : { fingerprint: certificate.fingerprint }),
    ...(subject === undefined ? {} : { subject }),
    ...(anchor === undefined ? {} : { anchor }),
    signaturesVerified: false,
    message:
      subject === undefined ? message : `${subject === '' ? 'the certificate without a name' : subject}: ${message}`,
  };
}

interface Found {
  readonly index: number;
  readonly certificate: Certificate;
  readonly problem: Problem;
}

/** RFC 5280 6.1.2 to 6.1.5, from the anchor down; index 0 is the leaf. */
function basicValidation(path: ChainedPath, rules: PathRules, budget: Budget): Found | undefined {
  const { certificates, anchor } = path;
  const { profile } = anchor.anchor;
  const names = {
    leadingDot: levelOf(profile, 'dns-constraint-leading-dot') !== 'refuse',
    commonName: levelOf(profile, 'common-name-constrained') === 'refuse',
  };
  const above: NameConstraints[] = [];
  if (anchor.certificate.extensions.nameConstraints) above.push(anchor.certificate.extensions.nameConstraints);
  let depth = pathLengthOf(anchor.certificate, Number.POSITIVE_INFINITY);
  let depthAllowed = rules.maxDepth;
  for (let index = certificates.length - 1; index >= 0; index--) {
    const certificate = certificates[index] as Certificate;
    const final = index === 0;
    const selfIssued = isSelfIssued(certificate);
    const problem =
      timeProblem(certificate, rules.at) ??
      // 6.1.3 (b), (c): self-issued certificates are exempt unless final.
      (final || !selfIssued ? nameProblemOf(certificate, above, names, budget) : undefined) ??
      criticalProblem(certificate) ??
      (final ? undefined : issuerProblem(certificate, selfIssued ? 1 : depth, selfIssued ? 1 : depthAllowed));
    if (problem !== undefined) return { index, certificate, problem };
    if (final) break;
    // 6.1.4 (l), (m)
    if (!selfIssued) [depth, depthAllowed] = [depth - 1, depthAllowed - 1];
    depth = pathLengthOf(certificate, depth);
    // 6.1.4 (g)
    if (certificate.extensions.nameConstraints) above.push(certificate.extensions.nameConstraints);
  }
  return policyProblem(path, rules, budget);
}

function pathLengthOf({ extensions }: Certificate, most: number): number {
  return Math.min(most, extensions.basicConstraints?.pathLength ?? most);
}

function timeProblem(certificate: Certificate, at: Date): Problem | undefined {
  const outside = outsideValidity(certificate, at);
  if (outside === undefined) return undefined;
  const { notBefore, notAfter } = certificate;
  return outside === 'expired'
    ? { detail: 'expired', clause: 'RFC 5280 6.1.3 (a)(2)', message: `expired at ${notAfter.toISOString()}` }
    : {
        detail: 'not_yet_valid',
        clause: 'RFC 5280 6.1.3 (a)(2)',
        message: `not valid before ${notBefore.toISOString()}`,
      };
}

function nameProblemOf(
  certificate: Certificate,
  above: readonly NameConstraints[],
  names: { leadingDot: boolean; commonName: boolean },
  budget: Budget,
): Problem | undefined {
  const problem = nameProblem(certificate, above, names, budget);
  return problem && { clause: 'RFC 5280 6.1.3 (b), (c)', ...problem };
}

/** 6.1.4 (o), 6.1.5 (f). */
function criticalProblem({ extensions }: Certificate): Problem | undefined {
  for (const extension of extensions.all)
    if (extension.critical && !isProcessed(extension))
      return {
        detail: 'critical_extension',
        clause: 'RFC 5280 6.1.4 (o), 6.1.5 (f)',
        message: `has the unknown critical extension ${extension.name ?? extension.oid}`,
      };
  return undefined;
}

/** 6.1.4 (k)–(n): what an intermediate certificate must be. */
function issuerProblem(certificate: Certificate, depth: number, depthAllowed: number): Problem | undefined {
  const { extensions, version } = certificate;
  if (version !== 3 || extensions.basicConstraints?.ca !== true)
    return { detail: 'not_a_ca', clause: 'RFC 5280 6.1.4 (k)', message: 'is no CA certificate' };
  if (depth <= 0)
    return {
      detail: 'path_length',
      clause: 'RFC 5280 6.1.4 (l)',
      message: 'is one CA more than pathLenConstraint allows',
    };
  if (depthAllowed <= 0)
    return { detail: 'max_depth', clause: 'RFC 5280 6.1.1', message: 'is one intermediate more than is allowed here' };
  if (extensions.keyUsage !== undefined && !extensions.keyUsage.includes('keyCertSign'))
    return { detail: 'key_cert_sign', clause: 'RFC 5280 6.1.4 (n)', message: 'may not sign certificates' };
  return undefined;
}

function policyProblem({ certificates, anchor }: ChainedPath, rules: PathRules, budget: Budget): Found | undefined {
  const steps = certificates.map((certificate, index) => ({
    certificate,
    selfIssued: isSelfIssued(certificate),
    final: index === 0,
  }));
  const verdict = judgePolicies(steps.reverse(), anchor.certificate, rules.policy, budget);
  const [leaf] = certificates;
  if (verdict === 'good' || leaf === undefined) return undefined;
  const clause = 'RFC 5280 6.1.3 (f), 6.1.5 (g)';
  const problem: Problem =
    verdict === 'bad'
      ? { detail: 'policy', clause, message: 'the path has no acceptable certificate policy' }
      : { detail: 'budget_exhausted', clause: 'RFC 9618', message: 'the policies of the path are too many' };
  return { index: 0, certificate: leaf, problem };
}

function profileValidation(path: ChainedPath, rules: PathRules): Validation {
  const { certificates, anchor } = path;
  const warnings: PathWarning[] = [];
  for (const found of pathFindings(anchor.anchor.profile, certificates, anchor.certificate, rules.purpose)) {
    const { certificate, level, detail, message } = found;
    const { name: rule, clause } = found.rule;
    if (level === 'refuse') {
      const progress = 2000 + certificates.length - certificates.indexOf(certificate);
      return refusal(path, certificate, { detail, clause, message, rule }, progress);
    }
    warnings.push({ rule, clause, fingerprint: certificate.fingerprint, message });
  }
  return { failure: undefined, progress: Number.POSITIVE_INFINITY, warnings };
}
