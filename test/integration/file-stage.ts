/** A stage with files: what an operator adds, and devices that fetch and send with their own certificates. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createContentStore } from '../../src/fleet/files/content-stores.ts';
import { createTransfers, type Transfers } from '../../src/fleet/files/device-transfers.ts';
import { createFiles, type Files, type StoredFile } from '../../src/fleet/files/files.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Database } from '../../src/platform/postgres.ts';
import type { ClientCredentials } from '../../src/simulator/tls-client.ts';
import { ownFolder, type Stage, type StageOptions, withStage } from './stage.ts';
import { by } from './task-stage.ts';

export interface FileDesk {
  readonly files: Files;
  readonly transfers: Transfers;
  add(name: string, bytes: Buffer, more?: Partial<Parameters<Files['add']>[0]>): Promise<StoredFile>;
}

type FilesInput = NonNullable<ConfigInput['files']>;

/** Desk of an operator beside a server whose `files` are configured so. */
export function fileDesk(db: Database, settings: FilesInput = {}): FileDesk {
  const { store = 'postgres', directory, fileBytes = 1024 ** 3 } = settings;
  const config = { files: { store, directory } } as unknown as Parameters<typeof createContentStore>[0]['config'];
  const content = createContentStore({ db, clock: systemClock, config });
  const deps = { db, clock: systemClock, store: content };
  const files = createFiles({ ...deps, fileBytes });
  return {
    files,
    transfers: createTransfers({ ...deps, linkLife: 86_400_000 }),
    add: async (name, bytes, more = {}) => {
      const description = { name, fileType: '1 Firmware Upgrade Image', ...more };
      const added = await files.add(description, [bytes] as unknown as AsyncIterable<Buffer>, by);
      assert.ok(added.ok, JSON.stringify(added));
      return added.file;
    },
  };
}

/** With a cache of its own. */
export function withFileStage(t: TestContext, files: FilesInput = {}, options: StageOptions = {}): Promise<Stage> {
  const cacheDirectory = files.cacheDirectory ?? mkdtempSync(join(caches(), 'cache-'));
  return withStage(t, { ...options, config: { ...options.config, files: { ...files, cacheDirectory } } });
}

let own: string | undefined;

function caches(): string {
  own ??= ownFolder();
  return own;
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function image(size: number, version = '9.9.9'): Buffer {
  return Buffer.concat([Buffer.from(`femtocell-image ${version}\n`), randomBytes(size)]).subarray(0, size);
}

export interface Caller {
  readonly options: { readonly ca: string; readonly credentials?: ClientCredentials };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

function optionsOf(
  port: number,
  { options: { ca, credentials } }: Caller,
  path: string,
  asking: Asking,
): RequestOptions {
  return {
    ...{ host: '127.0.0.1', port, servername: 'localhost', path, ca, agent: false },
    ...{ method: asking.method ?? 'GET', headers: { Host: 'localhost', ...asking.headers } },
    ...(credentials !== undefined && { cert: credentials.chain, key: credentials.key }),
  };
}

/** One request of a device at the file door, on a connection of its own. */
export function ask(port: number, caller: Caller, path: string, asking: Asking = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(optionsOf(port, caller, path, asking), (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    sent.once('error', reject);
    sent.end(asking.body);
  });
}

/** Asks until the answer is as expected: what goes through the door is written down a moment after it has. */
export async function eventually<T>(look: () => Promise<T>, expected: T): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(20))
    if (isDeepStrictEqual(await look(), expected)) return;
  assert.deepEqual(await look(), expected);
}

/** The answer's head, its body unread. */
export function begin(port: number, caller: Caller, path: string, asking: Asking = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(optionsOf(port, caller, path, asking), resolve);
    sent.once('error', reject);
    sent.end(asking.body);
  });
}
