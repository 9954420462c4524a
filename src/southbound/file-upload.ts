import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { FileDoor, TransferFailure, Visitor } from '../fleet/files/file-door.ts';
import type { UploadVisit } from '../fleet/files/file-visit.ts';
import type { FileMetrics } from './file-metrics.ts';
import { occasionally, watchPace } from './file-pace.ts';

export interface UploadDeps {
  readonly files: FileDoor;
  readonly fileMetrics: FileMetrics;
  /** The body is wanted: for clients that wait for 100 Continue. */
  readonly begin: () => void;
}

export type UploadAnswer =
  | { readonly status: 201; readonly sha256: string }
  | { readonly status: 400 | 403 | 408 | 413 | 415 | 507 }
  /** The client left before its body was complete, or was cut off. */
  | { readonly status: 'gone' };

const noteEvery = 2000;

/** The body cannot be inflated. */
class Unreadable extends Error {}

/** Reads the body of PUT or POST into the store. Rejects where the store does. */
export async function takeFile(
  deps: UploadDeps,
  visit: UploadVisit,
  visitor: Visitor,
  request: IncomingMessage,
): Promise<UploadAnswer> {
  const { files } = deps;
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (!['', 'identity', 'gzip', 'x-gzip'].includes(encoding)) return { status: 415 };
  // RFC 9110 14.5: a part of a file must not be taken for the whole.
  if (request.headers['content-range'] !== undefined) return { status: 400 };
  const room = await files.room(visit);
  const announced = Number(request.headers['content-length'] ?? 0);
  if (room === 0) return refused(deps, 'quota');
  if (announced > room) return refused(deps, room < visit.most ? 'quota' : 'too_large');
  await files.began(visit);
  deps.begin();
  return receive(deps, visit, visitor, request, encoding.endsWith('gzip'));
}

const statuses = { quota: 507, too_large: 413, over: 403 } as const;

function refused({ fileMetrics }: UploadDeps, why: keyof typeof statuses): UploadAnswer {
  fileMetrics.outcome('upload', why);
  return { status: statuses[why] };
}

async function receive(
  deps: UploadDeps,
  visit: UploadVisit,
  visitor: Visitor,
  request: IncomingMessage,
  isGzip: boolean,
): Promise<UploadAnswer> {
  const { files, fileMetrics } = deps;
  const course = { bytes: 0, slow: false };
  const stop = new AbortController();
  const stopWatch = watchPace(
    files.limits,
    () => course.bytes,
    () => {
      course.slow = true;
      stop.abort();
    },
  );
  const note = occasionally(noteEvery, () => files.receiving(visit, course.bytes));
  const wire = counted(request, visit.most, stop.signal, (bytes) => {
    course.bytes += bytes;
    fileMetrics.moved('upload', bytes);
    note();
  });
  const broke = async (failure: TransferFailure, answer: UploadAnswer): Promise<UploadAnswer> => {
    fileMetrics.outcome('upload', failure);
    await files.receiving(visit, 0, failure);
    return answer;
  };
  try {
    const received = await files.receive(visit, isGzip ? gunzipped(wire) : wire, visitor);
    if (received.kind !== 'received') return broke(received.kind, { status: statuses[received.kind] });
    fileMetrics.outcome('upload', 'whole');
    return { status: 201, sha256: received.content.sha256 };
  } catch (error) {
    if (course.slow) return broke('too_slow', { status: 408 });
    if (error instanceof Unreadable) return broke('unreadable', { status: 400 });
    if (error instanceof WireTooLong) return broke('too_large', { status: 413 });
    if (request.destroyed && !request.complete) return broke('aborted', { status: 'gone' });
    await broke('internal', { status: 'gone' });
    throw error;
  } finally {
    stopWatch();
  }
}

class WireTooLong extends Error {}

/** The body as it comes; the connection outlives it, so that the client can be told why it was refused. */
async function* counted(
  request: IncomingMessage,
  most: number,
  signal: AbortSignal,
  moved: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const pieces = request.iterator({ destroyOnReturn: false });
  const stopped = once(signal, 'abort').then(() => 'stopped' as const);
  let size = 0;
  try {
    for (;;) {
      const next = await Promise.race([pieces.next(), stopped]);
      if (next === 'stopped') throw new Error('too slow');
      if (next.done === true) return;
      const piece = next.value as Buffer;
      size += piece.length;
      if (size > most) throw new WireTooLong();
      moved(piece.length);
      yield piece;
    }
  } finally {
    // Not awaited: while the client says nothing the iterator has a step under way.
    void pieces.return?.();
  }
}

/** Inflates as it goes: what the body promises does not matter, only what is read of it. */
async function* gunzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 64 * 1024 });
  let broken: unknown;
  const pump = async (): Promise<void> => {
    try {
      for await (const piece of source) {
        if (gunzip.destroyed) return;
        if (!gunzip.write(piece)) await Promise.race([once(gunzip, 'drain'), once(gunzip, 'close')]);
      }
      gunzip.end();
    } catch (error) {
      broken = error;
      gunzip.destroy();
    }
  };
  const pumping = pump();
  try {
    for await (const piece of gunzip) yield piece as Buffer;
  } catch (error) {
    throw broken ?? new Unreadable(String(error));
  } finally {
    gunzip.destroy();
  }
  await pumping;
  if (broken !== undefined) throw broken;
}
