import type { Clock } from '../../platform/clock.ts';
import { uuidv7 } from '../../platform/ids.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import type { By } from '../register.ts';
import type { Content, ContentStore, StoreKind } from './content.ts';
import {
  deleteFile,
  endLink,
  findFiles,
  holdsOf,
  insertFile,
  insertFileChange,
  insertLink,
  listFiles,
  listLinks,
  lockFile,
} from './file-queries.ts';
import { limited, TooLarge } from './limited.ts';

/** What devices may be told to fetch. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  /** As TR-069 has it: `1 Firmware Upgrade Image`. */
  readonly fileType: string;
  /** Of the devices it is for; null: any. */
  readonly productClass: string | null;
  readonly version: string | null;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly note: string | null;
  readonly addedAt: Date;
  readonly addedBy: string;
  readonly contentId: string;
  readonly store: StoreKind;
}

export interface FileDescription {
  readonly name: string;
  readonly fileType: string;
  readonly productClass?: string | undefined;
  readonly version?: string | undefined;
  readonly note?: string | undefined;
  /** Hex: what the bytes must be; another content is refused. */
  readonly sha256?: string | undefined;
}

export interface FileLink {
  readonly id: string;
  readonly fileId: string;
  readonly productClass: string | null;
  readonly deviceId?: string | null;
  readonly expiresAt: Date;
  readonly createdAt: Date;
}

/** What holds a file: an open transfer of a device, or a link that has not expired. */
export interface FileHold {
  readonly kind: 'transfer' | 'link';
  readonly id: string;
  readonly deviceId: string | null;
  readonly taskId: string | null;
  readonly expiresAt: Date;
}

export interface FileProblem {
  readonly kind: 'invalid' | 'name_taken' | 'too_large' | 'checksum' | 'file_missing' | 'in_use' | 'link_missing';
  readonly message: string;
  readonly holds?: readonly FileHold[];
}

export type FileResult<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly problem: FileProblem };

export interface Files {
  /** Rejects as the source does; nothing is kept then. */
  add(file: FileDescription, source: AsyncIterable<Uint8Array>, by: By): Promise<FileResult<{ file: StoredFile }>>;
  /** By name. */
  list(page: { after?: string | undefined; limit: number }): Promise<readonly StoredFile[]>;
  /** By name, id, or the beginning of its SHA-256. */
  find(text: string): Promise<readonly StoredFile[]>;
  holds(fileId: string): Promise<readonly FileHold[]>;
  /** Not while a task is open or a link in force that names it. */
  remove(fileId: string, by: By): Promise<FileResult<{ file: StoredFile }>>;
  read(file: StoredFile): AsyncIterable<Buffer>;
  /** For all devices of a model; see `Transfers` for one device. */
  linkModel(fileId: string, productClass: string, expiresAt: Date, by: By): Promise<FileResult<{ link: FileLink }>>;
  links(fileId: string): Promise<readonly FileLink[]>;
  unlink(linkId: string, by: By): Promise<FileResult<object>>;
}

export interface FilesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly store: ContentStore;
  readonly fileBytes: number;
}

export function createFiles(deps: FilesDeps): Files {
  const { db, clock, store } = deps;
  return {
    add: (description, source, by) => add(deps, description, source, by),
    list: async ({ after, limit }) => (await db.query<StoredFile>(listFiles(after, limit))).rows,
    find: async (text) => (await db.query<StoredFile>(findFiles(text))).rows,
    holds: async (fileId) => (await db.query<FileHold>(holdsOf(fileId, clock.now()))).rows,
    remove: async (fileId, by) => {
      const removed = await db.transaction((tx) => remove(tx, clock.now(), fileId, by));
      // The row is gone; should this fail the sweeping does it.
      if (removed.ok) await store.discard(contentOf(removed.file)).catch(() => undefined);
      return removed;
    },
    read: (file) => store.read(contentOf(file)),
    linkModel: (fileId, productClass, expiresAt, by) =>
      db.transaction(async (tx) => {
        const at = clock.now();
        const { rows } = await tx.query<StoredFile>(lockFile(fileId));
        if (rows[0] === undefined) return problem('file_missing', `there is no file ${fileId}`);
        const link: FileLink = { id: uuidv7(clock), fileId, productClass, expiresAt, createdAt: at };
        await tx.query(insertLink(link, by.actor.name));
        const after = { link: link.id, productClass, expiresAt };
        await tx.query(insertFileChange({ at, action: 'link_created', subject: fileId, after, ...by }));
        return { ok: true, link };
      }),
    links: async (fileId) => (await db.query<FileLink>(listLinks(fileId))).rows,
    unlink: (linkId, by) =>
      db.transaction(async (tx) => {
        const at = clock.now();
        const { rows } = await tx.query<{ fileId: string }>(endLink(linkId, at));
        if (rows[0] === undefined) return problem('link_missing', `there is no link ${linkId} in force`);
        const change = { at, action: 'link_removed', subject: rows[0].fileId, after: { link: linkId } } as const;
        await tx.query(insertFileChange({ ...change, ...by }));
        return { ok: true };
      }),
  };
}

