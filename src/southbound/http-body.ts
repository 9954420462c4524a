import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';

export type BodyResult =
  | { readonly ok: true; readonly body: Buffer }
  /** `gone`: the client left before its body was complete. */
  | { readonly ok: false; readonly status: 400 | 408 | 413 | 415 | 'gone' };

const unzip = { gzip: promisify(gunzip), deflate: promisify(inflate), raw: promisify(inflateRaw) };

const tooLarge: BodyResult = { ok: false, status: 413 };
const gone: BodyResult = { ok: false, status: 'gone' };

/** The encoding as sent, lower case; `other` is refused with 415, and the CPE comes back without (TR-069 3.4.7). */
function encodingOf({ headers }: IncomingMessage): 'identity' | 'gzip' | 'deflate' | 'other' {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  return encoding === 'deflate' ? 'deflate' : 'other';
}

/** The bytes of the body, with Content-Length or chunked, none beyond `most`. */
function collect(request: IncomingMessage, most: number, time: number): Promise<BodyResult> {
  return new Promise((settle) => {
    const timer = setTimeout(() => settle({ ok: false, status: 408 }), time);
    const resolve = (result: BodyResult): void => {
      clearTimeout(timer);
      settle(result);
    };
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else resolve(tooLarge);
    });
    request.once('end', () => {
      const [first] = chunks;
      resolve({ ok: true, body: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks) });
    });
    request.once('close', () => resolve(gone));
    request.once('error', () => resolve(gone));
  });
}

/** Inflates into no more than `most` bytes, whatever the body promises. */
async function inflated(body: Buffer, encoding: 'gzip' | 'deflate', most: number): Promise<BodyResult> {
  const options = { maxOutputLength: most };
  // RFC 9110 8.4.1.2: deflate is the zlib format, but some send the bare stream.
  const bare = encoding === 'deflate' && ((body[0] ?? 0) & 0x0f) !== 8;
  try {
    return { ok: true, body: await unzip[bare ? 'raw' : encoding](body, options) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge : { ok: false, status: 400 };
  }
}

/**
 * Reads the body of a request, at most `most` bytes before and after inflation, within `time` milliseconds. Never rejects. `begin` is called once
 * it is clear that the body is wanted, for clients that wait for 100 Continue.
 */
export async function readBody(
  request: IncomingMessage,
  { most, time }: { readonly most: number; readonly time: number },
  begin: () => void,
): Promise<BodyResult> {
  const encoding = encodingOf(request);
  if (encoding === 'other') return { ok: false, status: 415 };
  if (Number(request.headers['content-length'] ?? 0) > most) return tooLarge;
  begin();
  const read = await collect(request, most, time);
  if (!read.ok || encoding === 'identity' || read.body.length === 0) return read;
  return inflated(read.body, encoding, most);
}
