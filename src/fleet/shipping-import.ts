import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import type { By } from './register.ts';
import { add, Refused } from './register-adding.ts';
import type { ImportRow } from './shipping-record.ts';
import * as queries from './shipping-queries.ts';

export interface ImportCounts {
  /** New devices. */
  created: number;
  /** Devices that were there and are now otherwise: a further identity, serial, tags, site, note, certificate. */
  changed: number;
  unchanged: number;
  rejected: number;
}

export interface RejectedRow {
  readonly line: number;
  readonly reason: string;
}

export interface BatchResult {
  readonly counts: ImportCounts;
  readonly rejected: readonly RejectedRow[];
}

interface Batch {
  readonly tx: Queryable;
  readonly by: By;
  readonly at: Date;
  readonly clock: Clock;
  readonly correct: boolean;
  readonly counts: ImportCounts;
  readonly rejected: RejectedRow[];
}

/** Rows in the order of the file. Most are new, or as they were, and cost no statement of their own. */
export async function importBatch(
  tx: Queryable,
  rows: readonly ImportRow[],
  by: By,
  clock: Clock,
  correct = false,
): Promise<BatchResult> {
  const counts = { created: 0, changed: 0, unchanged: 0, rejected: 0 };
  const batch: Batch = { tx, by, at: clock.now(), clock, correct, counts, rejected: [] };
  const standings = await standingsOf(tx, rows);
  const seen = new Set<string>();
  const fresh: queries.NewRow[] = [];
  const described: queries.NewRow[] = [];
  const single: ImportRow[] = [];
  for (const [i, row] of rows.entries()) {
    const standing = standings.get(i + 1);
    // What depends on another row of the batch is done row by row, behind the others.
    const keys = keysOf(row);
    const crossing = keys.some((key) => seen.has(key));
    for (const key of keys) seen.add(key);
    switch (crossing ? 'single' : courseOf(row, standing)) {
      case 'create':
        fresh.push({ id: row.device ?? uuidv7(clock), row });
        break;
      case 'describe':
        described.push({ id: standing?.owner ?? '', row });
        break;
      case 'nothing':
        counts.unchanged += 1;
        break;
      case 'single':
        single.push(row);
    }
  }
  if (fresh.length > 0) await tx.query(queries.insertImported(fresh, by, batch.at));
  if (described.length > 0) await tx.query(queries.describeImported(described, by, batch.at));
  counts.created += fresh.length;
  counts.changed += described.length;
  for (const row of single) await importSingle(batch, row);
  return { counts, rejected: batch.rejected };
}

async function standingsOf(tx: Queryable, rows: readonly ImportRow[]): Promise<Map<number, queries.StandingRow>> {
  const found = await tx.query<queries.StandingRow>(queries.rowStandings(rows));
  return new Map(found.rows.map((standing) => [standing.i, standing]));
}

function keysOf({ identity, serial, device }: ImportRow): readonly string[] {
  return [
    `i ${identity.anchor} ${identity.value}`,
    ...(serial === undefined ? [] : [`s ${serial.oui} ${serial.serialNumber}`]),
    ...(device === undefined ? [] : [`d ${device}`]),
  ];
}

type Course = 'create' | 'describe' | 'nothing' | 'single';

function courseOf(row: ImportRow, standing: queries.StandingRow | undefined): Course {
  if (standing === undefined) return 'single';
  if (standing.owner === null) return standing.named || standing.otherHolders > 0 ? 'single' : 'create';
  if (standing.state === 'retired' || standing.otherHolders > 0) return 'single';
  if (row.device !== undefined && row.device !== standing.owner) return 'single';
  if (!sameSerial(row, standing)) return 'single';
  return sameDescription(row, standing) ? 'nothing' : 'describe';
}

function sameSerial({ serial }: ImportRow, standing: queries.StandingRow): boolean {
  if (serial === undefined) return true;
  const { oui, productClass, serialNumber, serialProvenance } = standing;
  return (
    serialProvenance === 'imported' &&
    oui === serial.oui &&
    productClass === serial.productClass &&
    serialNumber === serial.serialNumber
  );
}

function sameDescription(row: ImportRow, standing: queries.StandingRow): boolean {
  return (
    standing.fingerprintKnown &&
    (row.tags === undefined || row.tags.join(';') === standing.tags?.join(';')) &&
    (row.site === undefined || queries.siteOf(row) === standing.site) &&
    (row.note === undefined || queries.noteOf(row) === standing.note)
  );
}

/** A row that touches what is there: judged like a person's `device add`, and undone alone when refused. */
async function importSingle(batch: Batch, row: ImportRow): Promise<void> {
  const { tx, by, at, clock, correct, counts } = batch;
  await tx.query(queries.savepoint);
  try {
    const input = {
      identity: row.identity,
      ...(row.device !== undefined && { deviceId: row.device, create: true }),
      ...(row.serial !== undefined && { serial: row.serial, correct }),
      ...(row.note !== undefined && { note: row.note }),
    };
    const added = await add(tx, { input, by, fresh: row.device ?? uuidv7(clock), at });
    if (!added.ok) throw new Refused(added.problem);
    const [standing] = (await tx.query<queries.StandingRow>(queries.rowStandings([row]))).rows;
    const described = standing !== undefined && !sameDescription(row, standing);
    if (described) await tx.query(queries.describeImported([{ id: added.deviceId, row }], by, at));
    await tx.query(queries.releaseSavepoint);
    counts[added.created ? 'created' : added.changed || described ? 'changed' : 'unchanged'] += 1;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await tx.query(queries.rollbackToSavepoint);
    counts.rejected += 1;
    batch.rejected.push({ line: row.line, reason: error.problem.message });
  }
}

/** Whoever bound the same identity or serial in the same moment did so for good: look again. */
function isCrossing(error: unknown): boolean {
  return ['23505', '40P01'].includes(String((error as { code?: unknown }).code ?? ''));
}

/** What else belongs into the transaction of a batch. */
export type InTransaction = (tx: Queryable, result: BatchResult) => Promise<void>;

export async function importInTransaction(
  deps: { readonly db: Database; readonly clock: Clock },
  rows: readonly ImportRow[],
  by: By,
  inside: InTransaction,
  correct = false,
): Promise<BatchResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.db.transaction(async (tx) => {
        const result = await importBatch(tx, rows, by, deps.clock, correct);
        await inside(tx, result);
        return result;
      });
    } catch (error) {
      if (attempt >= 3 || !isCrossing(error)) throw error;
    }
  }
}
