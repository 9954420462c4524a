import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { parseCertificate, type Certificate } from '../x509/certificate.ts';
import { mostCrlText } from '../x509/crl-file.ts';
import { DerError } from '../x509/der.ts';
import { PemError, readPem } from '../x509/pem.ts';
import { derOfCrl } from '../trust/revocation/crl-fetch.ts';
import { CrlUnreadable } from '../trust/revocation/crl-reader.ts';
import { uploadOrigin } from '../trust/revocation/crl-store.ts';
import type { HeldList, RevocationDesk } from '../trust/revocation/revocation-desk.ts';
import { wholeNumber } from './arguments.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { derOf, readOperatorFile } from './operator-file.ts';
import {
  printImpact,
  type RevocationOptions,
  refuseUnconfirmed,
  revocationOptions,
  withDesk,
  withReadingDesk,
} from './revocation-access.ts';
import { print, printable, printJson, table } from './terminal.ts';

interface ImportOptions extends RevocationOptions {
  readonly certificates?: readonly string[];
}

interface ShowOptions extends RevocationOptions {
  readonly entries: number;
}

export function addCrlCommands(hems: Command): void {
  const crl = hems.command('crl').description('CRLs in use: imported by hand or fetched');
  revocationOptions(crl.command('import'))
    .description('take a CRL into use that a manufacturer forwards, on all nodes at once')
    .argument('<file...>', 'DER or PEM; "-" for standard input')
    .option('--certificates <file>', 'CA certificates that may have signed it; may be repeated', collect)
    .option('--reason <text>', 'for the audit')
    .option('--confirm <n>', 'how many devices are meant to be cut off', wholeNumber(1, 999_999_999))
    .action(importFiles);
  revocationOptions(crl.command('list'))
    .description('every CRL in use: whose, which number, until when, where it came from')
    .action(list);
  revocationOptions(crl.command('show'))
    .description('one CRL in use, with its entries')
    .argument('<crl>', 'its SHA-256, or the beginning of it')
    .option('--entries <n>', 'how many entries', wholeNumber(0, 10_000_000), 20)
    .action(show);
}

function collect(one: string, all: readonly string[] = []): readonly string[] {
  return [...all, one];
}

/** 64 MiB of DER, or as much in PEM. */
const mostBytes = mostCrlText;

async function importFiles(files: readonly string[], options: ImportOptions): Promise<void> {
  const certificates: Certificate[] = [];
  for (const file of options.certificates ?? [])
    for (const der of derOf(await readOperatorFile(file), file, 'CERTIFICATE'))
      certificates.push(parseCertificate(der));
  await withDesk(options, async (desk) => {
    for (const file of files) await importOne(desk, file, certificates, options);
  });
}

async function importOne(
  desk: RevocationDesk,
  file: string,
  certificates: readonly Certificate[],
  options: ImportOptions,
): Promise<void> {
  const bytes = await readOperatorFile(file, mostBytes);
  const given = { der: crlOf(bytes, file), certificates: [...certificates, ...alongside(bytes)] };
  const result = await desk.importCrl(given, byOperator(options.reason), options.confirm).catch((error: unknown) => {
    if (!(error instanceof CrlUnreadable)) throw error;
    throw failure(exitCodes.usage, `${file} is no CRL: ${error.message}`, 'give a CRL in DER or PEM (X509 CRL)');
  });
  if (!result.ok) {
    if (result.kind === 'unconfirmed') return refuseUnconfirmed(result, options.json);
    const remedy =
      result.kind === 'unverified'
        ? 'give the certificate of the CA that signed it: --certificates FILE'
        : 'import the newest one that the manufacturer has';
    throw failure(exitCodes.no, `${file} is not taken: ${result.cause}`, remedy);
  }
  if (options.json === true) return void printJson({ file, ...result });
  print(
    `${file}: ${result.stored ? 'in use from now on' : 'in use already'} under anchor ${result.anchor}, ${result.description}`,
  );
  printImpact(result.impact);
}

function crlOf(bytes: Uint8Array, file: string): Uint8Array {
  try {
    return derOfCrl(bytes);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw failure(exitCodes.usage, `${file}: ${error.message}`, 'give one CRL in PEM (X509 CRL) or DER');
  }
}

/** Certificates that stand in the same PEM file. */
function alongside(bytes: Uint8Array): readonly Certificate[] {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return [];
  try {
    return readPem(text, 'CERTIFICATE').map(parseCertificate);
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError) return [];
    throw error;
  }
}

async function list(options: RevocationOptions): Promise<void> {
  await withReadingDesk(options, async (desk) => {
    const holdings = await desk.crls();
    if (options.json === true) return void printJson(holdings);
    if (holdings.length === 0) return print('There is no CRL in use.');
    const at = systemClock.now();
    print(
      table(holdings, [
        { title: 'sha256', value: ({ fingerprint }) => fingerprint.slice(0, 16) },
        { title: 'anchor', value: ({ anchor }) => anchor },
        { title: 'issuer', value: ({ issuer }) => issuer },
        { title: 'number', value: ({ number, delta }) => `${number ?? '-'}${delta ? ' (delta)' : ''}` },
        { title: 'entries', value: ({ entries }) => String(entries) },
        { title: 'this update', value: ({ thisUpdate }) => thisUpdate.toISOString() },
        {
          title: 'next update',
          value: ({ nextUpdate }) => nextUpdate?.toISOString() ?? '-',
          colour: ({ nextUpdate }) => (nextUpdate !== undefined && nextUpdate < at ? 'red' : undefined),
        },
        { title: 'from', value: ({ origin }) => (origin === uploadOrigin ? 'imported' : origin), limit: 200 },
      ]),
    );
  });
}

async function show(text: string, options: ShowOptions): Promise<void> {
  await withReadingDesk(options, async (desk) => {
    const found = await desk.crl(text.toLowerCase().replaceAll(':', ''), options.entries);
    if (!found.ok && found.several === 0)
      throw failure(exitCodes.no, `there is no CRL ${text}`, '"hems crl list" shows them');
    if (!found.ok) throw failure(exitCodes.usage, `${text} is ${found.several} CRLs`, 'write more of its SHA-256');
    const { origins, list, ...holding } = found.crl;
    if (options.json === true) return void printJson({ ...holding, origins, list });
    describe(holding, origins);
    for (const { serialNumber, revokedAt, reason } of list)
      print(`  ${serialNumber}  ${revokedAt.toISOString()}  ${reason}`);
    if (holding.entries > list.length) print(`  … of ${holding.entries}`);
  });
}

function describe(holding: HeldList, origins: readonly string[]): void {
  print(`CRL ${holding.fingerprint}`);
  print(`issuer       ${printable(holding.issuer)}`);
  print(`anchor       ${holding.anchor}`);
  print(`number       ${holding.number ?? '-'}${holding.delta ? ' (delta)' : ''}`);
  print(`this update  ${holding.thisUpdate.toISOString()}`);
  print(`next update  ${holding.nextUpdate?.toISOString() ?? '-'}`);
  print(`size         ${holding.size} bytes, ${holding.entries} entries`);
  print(`from         ${origins.map((origin) => printable(origin)).join(', ')}`);
}
