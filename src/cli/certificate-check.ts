import { type ChainAnswer, checkChain, type StatedIdentity } from '../trust/chain-check.ts';
import { systemClock } from '../platform/clock.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { DerError } from '../x509/der.ts';
import { nameToString } from '../x509/name.ts';
import type { PathFailure } from '../x509/path-failure.ts';
import { profiles } from '../x509/profile.ts';
import { keyToString } from '../x509/public-key.ts';
import type { CheckOptions } from './certificate-command.ts';
import { exitCodes, failure } from './failure.ts';
import { derOf, readOperatorFile } from './operator-file.ts';
import type { CheckedRevocation } from './certificate-revocation.ts';
import { revocationLines } from './certificate-revocation-view.ts';
import { paint, print, printable, printJson } from './terminal.ts';

export async function check(options: CheckOptions): Promise<void> {
  const at = options.at ?? systemClock.now();
  const trust = (await Promise.all(options.trust.map(readTrust))).flat();
  const chain = derOf(await readOperatorFile(options.chain), options.chain, 'CERTIFICATE');
  const answer = checkChain({ trust, chain, at, ...rulesOf(options) });
  const revocation = await revocationOf(answer, chain, at, options);
  const valid = answer.path !== undefined && (revocation?.verdict?.outcome ?? 'admit') === 'admit';
  if (options.json === true) printJson(asJson(answer, revocation, valid));
  else printAnswer(answer, revocation, valid, at, options);
  if (!valid) process.exitCode = exitCodes.no;
}

/** Undefined where revocation is not asked about: then it is the path alone, and nothing of the rest is loaded. */
async function revocationOf(
  answer: ChainAnswer,
  chain: readonly Uint8Array[],
  at: Date,
  options: CheckOptions,
): Promise<CheckedRevocation | undefined> {
  const { crl, crlDir, ocspResponse, policy, fetch, offline, anchor } = options;
  if (fetch === true && offline === true)
    throw failure(exitCodes.usage, '--fetch and --offline contradict each other', 'leave one of them out');
  if (anchor !== undefined && policy === undefined)
    throw failure(exitCodes.usage, '--anchor names an entry of a policy, and there is none', 'add --policy FILE');
  if ([crl, crlDir, ocspResponse, policy, fetch].every((option) => option === undefined)) return undefined;
  const { checkRevocation } = await import('./certificate-revocation.ts');
  return checkRevocation(answer, chain, at, options);
}

function rulesOf(options: CheckOptions): Omit<Parameters<typeof checkChain>[0], 'trust' | 'chain' | 'at'> {
  const { policyOid, maxDepth } = options;
  return {
    profile: profiles[options.profile],
    policy: {
      ...(policyOid !== undefined && { initial: policyOid }),
      requireExplicit: options.requireExplicitPolicy === true,
      inhibitMapping: options.inhibitPolicyMapping === true,
      inhibitAny: options.inhibitAnyPolicy === true,
    },
    ...(maxDepth !== undefined && { maxDepth }),
    acceptExpiredAnchor: options.acceptExpiredAnchor === true,
  };
}

