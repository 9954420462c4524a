import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import type { DeviceFilter } from '../fleet/listing.ts';
import type { Register } from '../fleet/register.ts';
import {
  type FileRow,
  readShipping,
  ShippingFileError,
  type ShippingFormat,
  shippingHead,
  shippingText,
} from '../fleet/shipping-file.ts';
import { type ShippingColumn, shippingColumns } from '../fleet/shipping-record.ts';
import { rejectedText } from '../fleet/shipping-rejected.ts';
import type { ImportCounts } from '../fleet/shipping-import.ts';
import { systemClock } from '../platform/clock.ts';
import { oneOf } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, knownAnchors, oneDevice, withLocalRegister, withRegister } from './device-access.ts';
import { filterOf, isEmpty, withFilter } from './device-filter.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { progressLine } from './progress.ts';
import type { Api } from './server/api.ts';
import type { RegisterAccess } from './server/remote-register.ts';
import { type RemoteImport, remoteExport, remoteHandOver, remoteImport } from './server/remote-shipping.ts';
import { serverApi } from './server/server-api.ts';
import { counted, print, printJson } from './terminal.ts';

const formats: readonly ShippingFormat[] = ['csv', 'ndjson'];

type Pairs = Partial<Record<ShippingColumn, string>>;

interface ImportOptions extends DeviceOptions {
  readonly format?: ShippingFormat;
  readonly column?: Pairs;
  readonly set?: Pairs;
  readonly ignoreUnknown?: boolean;
  readonly dryRun?: boolean;
  readonly correct?: boolean;
  readonly rejected?: string;
}

interface ExportOptions extends DeviceOptions, DeviceFilter {
  readonly format?: ShippingFormat;
  readonly output?: string;
}

interface HandoverOptions extends ExportOptions {
  readonly yes?: boolean;
}

/** `ours=theirs`, as often as needed. */
function pair(text: string, before: Pairs | undefined): Pairs {
  const [, name, value] = /^([a-z_]+)=(.+)$/s.exec(text) ?? [];
  const column = shippingColumns.find((one) => one === name);
  if (column === undefined || value === undefined)
    throw new InvalidArgumentError(`write COLUMN=TEXT; columns are ${shippingColumns.join(', ')}`);
  return { ...before, [column]: value };
}

export function addShippingCommands(device: Command): void {
  const formatOption = ['--format <format>', 'csv or ndjson (default: by the file’s name, else csv)'] as const;
  registerOptions(device.command('import'))
    .description('enrol the devices of a shipping file; what is there already as the file says stays untouched')
    .argument('<file>', `CSV with a line of headers, or NDJSON: ${shippingColumns.join(', ')}`)
    .option(...formatOption, oneOf(formats))
    .option('--column <ours=theirs>', 'our column is the file’s column of that name; may be repeated', pair)
    .option('--set <column=text>', 'for rows that leave it empty, e.g. anchor=acme; may be repeated', pair)
    .option('--ignore-unknown', 'pass over columns that are none of ours')
    .option('--dry-run', 'say what would happen; nothing is changed')
    .option('--correct', 'serials that an earlier file gave were wrong: take those of this one (needs --reason)')
    .option('--rejected <file>', 'rows that were not taken, with the reason of each (default: FILE.rejected.csv)')
    .option('--reason <text>', 'for the audit')
    .action(importFile);
  withFilter(registerOptions(device.command('export')), () => systemClock.now())
    .description(
      'the register in the columns of a shipping file, one line an identity; retired devices by --state alone',
    )
    .option(...formatOption, oneOf(formats))
    .option('--output <file>', 'instead of standard output')
    .action(exportFile);
  withFilter(registerOptions(device.command('handover')), () => systemClock.now())
    .description('write devices to a file for another operator, then retire them')
    .argument('[device]', 'id, identity, OUI-Serial, or fingerprint of a certificate; or choose several by the options')
    .requiredOption('--output <file>', 'must not exist yet')
    .option(...formatOption, oneOf(formats))
    .option('--yes', 'do it to all that the options choose; without it they are only counted')
    .requiredOption('--reason <text>', 'for the audit')
    .action(handOver);
}

function formatOf(file: string | undefined, chosen: ShippingFormat | undefined): ShippingFormat {
  return chosen ?? (/\.(ndjson|jsonl|json)$/i.test(file ?? '') ? 'ndjson' : 'csv');
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  if (options.correct === true && (options.reason ?? '').trim() === '')
    throw failure(exitCodes.usage, '--correct needs a reason: what was wrong', 'add --reason TEXT');
  const size = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw failure(exitCodes.unavailable, `${file} cannot be read: ${error.message}`, 'name a readable file');
  });
  const rejectedTo = options.rejected ?? `${file}.rejected.csv`;
  const api = serverApi(options);
  if (api !== undefined)
    return tellImport(await remoteImport(api, file, remoteOptions(file, options, rejectedTo)), rejectedTo, options);
  const rejects = rejectedFile(rejectedTo);
  const input = createReadStream(file);
  const progress = progressLine(size.size, 'bytes');
  const counts = await withLocalRegister(options, (register) =>
    register.shipping
      .import(
        readShipping(input, {
          format: formatOf(file, options.format),
          ...(options.column !== undefined && { columns: options.column }),
          ...(options.set !== undefined && { defaults: options.set }),
          ignoreUnknown: options.ignoreUnknown === true,
        }),
        byOperator(options.reason),
        {
          anchors: knownAnchors(options),
          dryRun: options.dryRun === true,
          correct: options.correct === true,
          onRejected: rejects.add,
          onProgress: () => progress.at(input.bytesRead),
        },
      )
      .finally(() => progress.end()),
  ).catch((error: unknown) => {
    throw error instanceof ShippingFileError
      ? failure(exitCodes.usage, `${file}: ${error.message}`, error.remedy)
      : error;
  });
  await rejects.close();
  tellImport(counts, rejects.name, options);
}

