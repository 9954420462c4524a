import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../../platform/clock.ts';
import { createBlocks, type OpenContent } from './content-blocks.ts';
import { type Content, ContentMissing, type ContentStore } from './content.ts';

/*
 * What devices fetch again and again, on the disk of this node: one file a content, named by its SHA-256 and never
 * believed without it. Whoever holds an open file may go on reading when it is evicted.
 */

export interface ContentCache {
  /**
   * Open for reading, whole, and checked; whoever asked closes it. Undefined: larger than the cache. Rejects with
   * ContentMissing where the store does not give what was recorded.
   */
  open(content: Content): Promise<OpenContent | undefined>;
}

export type CacheOutcome = (typeof cacheOutcomes)[number];
export const cacheOutcomes = ['hit', 'filled', 'joined', 'too_large', 'corrupt'] as const;

export interface ContentCacheDeps {
  readonly directory: string;
  readonly most: number;
  readonly store: Pick<ContentStore, 'read'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly count?: (outcome: CacheOutcome) => void;
  readonly size?: (bytes: number) => void;
}

interface Entry {
  readonly size: number;
  /** What the file looked like when its hash was right; anything else is hashed again. */
  seen: string | undefined;
}

interface Cache extends ContentCacheDeps {
  /** The least recently used first. */
  readonly entries: Map<string, Entry>;
  readonly underWay: Map<string, Promise<void>>;
  /** Bytes of entries and of fills under way. */
  bytes: number;
  parts: number;
}

const fileName = /^[0-9a-f]{64}$/;
/** A fill of another process, or of one that was killed, has this long. */
const partLife = 3_600_000;
/** Bytes of blocks in memory, shared by all downloads. */
const blocksKept = 8 * 1024 * 1024;

export async function createContentCache(deps: ContentCacheDeps): Promise<ContentCache> {
  const cache: Cache = { ...deps, entries: new Map(), underWay: new Map(), bytes: 0, parts: 0 };
  await mkdir(deps.directory, { recursive: true, mode: 0o750 });
  await takeUp(cache);
  const blocks = createBlocks(blocksKept);
  return {
    open: async (content) => {
      const handle = await openIn(cache, content);
      return handle && blocks.of(handle, content.sha256, content.size);
    },
  };
}

/** What an earlier process left: to be checked when it is asked for. */
async function takeUp(cache: Cache): Promise<void> {
  const { directory, entries, clock } = cache;
  const found: { name: string; size: number; at: number }[] = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const { size, mtimeMs } = (await stat(path).catch(() => undefined)) ?? { size: 0, mtimeMs: 0 };
    if (fileName.test(name)) found.push({ name, size, at: mtimeMs });
    else if (name.startsWith('.part-') && clock.now().getTime() - mtimeMs > partLife) await rm(path, { force: true });
  }
  for (const { name, size } of found.sort((a, b) => a.at - b.at)) {
    entries.set(name, { size, seen: undefined });
    cache.bytes += size;
  }
  await makeRoom(cache);
  cache.size?.(cache.bytes);
}

async function openIn(cache: Cache, content: Content): Promise<FileHandle | undefined> {
  if (content.size > cache.most) {
    cache.count?.('too_large');
    return undefined;
  }
  // More than once: an entry may be evicted, or turn out to be corrupt, between the look and the opening.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const handle = await openChecked(cache, content);
    if (handle !== undefined) {
      if (attempt === 0) cache.count?.('hit');
      return handle;
    }
    await fillOnce(cache, content);
  }
  throw new ContentMissing(`content ${content.sha256} cannot be kept in ${cache.directory}`);
}

async function openChecked(cache: Cache, { sha256, size }: Content): Promise<FileHandle | undefined> {
  const entry = cache.entries.get(sha256);
  if (entry === undefined || cache.underWay.has(sha256)) return undefined;
  const handle = await open(join(cache.directory, sha256), 'r').catch(() => undefined);
  if (handle === undefined) {
    forget(cache, sha256);
    return undefined;
  }
  const look = await looksOf(handle);
  if (entry.seen === look || (await isWhole(handle, sha256, size))) {
    entry.seen = look;
    // To the end of the order.
    if (cache.entries.delete(sha256)) cache.entries.set(sha256, entry);
    return handle;
  }
  await handle.close();
  cache.count?.('corrupt');
  cache.logger.error({ sha256, directory: cache.directory }, 'a cached file is not what it was; it is fetched anew');
  forget(cache, sha256);
  await rm(join(cache.directory, sha256), { force: true });
  return undefined;
}

/** Whoever writes to a file changes these, whatever it makes of its times. */
async function looksOf(handle: FileHandle): Promise<string> {
  const { size, ino, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  return `${size} ${ino} ${mtimeNs} ${ctimeNs}`;
}

async function isWhole(handle: FileHandle, sha256: string, size: number): Promise<boolean> {
  if ((await handle.stat()).size !== size) return false;
  const digest = createHash('sha256');
  const buffer = Buffer.allocUnsafe(256 * 1024);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return false;
    digest.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return digest.digest('hex') === sha256;
}

function forget(cache: Cache, sha256: string): void {
  const entry = cache.entries.get(sha256);
  if (entry === undefined) return;
  cache.entries.delete(sha256);
  cache.bytes -= entry.size;
  cache.size?.(cache.bytes);
}

async function fillOnce(cache: Cache, content: Content): Promise<void> {
  const running = cache.underWay.get(content.sha256);
  if (running !== undefined) {
    cache.count?.('joined');
    return running;
  }
  const filling = fill(cache, content).finally(() => cache.underWay.delete(content.sha256));
  cache.underWay.set(content.sha256, filling);
  return filling;
}

async function fill(cache: Cache, content: Content): Promise<void> {
  const { sha256, size } = content;
  if (cache.entries.has(sha256)) return;
  cache.bytes += size;
  await makeRoom(cache);
  const path = join(cache.directory, sha256);
  const part = join(cache.directory, `.part-${process.pid}-${++cache.parts}`);
  try {
    await copy(cache, content, part);
    await rename(part, path);
    cache.entries.set(sha256, { size, seen: await lookOf(path) });
    cache.count?.('filled');
    cache.size?.(cache.bytes);
  } catch (error) {
    cache.bytes -= size;
    await rm(part, { force: true });
    throw error;
  }
}

async function lookOf(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  return looksOf(handle).finally(() => handle.close());
}

async function copy(cache: Cache, content: Content, part: string): Promise<void> {
  const digest = createHash('sha256');
  const file = await open(part, 'wx', 0o640);
  try {
    for await (const chunk of cache.store.read(content, undefined, { inPlace: true })) {
      digest.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  if (digest.digest('hex') !== content.sha256)
    throw new ContentMissing(`content ${content.id} is not what was recorded: its SHA-256 is another`);
}

async function makeRoom(cache: Cache): Promise<void> {
  for (const [sha256] of cache.entries) {
    if (cache.bytes <= cache.most) return;
    forget(cache, sha256);
    await rm(join(cache.directory, sha256), { force: true });
  }
}
