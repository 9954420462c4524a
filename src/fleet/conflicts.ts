import type { Queryable } from '../platform/postgres.ts';
import { recordChange } from './changes.ts';
import * as queries from './conflicts-queries.ts';
import type { By, Problem, StateResult } from './register.ts';
import { announceDevices, reasonOf } from './register-moves-queries.ts';
import { dropSerial, importSerial, serialOf } from './register-queries.ts';
import { lockedDevice } from './register-states.ts';

/** One device claims the serial of another. */
export interface SerialConflict extends queries.ConflictKey {
  readonly holder: string;
  /** claimed: said in an Inform, which was refused. imported_over_learnt: lost to a shipping file. */
  readonly kind: 'claimed' | 'imported_over_learnt';
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly claims: number;
  readonly settledAt: Date | null;
  readonly settledBy: string | null;
  readonly outcome: 'holder' | 'claimant' | null;
  readonly reason: string | null;
}

export interface ConflictPage {
  readonly conflicts: readonly SerialConflict[];
  /** Give it as `after` for the next page; undefined on the last. */
  readonly next: queries.ConflictKey | undefined;
}

const mostListed = 1000;

/** Conflicts that nobody has settled, by claimant. */
export async function listConflicts(
  db: Queryable,
  page: { readonly after?: queries.ConflictKey; readonly limit: number },
): Promise<ConflictPage> {
  const limit = Math.min(Math.max(page.limit, 1), mostListed);
  const { rows } = await db.query<SerialConflict>(queries.openConflicts(page.after, limit + 1));
  const conflicts = rows.slice(0, limit);
  const last = rows.length > limit ? conflicts.at(-1) : undefined;
  return { conflicts, next: last === undefined ? undefined : keyOf(last) };
}

function keyOf({ claimant, oui, productClass, serialNumber }: SerialConflict): queries.ConflictKey {
  return { claimant, oui, productClass, serialNumber };
}

export interface Settling {
  readonly claimant: string;
  /** Needed where the claimant has several open conflicts. */
  readonly serialNumber?: string;
  /** Who has the serial from now on. */
  readonly inFavourOf: 'holder' | 'claimant';
  readonly by: By;
  readonly at: Date;
}

/** A person says whose serial it is. In favour of the claimant it moves, as if imported for it. */
export async function settle(tx: Queryable, input: Settling): Promise<StateResult> {
  const { claimant, by, at } = input;
  const { rows } = await tx.query<SerialConflict>(queries.conflictsOf(claimant));
  const open = rows.filter(
    ({ settledAt, serialNumber }) =>
      settledAt === null && (input.serialNumber === undefined || serialNumber === input.serialNumber),
  );
  const [conflict] = open;
  if (conflict === undefined || open.length > 1) return { ok: false, problem: whichOne(claimant, open) };
  const device = await lockedDevice(tx, claimant);
  if (device === undefined)
    return { ok: false, problem: { kind: 'device_missing', message: `there is no device ${claimant}` } };
  if (input.inFavourOf === 'claimant') await moveSerial(tx, conflict, input);
  await tx.query(
    queries.settleConflict(keyOf(conflict), {
      outcome: input.inFavourOf,
      by: by.actor.name,
      at,
      reason: reasonOf(by),
    }),
  );
  await recordChange(tx, {
    ...{ deviceId: claimant, at, actor: by.actor, action: 'settle_conflict' },
    before: { oui: conflict.oui, serialNumber: conflict.serialNumber, holder: conflict.holder },
    after: { inFavourOf: input.inFavourOf },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
  await tx.query(announceDevices([claimant, conflict.holder]));
  return { ok: true, deviceId: claimant, state: device.state, changed: true };
}

function whichOne(claimant: string, open: readonly SerialConflict[]): Problem {
  if (open.length === 0)
    return { kind: 'no_conflict', message: `device ${claimant} has no open conflict of that kind`, deviceId: claimant };
  const serials = open.map(({ oui, serialNumber }) => `${oui}-${serialNumber}`).join(', ');
  return { kind: 'several_conflicts', message: `name the serial number, of ${serials}`, deviceId: claimant };
}

async function moveSerial(tx: Queryable, conflict: SerialConflict, { claimant, by, at }: Settling): Promise<void> {
  const names = { oui: conflict.oui, productClass: conflict.productClass, serialNumber: conflict.serialNumber };
  const reason = by.reason === undefined ? {} : { reason: by.reason };
  const held = await tx.query<{ oui: string; serial_number: string; product_class: string }>(serialOf(conflict.holder));
  const own = held.rows[0];
  // The holder may have got another serial since.
  if (own?.oui === names.oui && own.serial_number === names.serialNumber) {
    await lockedDevice(tx, conflict.holder);
    await tx.query(dropSerial(conflict.holder));
    await recordChange(tx, {
      ...{ deviceId: conflict.holder, at, actor: by.actor, action: 'lose_serial', ...reason },
      before: own,
      after: { settledFor: claimant },
    });
  }
  await tx.query(dropSerial(claimant));
  await tx.query(importSerial(claimant, names, at));
  await recordChange(tx, {
    ...{ deviceId: claimant, at, actor: by.actor, action: 'import_serial', ...reason },
    after: names,
  });
}
