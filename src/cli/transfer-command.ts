import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { DownloadWish, TransferResult } from '../fleet/files/device-transfers.ts';
import type { DeviceTransfer } from '../fleet/files/transfer-state.ts';
import type { Task } from '../fleet/task.ts';
import { span, wholeNumber } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { wakeFor } from './device-wake-command.ts';
import { type FileAccess, fileTypeOf, oneFile, uploadTypeNames, withFiles } from './file-access.ts';
import { writeOut } from './file-command.ts';
import { byOperator } from './operator.ts';
import { queue } from './task-access.ts';
import { type TimingOptions, timingOf, withTiming } from './task-timing.ts';
import { waitFor } from './task-waiting.ts';
import { print, printJson } from './terminal.ts';
import { course, printAutonomous, printTransfers, printUploads } from './transfer-view.ts';

interface TransferOptions extends DeviceOptions, TimingOptions {
  readonly timeout: number;
  readonly delay?: number;
  readonly anyModel?: boolean;
  readonly window?: readonly Window[];
  readonly wait: boolean;
}

type Window = NonNullable<DownloadWish['windows']>[number];

/** `3600-7200`, one after the other. */
function windows(text: string, before: readonly Window[] = []): readonly Window[] {
  const [, from, to] = /^(\d{1,8})-(\d{1,8})$/.exec(text) ?? [];
  if (from === undefined || Number(to) <= Number(from) || before.length > 1)
    throw new InvalidArgumentError('write from-to in seconds: 3600-7200; twice at most');
  const when = { windowStart: Number(from), windowEnd: Number(to) };
  return [...before, { ...when, windowMode: '1 At Any Time', userMessage: '', maxRetries: 3 }];
}

const deviceArgument = ['<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate'] as const;

export function addTransferCommands(device: Command): void {
  const wish = (name: string, description: string): Command =>
    withTiming(registerOptions(device.command(name)), 'transfer')
      .description(description)
      .argument(...deviceArgument)
      .option('--timeout <span>', 'how long to wait; the task stays queued after that', span, 3_600_000)
      .option('--delay <seconds>', 'the device begins so much later', wholeNumber(0, 86_400))
      .option('--no-wait', 'queue it and say so')
      .option('--reason <text>', 'for the audit');
  wish('download', 'have it fetch a file, and tell how it goes')
    .argument('<file>', 'of "hems file list"; or, before a URL, a file type')
    .argument('[url]', 'of another file server; https only')
    .option('--any-model', 'also where the file is for another model')
    .option('--window <from-to>', 'ScheduleDownload (CWMP 1.2): seconds from now; may be given twice', windows)
    .action(download);
  wish('upload', 'have it send a file, and tell how it goes')
    .argument('<type>', `${uploadTypeNames}, or as TR-069 has it: "2 Vendor Log File"`)
    .argument('[url]', 'of another file server; https only')
    .action(upload);
  const listing = (name: string, description: string): Command =>
    registerOptions(device.command(name))
      .description(description)
      .argument(...deviceArgument)
      .option('--limit <n>', 'how many', wholeNumber(1, 1000), 20);
  listing('transfers', 'what it was to fetch and to send, and how far each came').action(transfers);
  listing('uploads', 'the files that it has sent')
    .option('--get <upload>', 'write this one out')
    .option('--out <path>', 'where to', '-')
    .action(uploads);
}

async function download(text: string, file: string, url: string | undefined, options: TransferOptions): Promise<void> {
  await withFiles(options, async (access) => {
    const deviceId = await oneDevice(access.register, text);
    const delaySeconds = options.delay;
    if (url !== undefined) return elsewhere(access, deviceId, 'download', fileTypeOf(file, 'download'), url, options);
    const { id: fileId } = await oneFile(access.files, file);
    const wished = { fileId, delaySeconds, anyModel: options.anyModel, windows: options.window };
    await follow(
      access,
      await access.transfers.download(deviceId, wished, byOperator(options.reason), timingOf(options)),
      options,
    );
  });
}

async function upload(text: string, type: string, url: string | undefined, options: TransferOptions): Promise<void> {
  await withFiles(options, async (access) => {
    const deviceId = await oneDevice(access.register, text);
    const fileType = fileTypeOf(type, 'upload');
    if (url !== undefined) return elsewhere(access, deviceId, 'upload', fileType, url, options);
    const wished = { fileType, delaySeconds: options.delay };
    await follow(
      access,
      await access.transfers.upload(deviceId, wished, byOperator(options.reason), timingOf(options)),
      options,
    );
  });
}

