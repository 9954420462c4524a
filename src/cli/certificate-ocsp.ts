import { systemClock } from '../platform/clock.ts';
import { type Certificate, parseFor } from '../x509/certificate.ts';
import { DerError } from '../x509/der.ts';
import { nameToString } from '../x509/name.ts';
import { defaultOcspRules, judgeOcspResponse, type OcspJudgement } from '../x509/ocsp-judgement.ts';
import type { OcspSigner } from '../x509/ocsp-signer.ts';
import type { OcspOptions } from './certificate-ocsp-command.ts';
import { exitCodes, failure } from './failure.ts';
import { derOf, readOperatorFile } from './operator-file.ts';
import { type Colour, paint, print, printable, printJson } from './terminal.ts';

export async function judgeOcsp(options: OcspOptions): Promise<void> {
  const { at = systemClock.now(), maxAge, responder } = options;
  const certificate = await readOne(options.certificate);
  const issuer = await readOne(options.issuer);
  const response = responseOf(await readOperatorFile(options.response), options.response);
  const rules = {
    ...defaultOcspRules,
    maxAge,
    sha1: options.allowSha1 === true ? ('allow' as const) : ('refuse' as const),
    configured: responder === undefined ? [] : [await readOne(responder)],
    // Whether a responder is revoked itself cannot be seen in its answer: it is told, and left to who asks.
    unmarkedDelegates: 'accept' as const,
  };
  const judgement = judgeOcspResponse(response, { certificate, issuer }, rules, at);
  if (options.json === true) printJson(asJson(judgement));
  else printJudgement(judgement);
  if (judgement.status.kind !== 'good') process.exitCode = exitCodes.no;
}

/** Name, key, serial number and validity are all that is asked of it: what its extensions hold does not matter here. */
async function readOne(path: string): Promise<Certificate> {
  const [der = new Uint8Array()] = derOf(await readOperatorFile(path), path, 'CERTIFICATE');
  try {
    return parseFor(der, []);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw failure(exitCodes.usage, `${path} cannot be read: ${error.message}`, 'give a certificate in PEM or DER');
  }
}

/** What is no answer at all is judged, too: whoever asked a responder wants to know that it is unusable. */
function responseOf(bytes: Uint8Array, path: string): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('-----BEGIN ')) return derOf(bytes, path, 'OCSP RESPONSE')[0] ?? new Uint8Array();
  // Base64 of a SEQUENCE starts with M, which is no SEQUENCE itself.
  if (/^M[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) return Buffer.from(text, 'base64');
  return bytes;
}

type Shown = 'good' | 'revoked' | 'unknown' | 'unusable';

/** "unknown" is a responder's own word; whatever cannot be believed is unusable. */
function shown({ status }: OcspJudgement): { status: Shown; cause: string | null; detail?: string } {
  if (status.kind === 'good') return { status: 'good', cause: null };
  if (status.kind === 'revoked') return { status: 'revoked', cause: status.reason };
  const detail = status.detail === undefined ? {} : { detail: status.detail };
  return { status: status.cause === 'responder-unknown' ? 'unknown' : 'unusable', cause: status.cause, ...detail };
}

function asJson(judgement: OcspJudgement): object {
  const { status, producedAt, validUntil, signer } = judgement;
  return {
    ...shown(judgement),
    ...(status.kind === 'unknown' ? {} : { thisUpdate: status.thisUpdate, nextUpdate: status.nextUpdate ?? null }),
    ...(status.kind === 'revoked' ? { revokedAt: status.revokedAt } : {}),
    ...(producedAt === undefined ? {} : { producedAt }),
    ...(validUntil === undefined ? {} : { validUntil }),
    ...(signer === undefined ? {} : { signer: signerJson(signer) }),
  };
}

function signerJson(signer: OcspSigner): object {
  if (signer.kind === 'issuer') return { kind: 'issuer' };
  const { subject, fingerprint } = signer.certificate;
  const check = signer.kind === 'delegate' ? { needsRevocationCheck: signer.needsRevocationCheck } : {};
  return { kind: signer.kind, subject: nameToString(subject), fingerprint, ...check };
}

const colours: Readonly<Record<Shown, Colour>> = { good: 'green', revoked: 'red', unknown: 'yellow', unusable: 'red' };

function printJudgement(judgement: OcspJudgement): void {
  const { status, cause, detail } = shown(judgement);
  const why = detail === undefined ? '' : `: ${printable(detail, 400)}`;
  print(`${paint(colours[status], status)}${cause === null ? '' : ` (${cause})${why}`}`);
  const { validUntil, producedAt, signer, status: told } = judgement;
  if (told.kind === 'revoked') print(`  revoked at ${told.revokedAt.toISOString()}`);
  if (told.kind !== 'unknown') print(`  thisUpdate ${told.thisUpdate.toISOString()}`);
  if (validUntil !== undefined) print(`  counts until ${validUntil.toISOString()}`);
  if (producedAt !== undefined) print(`  produced at ${producedAt.toISOString()}`);
  if (signer !== undefined) print(`  signed by ${printable(signerText(signer), 400)}`);
}

function signerText(signer: OcspSigner): string {
  if (signer.kind === 'issuer') return 'the issuing CA';
  const name = nameToString(signer.certificate.subject);
  if (signer.kind === 'configured') return `the responder given, ${name}`;
  return signer.needsRevocationCheck
    ? `${name}, whom the CA appointed; whether it is revoked itself was not looked at`
    : `${name}, whom the CA appointed (nocheck)`;
}
