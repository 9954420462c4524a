import { basename } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { readListCsv } from '../trust/revocation/list-csv.ts';
import {
  fingerprintKey,
  identityKey,
  issuerSerialKey,
  type ListEntry,
  reasonOf,
  serialNumberOf,
} from '../trust/revocation/operator-list.ts';
import { revocationReasons } from '../x509/certificate-status.ts';
import { span, wholeNumber } from './arguments.ts';
import { oneDevice, withRegister } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { readOperatorFile } from './operator-file.ts';
import {
  printImpact,
  type RevocationOptions,
  refuseUnconfirmed,
  revocationOptions,
  withDesk,
  withReadingDesk,
} from './revocation-access.ts';
import { print, printable, printJson, table } from './terminal.ts';

interface ListOptions extends RevocationOptions {
  readonly limit: number;
}

interface CertificateOptions extends RevocationOptions {
  readonly issuer?: string;
  readonly as?: string;
}

interface ReleaseOptions extends RevocationOptions {
  readonly for: number;
}

export function addRevocationCommands(hems: Command): void {
  const revocation = hems
    .command('revocation')
    .description('the operator’s own list of revoked certificates, and what is in quarantine');
  const confirm = ['--confirm <n>', 'how many devices are meant to be cut off', wholeNumber(1, 999_999_999)] as const;
  revocationOptions(revocation.command('import'))
    .description(
      'put the certificates of a CSV file on the list: issuer and serial, or fingerprint, or identity; reason',
    )
    .argument('<file>', 'CSV with a header; "-" for standard input')
    .option('--reason <text>', 'for the audit')
    .option(...confirm)
    .action(importFile);
  revocationOptions(revocation.command('revoke'))
    .description('put one certificate on the list; its device stays what it is')
    .argument('<certificate>', 'SHA-256 fingerprint, identity, or with --issuer its serial number')
    .option('--issuer <name>', 'distinguished name of the CA, for a serial number')
    .option('--as <reason>', revocationReasons.join(', '), 'unspecified')
    .option('--reason <text>', 'for the audit')
    .option(...confirm)
    .action(revoke);
  addFurtherCommands(revocation);
}

