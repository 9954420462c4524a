/** Where bytes lie; the database, or a directory that all nodes share. */
export type StoreKind = 'postgres' | 'directory';

/** Bytes that are there as a whole, known by their SHA-256. */
export interface Content {
  readonly id: string;
  readonly store: StoreKind;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** Bytes `from` to `to`, the last one included. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

export interface ReadOptions {
  /** A chunk is used up before the next one is asked for, so that one buffer may do for all. */
  readonly inPlace?: boolean;
}

export interface ContentStore {
  /**
   * Keeps what the source gives, one chunk in memory at a time. What comes of it belongs to nobody: whoever makes no row
   * that names it leaves it to the sweeping. Rejects as the source does, and nothing is kept then.
   */
  write(source: AsyncIterable<Uint8Array>): Promise<Content>;
  /** In order, one chunk at a time. Rejects with ContentMissing where the bytes are not there. */
  read(content: Content, range?: ByteRange, options?: ReadOptions): AsyncGenerator<Buffer>;
  /** Ends silently where it is not there any more. */
  discard(content: Pick<Content, 'id' | 'store'>): Promise<void>;
}

/** The bytes are gone, or are not what they were. */
export class ContentMissing extends Error {
  readonly remedy = 'look for lost chunks, or add the file anew';
}

/** Regroups a stream into chunks of one size, the last one excepted. */
export async function* inChunks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let gathered = 0;
  for await (const piece of source) {
    let rest = piece;
    while (gathered + rest.length >= size) {
      const cut = size - gathered;
      yield Buffer.concat([...parts, rest.subarray(0, cut)], size);
      rest = rest.subarray(cut);
      parts = [];
      gathered = 0;
    }
    if (rest.length === 0) continue;
    parts.push(rest);
    gathered += rest.length;
  }
  if (gathered > 0) yield Buffer.concat(parts, gathered);
}
