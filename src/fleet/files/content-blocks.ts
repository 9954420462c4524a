import type { FileHandle } from 'node:fs/promises';

/** Bytes of a block: what one download holds in memory, if it does not share it. */
export const blockBytes = 64 * 1024;

/** A file that is open for reading; whoever opened it closes it. */
export interface OpenContent {
  /** Block `n`, the last one shorter. Shared: nobody writes to it. */
  block(n: number): Promise<Buffer>;
  close(): Promise<void>;
}

export interface Blocks {
  of(handle: FileHandle, sha256: string, size: number): OpenContent;
}

/**
 * The blocks read last, of all files: devices that fetch one image at once are at much the same place in it, and then
 * it is read once for all of them.
 */
export function createBlocks(mostBytes: number): Blocks {
  const most = Math.floor(mostBytes / blockBytes);
  const kept = new Map<string, Promise<Buffer>>();
  return {
    of: (handle, sha256, size) => ({
      block: (n) => {
        const key = `${sha256} ${n}`;
        const known = kept.get(key);
        const block = known ?? readBlock(handle, n, size);
        kept.delete(key);
        kept.set(key, block);
        if (known === undefined) block.catch(() => kept.delete(key));
        for (const oldest of kept.keys()) {
          if (kept.size <= most) break;
          kept.delete(oldest);
        }
        return block;
      },
      close: () => handle.close(),
    }),
  };
}

async function readBlock(handle: FileHandle, n: number, size: number): Promise<Buffer> {
  const from = n * blockBytes;
  const buffer = Buffer.allocUnsafeSlow(Math.min(blockBytes, size - from));
  for (let at = 0; at < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, from + at);
    if (bytesRead === 0) throw new Error('a cached file became shorter while it was read');
    at += bytesRead;
  }
  return buffer;
}
