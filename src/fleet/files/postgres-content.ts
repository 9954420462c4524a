import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { uuidv7 } from '../../platform/ids.ts';
import type { Database } from '../../platform/postgres.ts';
import {
  type ByteRange,
  type Content,
  ContentMissing,
  type ContentStore,
  inChunks,
  type ReadOptions,
} from './content.ts';
import { beginContent, chunkOf, completeContent, deleteContent, insertChunk, touchContent } from './content-queries.ts';

/**
 * Bytes of a chunk: what one row of the database has. As text, which is how it comes from there, it still is a young
 * object to V8, gone with the next small collection; larger ones stay until a large one.
 */
export const chunkBytes = 64 * 1024;

/** Writes that take longer say that they are alive. */
const touchEvery = 10_000;

export function createPostgresContent({ db, clock }: { readonly db: Database; readonly clock: Clock }): ContentStore {
  return {
    write: async (source) => {
      const id = uuidv7(clock);
      await db.query(beginContent(id, 'postgres', clock.now()));
      try {
        return await write(db, clock, id, source);
      } catch (error) {
        // Where this fails too, the sweeping finds it.
        await db.query(deleteContent(id)).catch(() => undefined);
        throw error;
      }
    },
    read: (content, range, options) => read(db, content, range, options),
    discard: async ({ id }) => {
      await db.query(deleteContent(id));
    },
  };
}

async function write(db: Database, clock: Clock, id: string, source: AsyncIterable<Uint8Array>): Promise<Content> {
  const digest = createHash('sha256');
  let size = 0;
  let n = 0;
  let touched = clock.now().getTime();
  for await (const chunk of inChunks(source, chunkBytes)) {
    digest.update(chunk);
    size += chunk.length;
    // Awaited: while the database is slow nothing more is read of whoever sends it.
    await db.query(insertChunk(id, n, chunk));
    n += 1;
    const at = clock.now();
    if (at.getTime() - touched < touchEvery) continue;
    touched = at.getTime();
    await db.query(touchContent(id, at));
  }
  const sha256 = digest.digest();
  const { count } = await db.query(completeContent(id, size, sha256, clock.now()));
  if (count === 0) throw new ContentMissing(`content ${id} was swept away while it was written`);
  return { id, store: 'postgres', size, sha256: sha256.toString('hex') };
}

async function* read(
  db: Database,
  { id, size }: Content,
  range: ByteRange = { from: 0, to: size - 1 },
  { inPlace = false }: ReadOptions = {},
): AsyncGenerator<Buffer> {
  const { from, to } = range;
  const own = inPlace ? Buffer.allocUnsafeSlow(chunkBytes) : undefined;
  for (let n = Math.floor(from / chunkBytes); n * chunkBytes <= to; n += 1) {
    const { rows } = await db.query<{ bytes: string }>(chunkOf(id, n));
    const chunk = decoded(rows[0]?.bytes ?? '', own);
    const start = n * chunkBytes;
    if (chunk.length !== Math.min(chunkBytes, size - start))
      throw new ContentMissing(`chunk ${n} of content ${id} is not there as it was written`);
    yield chunk.subarray(Math.max(0, from - start), to - start + 1);
  }
}

function decoded(base64: string, into: Buffer | undefined): Buffer {
  if (into === undefined) return Buffer.from(base64, 'base64');
  return into.subarray(0, into.write(base64, 'base64'));
}