function addFurtherCommands(revocation: Command): void {
  revocationOptions(revocation.command('reinstate'))
    .description('take one certificate off the list')
    .argument('<certificate>', 'as it was put on it')
    .option('--issuer <name>', 'distinguished name of the CA, for a serial number')
    .option('--reason <text>', 'for the audit')
    .action(reinstate);
  revocationOptions(revocation.command('list'))
    .description('what is on the list, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1, 1_000_000), 50)
    .action(list);
  revocationOptions(revocation.command('changes'))
    .description('who changed what of policy, CRLs and list, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1, 100_000), 50)
    .action(changes);
  revocationOptions(revocation.command('quarantine'))
    .description('devices that the policy keeps outside because no source could say')
    .option('--limit <n>', 'how many', wholeNumber(1, 100_000), 50)
    .action(quarantine);
  revocationOptions(revocation.command('release'))
    .description('let a device in quarantine in for a time, though no source can say; never one that is revoked')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .option('--for <span>', 'how long: 30m, 4h, 7d', span, span('24h'))
    .requiredOption('--reason <text>', 'why, for the audit')
    .action(release);
}

const mostBytes = 64 * 1024 * 1024;

async function importFile(file: string, options: RevocationOptions): Promise<void> {
  const bytes = await readOperatorFile(file, mostBytes);
  const read = readListCsv(Buffer.from(bytes).toString('utf8'), systemClock.now());
  if (!read.ok) {
    const lines = read.faults.map(({ line, cause }) => `line ${line}: ${printable(cause)}`);
    throw failure(exitCodes.usage, [`${file} is not taken, not one row of it`, ...lines].join('\n  '));
  }
  await put(read.entries, file === '-' ? 'standard input' : basename(file), options);
}

async function put(entries: readonly ListEntry[], subject: string, options: RevocationOptions): Promise<void> {
  await withDesk(options, async (desk) => {
    const result = await desk.importList(entries, subject, byOperator(options.reason), options.confirm);
    if ('kind' in result) return refuseUnconfirmed(result, options.json);
    if (!result.ok) throw failure(exitCodes.no, result.cause);
    if (options.json === true) return void printJson(result);
    print(`${result.added} put on the list, ${result.known} there already.`);
    printImpact(result.impact);
  });
}

/** The certificate that a person means. */
function entryKey(text: string, issuer: string | undefined): Pick<ListEntry, 'kind' | 'key'> {
  if (issuer !== undefined) {
    const serial = serialNumberOf(text);
    if (serial !== undefined) return { kind: 'issuer-serial', key: issuerSerialKey(issuer, serial) };
    throw failure(exitCodes.usage, `${JSON.stringify(text)} is no serial number in hexadecimal`);
  }
  const fingerprint = fingerprintKey(text);
  if (fingerprint !== undefined) return { kind: 'fingerprint', key: fingerprint };
  const identity = identityKey(text);
  if (identity !== undefined) return { kind: 'identity', key: identity };
  throw failure(
    exitCodes.usage,
    `${JSON.stringify(text)} names no certificate`,
    'write its SHA-256 fingerprint, an identity, or a serial number with --issuer',
  );
}

async function revoke(text: string, options: CertificateOptions): Promise<void> {
  const reason = reasonOf(options.as ?? 'unspecified');
  if (reason === undefined)
    throw failure(exitCodes.usage, `there is no reason ${options.as}`, `known are ${revocationReasons.join(', ')}`);
  const what = entryKey(text, options.issuer);
  const note = options.reason === undefined ? {} : { note: options.reason };
  await put([{ ...what, reason, revokedAt: systemClock.now(), ...note }], `${what.kind} ${text}`, options);
}

async function reinstate(text: string, options: CertificateOptions): Promise<void> {
  const what = entryKey(text, options.issuer);
  await withReadingDesk(options, async (desk) => {
    const lifted = await desk.reinstate(what, byOperator(options.reason));
    if (!lifted) throw failure(exitCodes.no, `${text} is not on the list`, '"hems revocation list" shows what is');
    if (options.json === true) printJson({ ok: true, ...what });
    else print(`${text} is off the list.`);
  });
}

async function list(options: ListOptions): Promise<void> {
  await withReadingDesk(options, async (desk) => {
    const entries = await desk.listed(options.limit);
    if (options.json === true) return void printJson(entries);
    if (entries.length === 0) return print('The list is empty.');
    print(
      table(entries, [
        { title: 'kind', value: ({ kind }) => kind },
        { title: 'certificate', value: ({ key }) => key.replace('\n', ' '), limit: 200 },
        { title: 'since', value: ({ revokedAt }) => revokedAt.toISOString() },
        { title: 'reason', value: ({ reason }) => reason },
        { title: 'by', value: ({ by }) => by },
        { title: 'note', value: ({ note }) => note ?? '' },
      ]),
    );
  });
}

async function changes(options: ListOptions): Promise<void> {
  await withReadingDesk(options, async (desk) => {
    const rows = await desk.changes(options.limit);
    if (options.json === true) return void printJson(rows);
    if (rows.length === 0) return print('Nothing was changed yet.');
    print(
      table(rows, [
        { title: 'at', value: ({ at }) => at.toISOString() },
        { title: 'by', value: ({ actor }) => actor },
        { title: 'what', value: ({ action }) => action },
        { title: 'which', value: ({ subject }) => subject },
        { title: 'reason', value: ({ reason }) => reason ?? '' },
      ]),
    );
  });
}

async function quarantine(options: ListOptions): Promise<void> {
  await withReadingDesk(options, async (desk) => {
    const rows = await desk.quarantined(options.limit);
    if (options.json === true) return void printJson(rows);
    if (rows.length === 0) return print('Nothing is in quarantine.');
    print(
      table(rows, [
        { title: 'device', value: ({ device_id }) => device_id },
        { title: 'certificate', value: ({ fingerprint }) => fingerprint.slice(0, 16) },
        { title: 'last seen', value: ({ last_at }) => last_at.toISOString() },
        { title: 'cause', value: ({ cause, detail }) => `${cause} (${detail})` },
        { title: 'policy', value: ({ policy_version }) => policy_version },
        { title: 'released until', value: ({ released_until }) => released_until?.toISOString() ?? '' },
      ]),
    );
  });
}

async function release(text: string, options: ReleaseOptions): Promise<void> {
  const until = new Date(systemClock.now().getTime() + options.for);
  const deviceId = await withRegister(options, (register) => oneDevice(register, text));
  await withReadingDesk(options, async (desk) => {
    const count = await desk.release(deviceId, until, byOperator(options.reason));
    if (count === 0) throw failure(exitCodes.no, `device ${deviceId} is not in quarantine for its revocation`);
    if (options.json === true) printJson({ ok: true, deviceId, until, certificates: count });
    else print(`Device ${deviceId} is let in until ${until.toISOString()}, unless it is revoked.`);
  });
}
