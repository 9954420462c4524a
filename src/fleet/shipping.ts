import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import type { DeviceFilter } from './listing.ts';
import { exportPage } from './listing-queries.ts';
import type { By } from './register.ts';
import type { FileRow } from './shipping-file.ts';
import {
  type BatchResult,
  importBatch,
  type ImportCounts,
  importInTransaction,
  type InTransaction,
} from './shipping-import.ts';
import { type ImportAnchor, type ImportRow, importRow, type ShippingRecord } from './shipping-record.ts';

export interface ImportOptions {
  /** Undefined: anchors are not known here. */
  readonly anchors?: readonly ImportAnchor[] | undefined;
  /** Serials that an earlier file gave are taken back where this one has others. */
  readonly correct?: boolean;
  /** Everything is judged, in one transaction that is undone at the end. */
  readonly dryRun?: boolean;
  /** Told of each row that was not taken, in no certain order. */
  readonly onRejected?: (row: FileRow, reason: string) => void | Promise<void>;
  /** Told after each batch. */
  readonly onProgress?: (counts: Readonly<ImportCounts>) => void;
  /** In the transaction of each batch, before it is committed; behind a dry run's. Instead of the two above. */
  readonly inTransaction?: (tx: Queryable, batch: ImportedBatch) => Promise<void>;
  /** Where an import that was broken off goes on. */
  readonly from?: { readonly line: number; readonly counts: Readonly<ImportCounts> };
}

export interface Rejection {
  readonly row: FileRow;
  readonly reason: string;
}

export interface ImportedBatch {
  /** Of the whole import, this batch included. */
  readonly counts: Readonly<ImportCounts>;
  /** The last line that is done. */
  readonly line: number;
  readonly rejected: readonly Rejection[];
}

/** Shipping files in, the register out: the same columns both ways. */
export interface Shipping {
  /** Idempotent: what is as the file says stays untouched. Each batch of 1 000 rows is one transaction. */
  import(rows: AsyncIterable<FileRow>, by: By, options?: ImportOptions): Promise<ImportCounts>;
  /** Pages of the register, devices in the order of their ids, in constant memory; retired ones only where asked for. */
  export(filter: DeviceFilter): AsyncGenerator<readonly ShippingRecord[]>;
}

const rowsABatch = 1000;
const devicesAPage = 2000;

class DryRun extends Error {}

export function createShipping(deps: { readonly db: Database; readonly clock: Clock }): Shipping {
  const { db, clock } = deps;
  return {
    import: async (rows, by, options = {}) => {
      if (options.dryRun !== true)
        return eachBatch(rows, options, (batch, inside) =>
          importInTransaction(deps, batch, by, inside, options.correct),
        );
      let counts: ImportCounts | undefined;
      const all = async (tx: Queryable): Promise<never> => {
        counts = await eachBatch(rows, options, async (batch, inside) => {
          const result = await importBatch(tx, batch, by, clock, options.correct);
          await inside(db, result);
          return result;
        });
        throw new DryRun();
      };
      await db.transaction(all).catch((error: unknown) => {
        if (!(error instanceof DryRun)) throw error;
      });
      return counts ?? { ...nothing };
    },
    export: async function* (filter) {
      let after: string | undefined;
      for (;;) {
        const { rows } = await db.query<ShippingRecord>(exportPage(filter, after, devicesAPage));
        if (rows.length === 0) return;
        yield rows;
        after = rows.at(-1)?.device;
      }
    },
  };
}

const nothing: Readonly<ImportCounts> = { created: 0, changed: 0, unchanged: 0, rejected: 0 };

type Run = (rows: readonly ImportRow[], inside: InTransaction) => Promise<BatchResult>;

interface Waiting {
  readonly rows: { readonly row: ImportRow; readonly file: FileRow }[];
  readonly rejected: Rejection[];
  line: number;
}

async function eachBatch(rows: AsyncIterable<FileRow>, options: ImportOptions, run: Run): Promise<ImportCounts> {
  const { from } = options;
  let counts: ImportCounts = { ...(from?.counts ?? nothing) };
  let waiting: Waiting = { rows: [], rejected: [], line: 0 };
  const flush = async (): Promise<void> => {
    counts = await runBatch(waiting, counts, options, run);
    waiting = { rows: [], rejected: [], line: waiting.line };
    options.onProgress?.(counts);
  };
  for await (const file of rows) {
    if (from !== undefined && file.line <= from.line) continue;
    waiting.line = file.line;
    const result =
      file.cells === undefined
        ? { ok: false as const, reason: file.fault ?? 'it cannot be read' }
        : importRow(file.line, file.cells, options.anchors);
    if (result.ok) waiting.rows.push({ row: result.row, file });
    else waiting.rejected.push({ row: file, reason: result.reason });
    if (waiting.rows.length + waiting.rejected.length >= rowsABatch) await flush();
  }
  await flush();
  return counts;
}

/** The batch in its transaction; answers the counts with it. */
async function runBatch(
  { rows, rejected, line }: Waiting,
  before: ImportCounts,
  { inTransaction, onRejected }: ImportOptions,
  run: Run,
): Promise<ImportCounts> {
  if (rows.length + rejected.length === 0) return before;
  const files = new Map(rows.map(({ file }) => [file.line, file]));
  const found: { counts: ImportCounts; rejected: readonly Rejection[] } = { counts: before, rejected: [] };
  await run(
    rows.map(({ row }) => row),
    async (tx, result) => {
      const { created, changed, unchanged } = result.counts;
      found.counts = {
        created: before.created + created,
        changed: before.changed + changed,
        unchanged: before.unchanged + unchanged,
        rejected: before.rejected + result.counts.rejected + rejected.length,
      };
      const refused = result.rejected.map((one) => {
        return { row: files.get(one.line) ?? { line: one.line, original: {} }, reason: one.reason };
      });
      found.rejected = [...rejected, ...refused].sort((one, other) => one.row.line - other.row.line);
      await inTransaction?.(tx, { ...found, line });
    },
  );
  for (const { row, reason } of found.rejected) await onRejected?.(row, reason);
  return found.counts;
}
