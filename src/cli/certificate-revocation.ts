import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../platform/clock.ts';
import type { ChainAnswer } from '../trust/chain-check.ts';
import { type GivenRevocation, irrelevantCrls, judgeChainRevocation } from '../trust/chain-revocation.ts';
import type { Verdict } from '../trust/verdict.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { type CertificateList, parseCrl } from '../x509/crl.ts';
import { DerError } from '../x509/der.ts';
import { effectivePolicy, mayFetch } from './certificate-check-policy.ts';
import type { CheckOptions } from './certificate-command.ts';
import { exitCodes, failure, isFailure } from './failure.ts';
import { derOf, readOperatorFile } from './operator-file.ts';

/** What the revocation part of `certificate check` comes to. */
export interface CheckedRevocation {
  /** Absent where there is no valid path whose certificates could be asked about. */
  readonly verdict?: Verdict;
  /** Files that were passed over, and why. */
  readonly notes: readonly string[];
}

const mostCrlBytes = 64 * 1024 * 1024;
const mostFiles = 10_000;

export async function checkRevocation(
  answer: ChainAnswer,
  chain: readonly Uint8Array[],
  at: Date,
  options: CheckOptions,
): Promise<CheckedRevocation> {
  // Before anything else: a faulty policy or a missing file is told whatever the path is.
  const policy = await effectivePolicy(options);
  const notes: string[] = [];
  const files = await crlFiles(options);
  const crls = (await Promise.all(files.map((file) => readCrls(file, notes)))).flat();
  const responses = await Promise.all((options.ocspResponse ?? []).map(readResponse));
  const { path, anchors } = answer;
  if (path === undefined) return { notes };
  const used = policy.version === 'none' && options.profile === 'rfc5280' ? numbered(crls, notes) : crls;
  const lists = [...new Map(used.map(({ list }) => [list.fingerprint, list])).values()];
  const irrelevant = new Set(irrelevantCrls(lists, path).map(({ fingerprint }) => fingerprint));
  for (const { name, list } of used)
    if (irrelevant.has(list.fingerprint)) notes.push(`${name}: a CRL that says nothing of this path`);
  const given: GivenRevocation = { crls: lists, responses, signers: chain.flatMap(readable) };
  const question = { path, anchors, given, policy, at };
  if (!mayFetch(options, policy)) return { notes, verdict: await judgeChainRevocation(question) };
  return { notes, verdict: await judgeOnline(question) };
}

/** The network is loaded where it may be needed. */
async function judgeOnline(question: Parameters<typeof judgeChainRevocation>[0]): Promise<Verdict> {
  const [{ Registry }, { createEgress }, { createChainFetch }] = await Promise.all([
    import('prom-client'),
    import('../platform/egress/egress.ts'),
    import('../trust/chain-fetch.ts'),
  ]);
  const parts = { clock: systemClock, metrics: new Registry() };
  const egress = createEgress(parts);
  try {
    const { anchors, given } = question;
    const fetch = createChainFetch({ ...parts, egress, anchors, signers: given.signers });
    return await judgeChainRevocation({ ...question, fetch });
  } finally {
    egress.close();
  }
}

interface CrlFile {
  readonly path: string;
  /** In a folder anything may lie; a file that was named must be there. */
  readonly named: boolean;
}

async function crlFiles({ crl = [], crlDir }: CheckOptions): Promise<readonly CrlFile[]> {
  const named = crl.map((path) => ({ path, named: true }));
  if (crlDir === undefined) return named;
  try {
    const entries = await readdir(crlDir, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    if (files.length > mostFiles) throw failure(exitCodes.usage, `${crlDir} holds more than ${mostFiles} files`);
    return [...named, ...files.sort().map((name) => ({ path: join(crlDir, name), named: false }))];
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw failure(exitCodes.usage, `${crlDir} cannot be read: ${error.message}`, 'name a folder of CRLs');
  }
}

interface GivenCrl {
  readonly name: string;
  readonly list: CertificateList;
}

/** What cannot be read as a CRL is told and stands for nothing: never fatal, never trusted. */
async function readCrls({ path, named }: CrlFile, notes: string[]): Promise<GivenCrl[]> {
  let ders: readonly Uint8Array[];
  try {
    ders = derOf(await readOperatorFile(path, mostCrlBytes), path, 'X509 CRL');
  } catch (error) {
    if (named || !isFailure(error)) throw error;
    notes.push(`${error.cause}; passed over`);
    return [];
  }
  return ders.flatMap((der) => {
    try {
      return [{ name: path, list: parseCrl(der) }];
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      notes.push(`${path}: is no CRL that can be read: ${error.message}; passed over`);
      return [];
    }
  });
}

/** RFC 5280 5.2.3: every CRL has a number. A policy, which may admit what is unknown, sees them all. */
function numbered(crls: readonly GivenCrl[], notes: string[]): readonly GivenCrl[] {
  return crls.filter(({ name, list }) => {
    const has = list.extensions.cRLNumber !== undefined;
    if (!has) notes.push(`${name}: a CRL without number (RFC 5280 5.2.3); passed over`);
    return has;
  });
}

/** Judged by whoever looks at it: one that is malformed says nothing. */
async function readResponse(path: string): Promise<GivenRevocation['responses'][number]> {
  const bytes = await readOperatorFile(path);
  const text = Buffer.from(bytes).toString('latin1');
  const der = text.includes('-----BEGIN ') ? derOf(bytes, path, 'OCSP RESPONSE')[0] : bytes;
  return { name: path, der: der ?? bytes };
}

function readable(der: Uint8Array): Certificate[] {
  try {
    return [parseCertificate(der)];
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}
