import type { IncomingMessage, ServerResponse } from 'node:http';
import { blockBytes, type OpenContent } from '../fleet/files/content-blocks.ts';
import type { ByteRange } from '../fleet/files/content.ts';
import type { FileDoor } from '../fleet/files/file-door.ts';
import type { DownloadVisit } from '../fleet/files/file-visit.ts';
import type { FileEnd, FileMetrics } from './file-metrics.ts';
import { createTurns, occasionally, watchPace } from './file-pace.ts';
import { type Wanted, wantedOf } from './file-range.ts';

export interface DownloadDeps {
  readonly files: FileDoor;
  readonly fileMetrics: FileMetrics;
  /** The connection ends with this answer. */
  readonly closing: boolean;
}

/** How often the course of a long one is written down. */
const noteEvery = 2000;
/** Blocks that all downloads of this process together hand to TLS in one turn. */
const turn = createTurns(1);

/** Answers GET or HEAD; the status that was sent. Rejects where the content cannot be read before anything was sent. */
export async function sendFile(
  deps: DownloadDeps,
  visit: DownloadVisit,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  const { size, sha256 } = visit.content;
  const etag = `"${sha256}"`;
  const wanted = wantedOf(request.headers, etag, size);
  const headers = headersOf(deps, visit, etag, wanted);
  const status = statusOf(wanted);
  if (status >= 300 || request.method === 'HEAD') {
    response.writeHead(status, headers).end();
    deps.fileMetrics.outcome('download', 'nothing_new');
    return status;
  }
  const range = wanted.kind === 'range' ? wanted.range : { from: 0, to: size - 1 };
  const handle = await deps.files.open(visit);
  try {
    await deps.files.began(visit, request.headers['if-range'] === undefined ? 0 : range.from);
    response.writeHead(status, headers);
    const end = await stream(deps, visit, range, handle, response);
    deps.fileMetrics.outcome('download', end === undefined ? (status === 206 ? 'part' : 'whole') : end);
  } finally {
    await handle?.close();
  }
  return status;
}

function statusOf({ kind }: Wanted): number {
  switch (kind) {
    case 'whole':
      return 200;
    case 'range':
      return 206;
    case 'not-modified':
      return 304;
    case 'changed':
      return 412;
    case 'unsatisfiable':
      return 416;
  }
}

function headersOf(
  { closing }: DownloadDeps,
  { name, content: { size, sha256 } }: DownloadVisit,
  etag: string,
  wanted: Wanted,
): Record<string, string | number> {
  const headers: Record<string, string | number> = { ETag: etag, 'Accept-Ranges': 'bytes', 'Cache-Control': 'private' };
  if (closing) headers.Connection = 'close';
  if (wanted.kind === 'whole' || wanted.kind === 'range') {
    headers['Content-Type'] = 'application/octet-stream';
    headers['Content-Disposition'] = `attachment; filename="${name}"`;
    // RFC 9530: of the whole file, whatever part is sent.
    headers['Repr-Digest'] = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
  }
  if (wanted.kind === 'whole') headers['Content-Length'] = size;
  if (wanted.kind === 'changed' || wanted.kind === 'unsatisfiable') headers['Content-Length'] = 0;
  if (wanted.kind === 'unsatisfiable') headers['Content-Range'] = `bytes */${size}`;
  if (wanted.kind === 'range') {
    const { from, to } = wanted.range;
    headers['Content-Range'] = `bytes ${from}-${to}/${size}`;
    headers['Content-Length'] = to - from + 1;
  }
  return headers;
}

/** Undefined: all of it has left. */
async function stream(
  { files, fileMetrics }: DownloadDeps,
  visit: DownloadVisit,
  range: ByteRange,
  handle: OpenContent | undefined,
  response: ServerResponse,
): Promise<FileEnd | undefined> {
  let at = range.from;
  let end: 'too_slow' | 'internal' | undefined;
  const tooSlow = (): void => {
    end = 'too_slow';
    response.destroy();
  };
  const stopWatch = watchPace(files.limits, () => at, tooSlow);
  const note = occasionally(noteEvery, () => files.sent(visit, range.from, at, 'under_way'));
  try {
    const pieces = handle === undefined ? files.read(visit, range) : piecesOf(handle, range);
    for await (const piece of pieces) {
      await turn();
      if (!(await written(response, piece))) break;
      at += piece.length;
      fileMetrics.moved('download', piece.length);
      note();
    }
    if (at > range.to) await finished(response);
    else response.destroy();
  } catch (error) {
    end ??= 'internal';
    response.destroy();
    throw error;
  } finally {
    stopWatch();
    const failure = end ?? (response.writableFinished ? undefined : 'aborted');
    await files.sent(visit, range.from, at, failure);
  }
  return end ?? (response.writableFinished ? undefined : 'aborted');
}

/** The next block is asked for when the last one has left. */
async function* piecesOf(file: OpenContent, { from, to }: ByteRange): AsyncGenerator<Buffer> {
  for (let n = Math.floor(from / blockBytes); n * blockBytes <= to; n += 1) {
    const block = await file.block(n);
    const start = n * blockBytes;
    yield block.subarray(Math.max(0, from - start), Math.min(block.length, to - start + 1));
  }
}

/** Resolves when the bytes are no longer needed; false: nobody will read them. */
function written(response: ServerResponse, piece: Buffer): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const gone = (): void => resolve(false);
    response.once('close', gone);
    response.write(piece, (error) => {
      response.off('close', gone);
      resolve(error === null || error === undefined);
    });
  });
}

function finished(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('finish', resolve).once('close', resolve);
    response.end();
  });
}
