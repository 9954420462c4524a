import type { Logger } from 'pino';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import type { Suspect } from '../suspicions.ts';
import type { ByteRange, ContentStore } from './content.ts';
import type { OpenContent } from './content-blocks.ts';
import type { ContentCache } from './content-cache.ts';
import { noteReceiving, noteSent, noteVisit } from './door-queries.ts';
import {
  type DownloadVisit,
  judgeVisit,
  slotVisit,
  type UploadVisit,
  type Visit,
  type VisitDeps,
} from './file-visit.ts';
import type { TransferMetrics } from './transfer-metrics.ts';
import type { Received, Receiving } from './upload-receiving.ts';

/** Why a transfer broke off, as it is kept. */
export type TransferFailure = 'aborted' | 'too_slow' | 'too_large' | 'quota' | 'over' | 'unreadable' | 'internal';

/** Whose request it is; an Admission has both. */
export interface Visitor {
  readonly id: string;
  readonly deviceId: string;
  readonly fingerprint: string;
  readonly handshake: { readonly remoteAddress: string };
}

/** What the file door of a listener stands on: who may have what, the bytes, and the record of what went through. */
export interface FileDoor {
  readonly limits: { readonly leastRate: number; readonly patience: number; readonly transferTime: number };
  /** A place among the transfers of this node and of the device, until it is left; undefined: there is none. */
  enter(deviceId: string): (() => void) | undefined;
  /** Judged at every request. */
  visit(visitor: Visitor, linkId: string): Promise<Visit>;
  /** A slot of the configuration, and the name that the device gives its file. */
  slot(visitor: Visitor, slot: string, name: string): Visit;
  /** Of the node's cache, or of the store where a file is too large for it. */
  open(visit: DownloadVisit): Promise<OpenContent | undefined>;
  read(visit: DownloadVisit, range: ByteRange): AsyncIterable<Buffer>;
  /** `goesOnAt`: the first byte of a range whose If-Range names our ETag. */
  began(visit: DownloadVisit | UploadVisit, goesOnAt?: number): Promise<void>;
  /** Bytes from `from` to before `to` have gone out. `failure`: it ended here, and not as it should. */
  sent(visit: DownloadVisit, from: number, to: number, failure?: TransferFailure | 'under_way'): Promise<void>;
  /** So many have come so far. */
  receiving(visit: UploadVisit, bytes: number, failure?: TransferFailure): Promise<void>;
  room(visit: UploadVisit): Promise<number>;
  receive(visit: UploadVisit, source: AsyncIterable<Uint8Array>, visitor: Visitor): Promise<Received>;
}

export interface FileDoorDeps extends VisitDeps {
  readonly limits: FileDoor['limits'] & { readonly transfersAtOnce: number; readonly transfersPerDevice: number };
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: ContentStore;
  readonly cache: ContentCache;
  readonly receiving: Receiving;
  readonly metrics: TransferMetrics;
  readonly suspect?: Suspect | undefined;
}

export function createFileDoor(deps: FileDoorDeps): FileDoor {
  const { db, clock, store, cache, receiving, metrics } = deps;
  // What is known of a transfer is worth a line, not the transfer itself.
  const note = async (query: Parameters<Database['query']>[0]): Promise<void> => {
    await db.query(query).catch((error: unknown) => {
      deps.logger.warn({ err: error }, 'the course of a transfer could not be written down');
    });
  };
  return {
    limits: deps.limits,
    enter: createPlaces(deps.limits),
    visit: async (visitor, linkId) => {
      const visit = await judgeVisit(deps, visitor.deviceId, linkId, clock.now());
      if (visit.kind === 'refused' && visit.holder !== undefined) suspectCopy(deps, visitor, linkId, visit.holder);
      return visit;
    },
    slot: ({ deviceId }, slot, name) => slotVisit(deps, deviceId, slot, name),
    open: ({ content }) => cache.open(content),
    read: ({ content }, range) => store.read(content, range),
    began: async ({ deviceId, linkId }, goesOnAt = 0) => {
      if (linkId !== null) await note(noteVisit(deviceId, linkId, goesOnAt, clock.now()));
    },
    sent: async (visit, from, to, failure) => {
      const { deviceId, linkId, content } = visit;
      const whole = failure === undefined && to >= content.size;
      if (whole) metrics.outcome('download', 'fetched');
      // While it is under way the last byte does not count: it may still be on its way through our own buffers.
      const reached = failure === 'under_way' ? Math.min(to, content.size - 1) : to;
      await note(noteSent(deviceId, linkId, from, reached, failure ?? null, clock.now()));
    },
    receiving: async ({ deviceId, linkId }, bytes, failure) => {
      if (linkId !== null) await note(noteReceiving(deviceId, linkId, bytes, failure ?? 'under_way', clock.now()));
    },
    room: (visit) => receiving.room(visit),
    receive: async (visit, source, { id }) => {
      const received = await receiving.receive(visit, source, id);
      if (received.kind === 'received') metrics.outcome('upload', 'received');
      return received;
    },
  };
}

function createPlaces({ transfersAtOnce, transfersPerDevice }: FileDoorDeps['limits']): FileDoor['enter'] {
  let inside = 0;
  const byDevice = new Map<string, number>();
  return (deviceId) => {
    const own = byDevice.get(deviceId) ?? 0;
    if (inside >= transfersAtOnce || own >= transfersPerDevice) return undefined;
    inside += 1;
    byDevice.set(deviceId, own + 1);
    return () => {
      inside -= 1;
      const left = (byDevice.get(deviceId) ?? 1) - 1;
      if (left > 0) byDevice.set(deviceId, left);
      else byDevice.delete(deviceId);
    };
  };
}

/** A link of one device in the hands of another: somebody has copied it, or hems has sent it to the wrong one. */
function suspectCopy({ suspect }: FileDoorDeps, visitor: Visitor, link: string, holder: string): void {
  const { deviceId, fingerprint, handshake } = visitor;
  const evidence = { link, holder, address: handshake.remoteAddress, fingerprint };
  suspect?.({ deviceId, kind: 'foreign_file_link', evidence });
}
