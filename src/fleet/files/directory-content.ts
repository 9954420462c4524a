import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../platform/clock.ts';
import { uuidv7 } from '../../platform/ids.ts';
import type { Database } from '../../platform/postgres.ts';
import { type Content, ContentMissing, type ContentStore } from './content.ts';
import { beginContent, completeContent, contentsInDirectory, deleteContent, touchContent } from './content-queries.ts';

/* A directory that all nodes share: one file a content, named by its id; the register of them stays in the database. */

export interface DirectoryContentDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly directory: string;
}

const touchEvery = 10_000;
const unfinished = '.part';

export function createDirectoryContent(deps: DirectoryContentDeps): ContentStore {
  const { db, clock, directory } = deps;
  return {
    write: async (source) => {
      const id = uuidv7(clock);
      await mkdir(directory, { recursive: true });
      await db.query(beginContent(id, 'directory', clock.now()));
      try {
        return await write(deps, id, source);
      } catch (error) {
        await rm(join(directory, `${id}${unfinished}`), { force: true }).catch(() => undefined);
        await db.query(deleteContent(id)).catch(() => undefined);
        throw error;
      }
    },
    read: async function* ({ id, size }, range) {
      const path = join(directory, id);
      const found = await stat(path).catch(() => undefined);
      if (found?.size !== size) throw new ContentMissing(`${path} is not there as it was written`);
      const { from, to } = range ?? { from: 0, to: size - 1 };
      if (size === 0) return;
      yield* createReadStream(path, { start: from, end: to }) as AsyncIterable<Buffer>;
    },
    discard: async ({ id }) => {
      await db.query(deleteContent(id));
      await removeFile(directory, id);
    },
  };
}

async function write(
  { db, clock, directory }: DirectoryContentDeps,
  id: string,
  source: AsyncIterable<Uint8Array>,
): Promise<Content> {
  const part = join(directory, `${id}${unfinished}`);
  const digest = createHash('sha256');
  const file = await open(part, 'wx', 0o640);
  let size = 0;
  let touched = clock.now().getTime();
  try {
    for await (const piece of source) {
      digest.update(piece);
      size += piece.length;
      await file.writeFile(piece);
      const at = clock.now();
      if (at.getTime() - touched < touchEvery) continue;
      touched = at.getTime();
      await db.query(touchContent(id, at));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  // Whole or not there: readers never see a file in the making.
  await rename(part, join(directory, id));
  const sha256 = digest.digest();
  const { count } = await db.query(completeContent(id, size, sha256, clock.now()));
  if (count === 0) throw new ContentMissing(`content ${id} was swept away while it was written`);
  return { id, store: 'directory', size, sha256: sha256.toString('hex') };
}

export async function removeFile(directory: string, id: string): Promise<void> {
  for (const name of [id, `${id}${unfinished}`]) await rm(join(directory, name), { force: true });
}

const named = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.part)?$/;

/** Files that no content names, left by writers that were killed; how many went. */
export async function sweepDirectory({ db, directory }: DirectoryContentDeps, before: Date): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const ids = names.flatMap((name) => named.exec(name)?.[1] ?? []);
  if (ids.length === 0) return 0;
  const { rows } = await db.query<{ id: string }>(contentsInDirectory(ids));
  const known = new Set(rows.map(({ id }) => id));
  let gone = 0;
  for (const id of new Set(ids)) {
    if (known.has(id)) continue;
    const paths = [join(directory, id), join(directory, `${id}${unfinished}`)];
    const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
    if (found.some((one) => one !== undefined && one.mtime >= before)) continue;
    await removeFile(directory, id);
    gone += 1;
  }
  return gone;
}
