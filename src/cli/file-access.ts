import { type FileDesk, fileDesk } from '../fleet/files/file-desk.ts';
import type { Transfers } from '../fleet/files/device-transfers.ts';
import type { Files, StoredFile } from '../fleet/files/files.ts';
import { systemClock } from '../platform/clock.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { exitCodes, failure } from './failure.ts';
import { remoteFileAccess } from './server/remote-files.ts';
import { serverApi } from './server/server-api.ts';
import { type TaskAccess, taskAccess } from './task-access.ts';

export interface FileAccess extends TaskAccess, Pick<FileDesk, 'files'> {
  readonly transfers: Omit<Transfers, 'ofTask' | 'uploadedFile'>;
  /** Milliseconds that a link lives unless something else is said. */
  readonly linkLife: number;
}

export function withFiles<T>(options: ConfigOptions, fn: (access: FileAccess) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteFileAccess(api));
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) =>
    fn({ ...taskAccess(config, db), ...fileDesk({ db, clock: systemClock, config }) }),
  );
}

/** The one file that a person means. */
export async function oneFile(files: Files, text: string): Promise<StoredFile> {
  const found = await files.find(text);
  // The name of one may be the beginning of the hash of another.
  const file = found.find(({ name }) => name === text) ?? found[0];
  if (file === undefined)
    throw failure(exitCodes.no, `there is no file ${JSON.stringify(text)}`, '"hems file list" shows them');
  if (found.length > 1 && file.name !== text)
    throw failure(
      exitCodes.usage,
      `${text} is ${found.length} files: ${found.map(({ name }) => name).join(', ')}`,
      'name one by its name',
    );
  return file;
}

const downloadTypes: Readonly<Record<string, string>> = {
  firmware: '1 Firmware Upgrade Image',
  web: '2 Web Content',
  config: '3 Vendor Configuration File',
  tone: '4 Tone File',
  ringer: '5 Ringer File',
};

const uploadTypes: Readonly<Record<string, string>> = {
  config: '1 Vendor Configuration File',
  log: '2 Vendor Log File',
};

export const downloadTypeNames = Object.keys(downloadTypes).join(', ');
export const uploadTypeNames = Object.keys(uploadTypes).join(', ');

/** As TR-069 writes it; the short words are ours. */
export function fileTypeOf(text: string, direction: 'download' | 'upload'): string {
  const words = direction === 'download' ? downloadTypes : uploadTypes;
  return Object.hasOwn(words, text) ? (words[text] ?? text) : text;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