function remoteOptions(file: string, options: ImportOptions, rejected: string): RemoteImport {
  const { column = {}, set = {}, ignoreUnknown, dryRun, reason } = options;
  const flags = { ignoreUnknown: ignoreUnknown === true, dryRun: dryRun === true, correct: options.correct === true };
  return { format: formatOf(file, options.format), columns: column, set, ...flags, reason, rejected };
}

function tellImport(counts: ImportCounts, rejects: string, { json, dryRun }: ImportOptions): void {
  const rejectedTo = counts.rejected > 0 ? rejects : undefined;
  if (json === true) printJson({ ...counts, dryRun: dryRun === true, ...(rejectedTo && { rejectedFile: rejectedTo }) });
  else {
    const { created, changed, unchanged, rejected } = counts;
    print(
      `${dryRun === true ? 'Would be: ' : ''}${created} new, ${changed} changed, ${unchanged} as they were, ${rejected} rejected`,
    );
    if (rejectedTo !== undefined) print(`Rejected rows, with the reason of each: ${rejectedTo}`);
  }
  if (counts.rejected > 0) process.exitCode = exitCodes.no;
}

/** Made when the first row is rejected. */
function rejectedFile(name: string) {
  let stream: ReturnType<typeof createWriteStream> | undefined;
  let headers: readonly string[] | undefined;
  return {
    name,
    add: async (row: FileRow, reason: string): Promise<void> => {
      stream ??= createWriteStream(name, { mode: 0o600 });
      const lines = rejectedText([{ row, reason }], headers);
      headers = lines.headers;
      if (!stream.write(lines.text)) await once(stream, 'drain');
    },
    close: async (): Promise<void> => {
      const open = stream;
      if (open !== undefined) await new Promise<void>((done) => open.end(done));
    },
  };
}

async function exportFile(options: ExportOptions): Promise<void> {
  const format = formatOf(options.output, options.format);
  const out = options.output === undefined ? process.stdout : createWriteStream(options.output, { mode: 0o600 });
  const api = serverApi(options);
  if (api !== undefined) return remoteExport(api, filterOf(options), format, out);
  const write = async (text: string): Promise<void> => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await withLocalRegister(options, async (register) => {
    await write(shippingHead(format));
    for await (const records of register.shipping.export(filterOf(options))) await write(shippingText(records, format));
  });
  if (out !== process.stdout) await new Promise<void>((done) => out.end(done));
}

async function handOver(text: string | undefined, options: HandoverOptions): Promise<void> {
  const chosen = filterOf(options);
  if ((text === undefined) === isEmpty(chosen))
    throw failure(exitCodes.usage, 'name one device, or choose several by --tag, --site, --state and the like');
  const api = serverApi(options);
  const within = api === undefined ? withLocalRegister : withRegister;
  await within(options, async (register: RegisterAccess | Register) => {
    const filter = text === undefined ? chosen : { deviceId: await oneDevice(register, text) };
    const count = await register.countForMove('handover', filter);
    if (text === undefined && options.yes !== true) {
      if (options.json === true) return printJson({ move: 'handover', devices: count, dryRun: true });
      return print(`handover would concern ${counted(count, 'device')}. Add --yes to do it.`);
    }
    if (api !== undefined) return handOverByServer(api, filter, options);
    await writeAndRetire(register as Register, filter, options);
  });
}

async function handOverByServer(api: Api, filter: DeviceFilter, options: HandoverOptions): Promise<void> {
  const { output = '' } = options;
  if (existsSync(output))
    throw failure(exitCodes.unavailable, `${output} is there already`, 'name a file that is not there yet');
  const format = formatOf(output, options.format);
  const moved = await remoteHandOver(api, filter, byOperator(options.reason), { format, output });
  if (options.json === true) printJson({ move: 'handover', moved, output });
  else print(`${counted(moved, 'device')} written to ${output} and retired.`);
}

/** A record is on the disk before its device is retired. */
async function writeAndRetire(register: Register, filter: DeviceFilter, options: HandoverOptions): Promise<void> {
  const { output = '' } = options;
  const format = formatOf(output, options.format);
  const file = await open(output, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw failure(
      exitCodes.unavailable,
      `${output} cannot be made: ${error.message}`,
      'name a file that is not there yet',
    );
  });
  try {
    await file.write(shippingHead(format));
    const { moved } = await register.handOver(filter, byOperator(options.reason), async (records) => {
      await file.write(shippingText(records, format));
      await file.sync();
    });
    if (options.json === true) printJson({ move: 'handover', moved, output });
    else print(`${counted(moved, 'device')} written to ${output} and retired.`);
  } finally {
    await file.close();
  }
}
