import type { Clock } from '../../platform/clock.ts';
import { uuidv7 } from '../../platform/ids.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import { lockDevice } from '../admission-queries.ts';
import type { Content, ContentStore } from './content.ts';
import { deleteContent } from './content-queries.ts';
import { insertUpload, noteReceived, replaceUploads, usedByAll, usedByDevice } from './door-queries.ts';
import { judgeVisit, type UploadVisit, type VisitDeps } from './file-visit.ts';
import { limited, TooLarge } from './limited.ts';

export type Received =
  | { readonly kind: 'received'; readonly uploadId: string; readonly content: Content }
  /** Of one file. */
  | { readonly kind: 'too_large' }
  /** Of the device, or of all devices. */
  | { readonly kind: 'quota' }
  /** The task ended, or the link expired, while it was being sent. */
  | { readonly kind: 'over' };

export interface ReceivingDeps extends VisitDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly store: ContentStore;
  readonly deviceBytes: number;
  readonly totalBytes: number;
}

/** The sum of all is asked for so often at most; what came since is added. */
const sumLife = 10_000;

/** All devices together have sent as much as is kept. */
class NoRoom extends TooLarge {}

export interface Receiving {
  /** How many bytes the next file may have; 0: no room is left. */
  room(visit: UploadVisit): Promise<number>;
  /** Rejects as the source does. Nothing of it can be seen before all of it is there. */
  receive(visit: UploadVisit, source: AsyncIterable<Uint8Array>, admissionId: string): Promise<Received>;
}

export function createReceiving(deps: ReceivingDeps): Receiving {
  const { db, clock, deviceBytes, totalBytes } = deps;
  let sum: { bytes: number; at: number } | undefined;
  let arriving = 0;
  const total = async (): Promise<number> => {
    const now = clock.now().getTime();
    if (sum === undefined || now - sum.at > sumLife) {
      const { rows } = await db.query<{ bytes: number }>(usedByAll());
      sum = { bytes: rows[0]?.bytes ?? 0, at: now };
    }
    return sum.bytes + arriving;
  };
  // What is on its way takes room too: many that begin at once must not all be told that there is enough.
  async function* held(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let own = 0;
    try {
      for await (const piece of source) {
        own += piece.length;
        arriving += piece.length;
        if ((sum?.bytes ?? 0) + arriving > totalBytes) throw new NoRoom(`more than ${totalBytes} bytes of all devices`);
        yield piece;
      }
    } finally {
      arriving -= own;
    }
  }
  const room: Receiving['room'] = async (visit) => {
    const left = Math.min(deviceBytes - (await usedBy(db, visit)), totalBytes - (await total()));
    return Math.max(0, Math.min(visit.most, left));
  };
  return {
    room,
    receive: async (visit, source, admissionId) => {
      const most = await room(visit);
      if (most === 0) return { kind: 'quota' };
      let content: Content;
      try {
        content = await deps.store.write(limited(held(source), most));
      } catch (error) {
        if (!(error instanceof TooLarge)) throw error;
        return { kind: most < visit.most || error instanceof NoRoom ? 'quota' : 'too_large' };
      }
      const outcome = await db
        .transaction((tx) => keep(tx, deps, visit, content, admissionId))
        .catch(async (error: unknown) => {
          await deps.store.discard(content).catch(() => undefined);
          throw error;
        });
      if (outcome.kind !== 'received') await deps.store.discard(content).catch(() => undefined);
      else if (sum !== undefined) sum.bytes += content.size;
      return outcome;
    },
  };
}

async function usedBy(on: Queryable, { deviceId, linkId, slot, keep: most }: UploadVisit): Promise<number> {
  const { rows } = await on.query<{ bytes: number }>(usedByDevice(deviceId, linkId, slot, most));
  return rows[0]?.bytes ?? 0;
}

/** From here on it can be seen: all at once, or not at all. */
async function keep(
  tx: Queryable,
  deps: ReceivingDeps,
  visit: UploadVisit,
  content: Content,
  admissionId: string,
): Promise<Received> {
  const { deviceId, linkId, slot, name, fileType } = visit;
  const at = deps.clock.now();
  // Locked, so that two uploads at once are counted one after the other.
  await tx.query(lockDevice(deviceId));
  if (linkId !== null) {
    const now = await judgeVisit({ ...deps, db: tx }, deviceId, linkId, at);
    if (now.kind !== 'upload') return { kind: 'over' };
  }
  if ((await usedBy(tx, visit)) + content.size > deps.deviceBytes) return { kind: 'quota' };
  const { rows: replaced } = await tx.query<{ id: string }>(replaceUploads(deviceId, linkId, slot, visit.keep - 1));
  for (const { id } of replaced) await tx.query(deleteContent(id));
  const id = uuidv7(deps.clock);
  await tx.query(insertUpload({ deviceId, id, transferId: linkId, slot, name, fileType, content, admissionId, at }));
  if (linkId !== null) await tx.query(noteReceived(deviceId, linkId, content, id, at));
  return { kind: 'received', uploadId: id, content };
}
