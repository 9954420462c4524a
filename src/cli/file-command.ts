import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { FileProblem, StoredFile } from '../fleet/files/files.ts';
import { linkPath } from '../fleet/files/device-transfers.ts';
import { systemClock } from '../platform/clock.ts';
import { span, wholeNumber } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { downloadTypeNames, fileTypeOf, oneFile, sizeText, withFiles } from './file-access.ts';
import { byOperator } from './operator.ts';
import { progressLine } from './progress.ts';
import { print, printable, printJson, table } from './terminal.ts';

interface AddOptions extends DeviceOptions {
  readonly type: string;
  readonly model?: string;
  readonly fileVersion?: string;
  readonly name?: string;
  readonly sha256?: string;
  readonly note?: string;
}

interface LinkOptions extends DeviceOptions {
  readonly device?: string;
  readonly model?: string;
  readonly expires?: number;
}

export function addFileCommands(hems: Command): void {
  const file = hems.command('file').description('files that devices fetch: images, configurations');
  registerOptions(file.command('add'))
    .description('keep a file, with its size and SHA-256')
    .argument('<path>', 'of the file; - is standard input')
    .requiredOption('--type <type>', `${downloadTypeNames}, or as TR-069 has it: "1 Firmware Upgrade Image"`)
    .option('--model <class>', 'ProductClass of the devices it is for; others are not told to fetch it')
    .option('--file-version <version>', 'what DeviceInfo.SoftwareVersion is once it runs')
    .option('--name <name>', 'default: the name of the file')
    .option('--sha256 <hex>', 'refuse it unless this is its hash')
    .option('--note <text>', 'a remark')
    .option('--reason <text>', 'for the audit')
    .action(add);
  registerOptions(file.command('list'))
    .description('the files, by name')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 100)
    .option('--after <name>', 'go on behind this one')
    .action(list);
  const named = (name: string, description: string): Command =>
    registerOptions(file.command(name))
      .description(description)
      .argument('<file>', 'name, id, or beginning of its SHA-256');
  named('show', 'one file, and what holds it').action(show);
  named('get', 'write a file out').argument('<path>', 'where to; - is standard output').action(get);
  named('remove', 'remove a file that no open task and no link names')
    .option('--reason <text>', 'for the audit')
    .action(remove);
  named('link', 'a link for one device, or for all of a model, until it expires')
    .option('--device <device>', 'for this one alone')
    .option('--model <class>', 'for every device of this ProductClass')
    .option('--expires <span>', 'after so long: 12h, 7d (default: files.linkLife)', span)
    .option('--reason <text>', 'for the audit')
    .action(link);
  registerOptions(file.command('unlink'))
    .description('end a link before its time')
    .argument('<link>', 'its id')
    .option('--reason <text>', 'for the audit')
    .action(unlink);
}

export function refuse({ kind, message }: FileProblem): never {
  throw failure(kind === 'invalid' ? exitCodes.usage : exitCodes.no, message, remedies[kind]);
}

const remedies: Readonly<Partial<Record<FileProblem['kind'], string>>> = {
  in_use: 'wait for the tasks or cancel them; end links with "hems file unlink"',
  name_taken: 'give it another --name',
  too_large: 'raise files.fileBytes',
  file_missing: '"hems file list" shows them',
};

async function* watched(source: AsyncIterable<Buffer>, at: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    at(bytes);
    yield piece;
  }
}

async function add(path: string, options: AddOptions): Promise<void> {
  const isInput = path === '-';
  if (isInput && options.name === undefined)
    throw failure(exitCodes.usage, 'standard input has no name', 'give it one: --name');
  const size = isInput ? 0 : (await stat(path)).size;
  const source: AsyncIterable<Buffer> = isInput ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
  const { model, fileVersion, note, sha256 } = options;
  await withFiles(options, async ({ files }) => {
    const progress = progressLine(size, 'bytes');
    const description = {
      name: options.name ?? basename(path),
      fileType: fileTypeOf(options.type, 'download'),
      ...(model !== undefined && { productClass: model }),
      ...(fileVersion !== undefined && { version: fileVersion }),
      ...(note !== undefined && { note }),
      ...(sha256 !== undefined && { sha256 }),
    };
    const added = await files.add(description, watched(source, progress.at), byOperator(options.reason));
    progress.end();
    if (!added.ok) return refuse(added.problem);
    if (options.json === true) return printJson(shown(added.file));
    print(`File ${added.file.name} is kept: ${sizeText(added.file.size)}, SHA-256 ${added.file.sha256}.`);
  });
}

/** Where its bytes lie is nobody's business. */
function shown({ contentId: _, store: __, ...file }: StoredFile): unknown {
  return file;
}

