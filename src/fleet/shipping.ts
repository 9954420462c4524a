import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import type { DeviceFilter } from './listing.ts';
import { exportPage } from './listing-queries.ts';
import type { By } from './register.ts';
import type { FileRow } from './shipping-file.ts';
import { importBatch, type ImportCounts, importInTransaction } from './shipping-import.ts';
import { type ImportAnchor, type ImportRow, importRow, type ShippingRecord } from './shipping-record.ts';

export interface ImportOptions {
  /** Undefined: anchors are not known here. */
  readonly anchors?: readonly ImportAnchor[] | undefined;
  /** Everything is judged, in one transaction that is undone at the end. */
  readonly dryRun?: boolean;
  /** Told of each row that was not taken, in no certain order. */
  readonly onRejected?: (row: FileRow, reason: string) => void | Promise<void>;
  /** Told after each batch. */
  readonly onProgress?: (counts: Readonly<ImportCounts>) => void;
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
      const counts: ImportCounts = { created: 0, changed: 0, unchanged: 0, rejected: 0 };
      if (options.dryRun !== true)
        await eachBatch(rows, counts, options, (batch) => importInTransaction(deps, batch, by));
      else
        await db
          .transaction(async (tx) => {
            await eachBatch(rows, counts, options, (batch) => importBatch(tx, batch, by, clock));
            throw new DryRun();
          })
          .catch((error: unknown) => {
            if (!(error instanceof DryRun)) throw error;
          });
      return counts;
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

type Run = (rows: readonly ImportRow[]) => ReturnType<typeof importBatch>;

async function eachBatch(
  rows: AsyncIterable<FileRow>,
  counts: ImportCounts,
  options: ImportOptions,
  run: Run,
): Promise<void> {
  let batch: { row: ImportRow; file: FileRow }[] = [];
  const reject = async (file: FileRow, reason: string): Promise<void> => {
    await options.onRejected?.(file, reason);
  };
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const { counts: done, rejected } = await run(batch.map(({ row }) => row));
    for (const key of ['created', 'changed', 'unchanged', 'rejected'] as const) counts[key] += done[key];
    const files = new Map(batch.map(({ file }) => [file.line, file]));
    batch = [];
    for (const { line, reason } of rejected) await reject(files.get(line) ?? { line, original: {} }, reason);
    options.onProgress?.(counts);
  };
  for await (const file of rows) {
    const result =
      file.cells === undefined
        ? { ok: false as const, reason: file.fault ?? 'it cannot be read' }
        : importRow(file.line, file.cells, options.anchors);
    if (result.ok) batch.push({ row: result.row, file });
    else {
      counts.rejected += 1;
      await reject(file, result.reason);
    }
    if (batch.length >= rowsABatch) await flush();
  }
  await flush();
  options.onProgress?.(counts);
}