export function contentOf({ contentId, store, size, sha256 }: StoredFile): Content {
  return { id: contentId, store, size, sha256 };
}

function problem(kind: FileProblem['kind'], message: string): { ok: false; problem: FileProblem } {
  return { ok: false, problem: { kind, message } };
}

/** It stands in a URL of at most 256 characters and in TargetFileName. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;
/** TR-069: a number and words, or `X`, an OUI or domain, and words. */
const typePattern = /^(?=.{1,64}$)(?:[1-9]\d*(?: \S+)+|X \S+ .+)$/;

function descriptionFault({ name, fileType, productClass, version, sha256 }: FileDescription): string | undefined {
  if (!fileName.test(name)) return 'a name is made of letters, digits, ".", "_", "+" and "-", at most 100 of them';
  if (!typePattern.test(fileType)) return 'write a file type as "1 Firmware Upgrade Image"';
  for (const [what, text] of [
    ['model', productClass],
    ['version', version],
  ])
    if (text !== undefined && !/^[^\p{Cc}\p{Cf}]{1,64}$/u.test(text))
      return `the ${what} has 1 to 64 visible characters`;
  return sha256 === undefined || /^[0-9a-f]{64}$/i.test(sha256) ? undefined : 'the SHA-256 has 64 hexadecimal digits';
}

async function add(
  { db, clock, store, fileBytes }: FilesDeps,
  description: FileDescription,
  source: AsyncIterable<Uint8Array>,
  by: By,
): Promise<FileResult<{ file: StoredFile }>> {
  const fault = descriptionFault(description);
  if (fault !== undefined) return problem('invalid', fault);
  const { rows } = await db.query<StoredFile>(findFiles(description.name));
  if (rows.some(({ name }) => name === description.name)) return taken(description.name);
  let content: Content;
  try {
    content = await store.write(limited(source, fileBytes));
  } catch (error) {
    if (error instanceof TooLarge) return problem('too_large', `the file has more than ${fileBytes} bytes`);
    throw error;
  }
  const { name, fileType, productClass = null, version = null, note = null, sha256 } = description;
  if (sha256 !== undefined && sha256.toLowerCase() !== content.sha256) {
    await store.discard(content);
    return problem('checksum', `the bytes have the SHA-256 ${content.sha256}, not ${sha256.toLowerCase()}`);
  }
  const at = clock.now();
  const whose = { name, fileType, productClass, version, note, addedAt: at, addedBy: by.actor.name };
  const bytes = { size: content.size, sha256: content.sha256, contentId: content.id, store: content.store };
  const file: StoredFile = { id: uuidv7(clock), ...whose, ...bytes };
  const stored = await db.transaction(async (tx) => {
    const { count } = await tx.query(insertFile(file));
    if (count === 0) return false;
    const after = { name, fileType, productClass, version, size: content.size, sha256: content.sha256 };
    await tx.query(insertFileChange({ at, action: 'file_added', subject: file.id, after, ...by }));
    return true;
  });
  if (stored) return { ok: true, file };
  await store.discard(content);
  return taken(name);
}

const taken = (name: string) => problem('name_taken', `there is a file ${name} already`);

async function remove(tx: Queryable, at: Date, fileId: string, by: By): Promise<FileResult<{ file: StoredFile }>> {
  const { rows } = await tx.query<StoredFile>(lockFile(fileId));
  const [file] = rows;
  if (file === undefined) return problem('file_missing', `there is no file ${fileId}`);
  const { rows: holds } = await tx.query<FileHold>(holdsOf(fileId, at));
  if (holds.length > 0) {
    const message = `${file.name} is in use: ${holds.map(holdText).join('; ')}`;
    return { ok: false, problem: { kind: 'in_use', message, holds } };
  }
  await tx.query(deleteFile(fileId));
  const after = { name: file.name, version: file.version, sha256: file.sha256 };
  await tx.query(insertFileChange({ at, action: 'file_removed', subject: fileId, after, ...by }));
  return { ok: true, file };
}

function holdText({ kind, id, deviceId, taskId, expiresAt }: FileHold): string {
  if (kind === 'link') return `link ${id} until ${expiresAt.toISOString()}`;
  return taskId === null
    ? `link ${id} of device ${deviceId} until ${expiresAt.toISOString()}`
    : `task ${taskId} of device ${deviceId}`;
}