async function list(options: DeviceOptions & { limit: number; after?: string }): Promise<void> {
  await withFiles(options, async ({ files }) => {
    const found = await files.list(options);
    if (options.json === true) return printJson(found.map(shown));
    if (found.length === 0) return print('No files.');
    print(
      table(found, [
        { title: 'NAME', value: ({ name }) => name },
        { title: 'TYPE', value: ({ fileType }) => fileType, limit: 30 },
        { title: 'MODEL', value: ({ productClass }) => productClass ?? 'any' },
        { title: 'VERSION', value: ({ version }) => version ?? '' },
        { title: 'SIZE', value: ({ size }) => sizeText(size) },
        { title: 'SHA-256', value: ({ sha256 }) => sha256.slice(0, 16) },
        { title: 'ADDED', value: ({ addedAt }) => addedAt.toISOString() },
      ]),
    );
  });
}

async function show(text: string, options: DeviceOptions): Promise<void> {
  await withFiles(options, async ({ files }) => {
    const file = await oneFile(files, text);
    const [holds, links] = [await files.holds(file.id), await files.links(file.id)];
    if (options.json === true) return printJson({ ...(shown(file) as object), holds, links });
    print(`File ${file.name}, ${file.id}`);
    print(`  ${file.fileType}${file.version === null ? '' : `, version ${printable(file.version)}`}`);
    print(`  for ${file.productClass === null ? 'any model' : `model ${printable(file.productClass)}`}`);
    print(`  ${file.size} bytes, SHA-256 ${file.sha256}`);
    print(`  added ${file.addedAt.toISOString()} by ${printable(file.addedBy)}`);
    if (file.note !== null) print(`  ${printable(file.note)}`);
    for (const one of holds)
      if (one.kind === 'transfer')
        print(`  in use by ${one.taskId === null ? 'a link' : `task ${one.taskId}`} of device ${one.deviceId}`);
    for (const one of links) {
      const whom = one.productClass === null ? `device ${one.deviceId}` : `model ${printable(one.productClass)}`;
      print(`  link ${one.id} for ${whom} until ${one.expiresAt.toISOString()}`);
    }
  });
}

/** To a file that is not there yet, or to standard output. */
export async function writeOut(source: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const target = path === '-' ? process.stdout : createWriteStream(path, { flags: 'wx' });
  await pipeline(Readable.from(source, { objectMode: false }), target, { end: path !== '-' });
}

async function get(text: string, path: string, options: DeviceOptions): Promise<void> {
  await withFiles(options, async ({ files }) => {
    const file = await oneFile(files, text);
    await writeOut(files.read(file), path);
    if (path !== '-') print(`${file.size} bytes, SHA-256 ${file.sha256}.`);
  });
}

async function remove(text: string, options: DeviceOptions): Promise<void> {
  await withFiles(options, async ({ files }) => {
    const removed = await files.remove((await oneFile(files, text)).id, byOperator(options.reason));
    if (!removed.ok) return refuse(removed.problem);
    if (options.json === true) return printJson(shown(removed.file));
    print(`File ${removed.file.name} is removed.`);
  });
}

async function link(text: string, options: LinkOptions): Promise<void> {
  const { device, model } = options;
  if ((device === undefined) === (model === undefined))
    throw failure(exitCodes.usage, 'a link is for one device or for one model', 'give --device or --model');
  await withFiles(options, async ({ files, transfers, register, linkLife }) => {
    const file = await oneFile(files, text);
    const expiresAt = new Date(systemClock.now().getTime() + (options.expires ?? linkLife));
    const by = byOperator(options.reason);
    const made =
      device === undefined
        ? await files.linkModel(file.id, model ?? '', expiresAt, by)
        : await transfers.link(await oneDevice(register, device), file.id, expiresAt, by);
    if (!made.ok) throw failure(exitCodes.no, made.problem.message);
    const id = 'link' in made ? made.link.id : made.transferId;
    const path = linkPath(id, file.name);
    if (options.json === true) return printJson({ id, path, expiresAt });
    print(`Below the URL that devices call: ${path}`);
    print(
      `It opens to ${device === undefined ? 'devices of the model' : 'that device'} alone, by certificate, until ${expiresAt.toISOString()}.`,
    );
  });
}

async function unlink(id: string, options: DeviceOptions): Promise<void> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw failure(exitCodes.usage, `${JSON.stringify(id)} is no id of a link`);
  await withFiles(options, async ({ files }) => {
    const ended = await files.unlink(id, byOperator(options.reason));
    if (!ended.ok) return refuse(ended.problem);
    print('The link is ended.');
  });
}
