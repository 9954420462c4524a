import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import type { DeviceFilter } from './listing.ts';
import { countInStates, exportPage, listIds } from './listing-queries.ts';
import type { By, Problem } from './register.ts';
import { type BulkMove, moveDevices } from './register-moves.ts';
import { approveDevice } from './register-states.ts';
import type { ShippingRecord } from './shipping-record.ts';
import { statesBefore } from './transitions.ts';

/** What may be done to all devices of a filter at once. */
export type ManyMove = Exclude<BulkMove, 'handover'> | 'approve';

export interface BatchReport {
  /** Devices moved so far. */
  readonly moved: number;
}

export interface ManyResult {
  readonly moved: number;
  /** Devices left as they are, with the reason; at most 100 are named. */
  readonly left: readonly Problem[];
}

/** Writes the records of a batch and resolves when they are where they belong; the devices are retired then. */
export type RecordsWriter = (records: readonly ShippingRecord[]) => Promise<void>;

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
}

export const devicesABatch = 500;
export const mostNamed = 100;

/** How many devices of the filter a move concerns: the dry run. */
export async function countForMove(
  db: Pick<Database, 'query'>,
  move: ManyMove | 'handover',
  filter: DeviceFilter,
): Promise<number> {
  return countWithin(db, filter, statesBefore(move));
}

/** Of the devices of the filter those in one of the states. */
export async function countWithin(
  db: Pick<Database, 'query'>,
  filter: DeviceFilter,
  states: readonly string[],
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(countInStates(filter, states));
  return rows[0]?.count ?? 0;
}

/** Pages by id, behind `begin`, so that a device is visited once whatever the work does to the filter. */
export async function* idPages(
  db: Database,
  filter: DeviceFilter,
  states: readonly string[],
  begin?: string,
): AsyncGenerator<readonly string[]> {
  let after = begin;
  do {
    const { rows } = await db.query<{ deviceId: string }>(listIds(filter, states, after, devicesABatch));
    const ids = rows.map(({ deviceId }) => deviceId);
    if (ids.length > 0) yield ids;
    after = ids.length === devicesABatch ? ids.at(-1) : undefined;
  } while (after !== undefined);
}

/** One batch, in the transaction of the caller. */
export async function moveBatch(
  tx: Queryable,
  move: ManyMove,
  ids: readonly string[],
  by: By,
  at: Date,
): Promise<ManyResult> {
  if (move === 'approve') return approveBatch(tx, ids, by, at);
  return { moved: (await moveDevices(tx, move, ids, by, at)).length, left: [] };
}

export interface ManyInput {
  readonly move: ManyMove;
  readonly filter: DeviceFilter;
  readonly by: By;
  readonly onBatch?: ((batch: BatchReport) => void) | undefined;
}

export async function moveMany({ db, clock }: Deps, { move, filter, by, onBatch }: ManyInput): Promise<ManyResult> {
  let moved = 0;
  const left: Problem[] = [];
  for await (const ids of idPages(db, filter, statesBefore(move))) {
    const batch = await db.transaction((tx) => moveBatch(tx, move, ids, by, clock.now()));
    moved += batch.moved;
    left.push(...batch.left.slice(0, mostNamed - left.length));
    onBatch?.({ moved });
  }
  return { moved, left };
}

/** A device with several keys that wait needs a person's eye, and is left. */
async function approveBatch(tx: Queryable, ids: readonly string[], by: By, at: Date): Promise<ManyResult> {
  const left: Problem[] = [];
  for (const id of ids) {
    const result = await approveDevice(tx, id, by, at);
    if (!result.ok) left.push(result.problem);
  }
  return { moved: ids.length - left.length, left };
}

export interface HandOver {
  readonly filter: DeviceFilter;
  readonly by: By;
  readonly write: RecordsWriter;
}

export async function handOver({ db, clock }: Deps, { filter, by, write }: HandOver): Promise<ManyResult> {
  let moved = 0;
  let after: string | undefined;
  for (;;) {
    const { rows } = await db.query<ShippingRecord>(exportPage(filter, after, devicesABatch));
    if (rows.length === 0) return { moved, left: [] };
    await write(rows);
    const ids = [...new Set(rows.map(({ device }) => device))];
    moved += (await db.transaction((tx) => moveDevices(tx, 'handover', ids, by, clock.now()))).length;
    after = ids.at(-1);
  }
}