/** At another file server only the device itself can tell how it goes. */
async function elsewhere(
  access: FileAccess,
  deviceId: string,
  kind: 'download' | 'upload',
  fileType: string,
  url: string,
  options: TransferOptions,
): Promise<void> {
  const { task } = await queue(
    access,
    deviceId,
    { kind, fileType, url },
    { ...timingOf(options), reason: options.reason },
  );
  await wakeFor(access, deviceId, task.id, options.reason);
  if (options.wait) await waitFor(access, task, options.timeout);
  if (options.json === true) return printJson(await access.tasks.get(deviceId, task.id));
  print(options.wait ? 'Done.' : `Task ${task.id} is queued.`);
}

const between = 250;
const resting = ['completed', 'applied', 'failed', 'cancelled', 'expired', 'unknown'];
const saying: Readonly<Partial<Record<DeviceTransfer['state'], string>>> = {
  requested: 'waits for the next session of the device',
  started: 'the device is at it',
  fetched: 'has gone out whole; the device will tell how it went',
  received: 'has come in whole; the device will tell how it went',
};

/** A line whenever something changes, and at the end what became of it. */
async function follow(access: FileAccess, wished: TransferResult, options: TransferOptions): Promise<void> {
  if (!wished.ok) {
    const { kind, message, remedy } = wished.problem;
    throw failure(kind === 'invalid' ? exitCodes.usage : exitCodes.no, message, remedy);
  }
  const { task, transferId, created } = wished;
  if (created && task.notBefore <= task.createdAt) await wakeFor(access, task.deviceId, task.id, options.reason);
  if (!options.wait) {
    if (options.json === true) return printJson({ transferId, taskId: task.id });
    return print(`Transfer ${transferId} ${created ? 'is' : 'was'} queued as task ${task.id}.`);
  }
  const transfer = await settled(access, task, transferId, options.timeout);
  if (options.json === true) printJson(transfer);
  if (transfer.state === 'completed' || transfer.state === 'applied') {
    if (options.json !== true) print(`${transfer.name}: ${transfer.state}${withCourse(transfer)}.`);
    return;
  }
  const see = `hems device transfers ${transfer.deviceId}`;
  throw failure(exitCodes.no, `${transfer.name}: ${transfer.state}${withCourse(transfer)}`, see);
}

function withCourse(transfer: DeviceTransfer): string {
  const text = course(transfer);
  return text === '' ? '' : ` (${text})`;
}

async function settled(
  { transfers: desk }: FileAccess,
  { deviceId }: Task,
  id: string,
  timeout: number,
): Promise<DeviceTransfer> {
  let before = '';
  for (const end = performance.now() + timeout; ; await sleep(between)) {
    const transfer = await desk.get(deviceId, id);
    if (transfer === undefined) throw failure(exitCodes.no, `transfer ${id} is gone`);
    const what = saying[transfer.state];
    const line = what === undefined ? '' : `${transfer.state}: ${what}${withCourse(transfer)}`;
    if (line !== before && line !== '') process.stderr.write(`${line}\n`);
    before = line;
    if (resting.includes(transfer.state) || performance.now() > end) return transfer;
  }
}

async function transfers(text: string, options: DeviceOptions & { limit: number }): Promise<void> {
  await withFiles(options, async ({ register, transfers: desk }) => {
    const deviceId = await oneDevice(register, text);
    const found = await desk.list(deviceId, { limit: options.limit });
    const told = await desk.autonomous(deviceId, options.limit);
    if (options.json === true) return printJson({ transfers: found, autonomous: told });
    printTransfers(found);
    printAutonomous(told);
  });
}

async function uploads(
  text: string,
  options: DeviceOptions & { limit: number; get?: string; out: string },
): Promise<void> {
  await withFiles(options, async ({ register, transfers: desk }) => {
    const deviceId = await oneDevice(register, text);
    const found = await desk.uploads(deviceId, { limit: options.get === undefined ? options.limit : 1000 });
    if (options.get === undefined) {
      if (options.json === true) return printJson(found.map(({ contentId: _, store: __, ...upload }) => upload));
      return printUploads(found);
    }
    const wanted = found.find(({ id }) => id === options.get);
    if (wanted === undefined)
      throw failure(exitCodes.no, `the device has sent no file ${options.get}`, `hems device uploads ${text}`);
    await writeOut(desk.read(wanted, byOperator()), options.out);
  });
}