/** The operator's own file: what cannot be read in it is a fault, not a stranger's trick. */
async function readTrust(path: string): Promise<Certificate[]> {
  const ders = derOf(await readOperatorFile(path), path, 'CERTIFICATE');
  return ders.map((der, i) => {
    try {
      return parseCertificate(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw failure(
        exitCodes.usage,
        `${path}: certificate ${i + 1} cannot be read: ${error.message}`,
        'leave it out, or get it anew from its CA',
      );
    }
  });
}

type Role = 'leaf' | 'ca' | 'anchor';

function stepsOf({ path }: ChainAnswer): { role: Role; certificate: Certificate }[] {
  if (path === undefined) return [];
  return [
    { role: 'leaf', certificate: path.leaf },
    ...path.intermediates.map((certificate) => ({ role: 'ca', certificate }) as const),
    { role: 'anchor', certificate: path.anchor },
  ];
}

function asJson(answer: ChainAnswer, revocation: CheckedRevocation | undefined, valid: boolean): object {
  const path = valid ? stepsOf(answer).map(({ role, certificate }) => stepJson(role, certificate)) : [];
  const { warnings, identity } = answer;
  const reasons = [...answer.reasons, ...revocationReasons(answer, revocation)];
  const asked = revocation === undefined ? null : { verdict: revocation.verdict ?? null, notes: revocation.notes };
  return { valid, path, reasons, warnings, identity: valid ? (identity ?? null) : null, revocation: asked };
}

function stepJson(role: Role, certificate: Certificate): object {
  return {
    role,
    subject: nameToString(certificate.subject),
    issuer: nameToString(certificate.issuer),
    serialNumber: certificate.serialNumber,
    fingerprint: certificate.fingerprint,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  };
}

/** Of a path, or of what is said of its certificates. */
type Reason = Omit<PathFailure, 'reason' | 'detail' | 'signaturesVerified'> & {
  readonly reason: string;
  readonly detail: string;
};

/** Why a path that is good by itself is refused all the same. */
function revocationReasons(answer: ChainAnswer, revocation: CheckedRevocation | undefined): readonly Reason[] {
  const verdict = revocation?.verdict;
  if (verdict === undefined || verdict.outcome === 'admit') return [];
  const found = stepsOf(answer).find(({ certificate }) => certificate.fingerprint === verdict.certificate);
  const subject = found === undefined ? '' : nameToString(found.certificate.subject);
  const held = verdict.outcome === 'quarantine' ? '; the policy holds it for a person to release' : '';
  return [
    {
      reason: verdict.cause,
      detail: verdict.detail,
      clause: verdict.cause.includes('ocsp') ? 'RFC 6960 2.2' : 'RFC 5280 6.3.3',
      fingerprint: verdict.certificate,
      subject,
      message: `${subject}: ${verdict.detail.replaceAll('_', ' ')}${held}`,
    },
  ];
}

function printAnswer(
  answer: ChainAnswer,
  revocation: CheckedRevocation | undefined,
  valid: boolean,
  at: Date,
  { profile }: CheckOptions,
): void {
  const when = `at ${at.toISOString()} under the profile ${profile}`;
  print(`${valid ? paint('green', 'valid') : paint('red', 'refused')} ${when}`);
  for (const { role, certificate } of stepsOf(answer)) print(`  ${role.padEnd(7)} ${certificateLine(certificate)}`);
  if (valid) print(`  ${identityLine(answer.identity)}`);
  for (const reason of [...answer.reasons, ...revocationReasons(answer, revocation)]) print(`  ${reasonLine(reason)}`);
  for (const { rule, clause, message } of answer.warnings)
    print(`  ${paint('yellow', 'warning')} ${rule}: ${printable(message, 300)} ${paint('dim', `[${clause}]`)}`);
  if (revocation !== undefined) for (const line of revocationLines(answer, revocation)) print(`  ${line}`);
  else if (valid) print('  Revocation was not looked at: no source was given. This is the path alone.');
}

function certificateLine({ subject, notAfter, publicKey }: Certificate): string {
  const until = notAfter.toISOString().slice(0, 10);
  return `${printable(nameToString(subject)) || '(no name)'}, ${keyToString(publicKey)}, until ${until}`;
}

function identityLine(identity: StatedIdentity | undefined): string {
  if (identity === undefined) return 'identity none: the certificate names no femtocell';
  if ('problem' in identity)
    return `identity ${paint('yellow', 'ambiguous')}: the certificate names several femtocells`;
  return `identity ${printable(identity.value)} (${identity.rule})`;
}

function reasonLine({ reason, detail, rule, clause, anchor, message }: Reason): string {
  const why = rule ?? detail;
  const by = anchor === undefined ? '' : `, on the way to ${printable(anchor)}`;
  return `${paint('bold', reason)} (${why}) ${printable(message, 400)}${by} ${paint('dim', `[${clause ?? 'RFC 5280'}]`)}`;
}
