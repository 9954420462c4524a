import { JobFailure, type JobRun, type JobWork } from '../../platform/job-runner.ts';
import { readShipping, ShippingFileError } from '../shipping-file.ts';
import type { ImportCounts } from '../shipping-import.ts';
import type { ImportAnchor } from '../shipping-record.ts';
import type { Shipping } from '../shipping.ts';
import { rejectedText } from '../shipping-rejected.ts';
import { byOf, type ImportInput } from './job-input.ts';

interface Position {
  readonly line: number;
  /** Headers of the file of rejected rows, once it has begun. */
  readonly headers?: readonly string[];
}

interface Deps {
  readonly shipping: Shipping;
  readonly anchors: readonly ImportAnchor[];
}

/** A shipping file that was uploaded. Rows that are not taken are the output, with the reason of each. */
export function importJob({ shipping, anchors }: Deps): JobWork {
  return async (run) => {
    const input = run.job.input as ImportInput;
    const position = run.job.position as Position | null;
    // A dry run that was broken off begins anew: what it had judged is undone.
    const from =
      position === null || input.dryRun === true
        ? undefined
        : { line: position.line, counts: run.job.result as unknown as ImportCounts };
    const headers = createHeaders(from === undefined ? undefined : position?.headers);
    const read = { bytes: 0 };
    try {
      const counts = await shipping.import(readShipping(counted(run, read), input), byOf(run.job), {
        anchors,
        dryRun: input.dryRun === true,
        correct: input.correct === true,
        ...(from !== undefined && { from }),
        inTransaction: async (tx, batch) => {
          const lines = rejectedText(batch.rejected, headers.before(batch.line));
          headers.keep(batch.line, lines.headers);
          if (lines.text !== '') await run.write(Buffer.from(lines.text), tx);
          const where = { line: batch.line, ...(lines.headers && { headers: lines.headers }) };
          await run.advance({ done: read.bytes, position: where, result: batch.counts }, tx);
        },
      });
      return { ...counts };
    } catch (error) {
      if (error instanceof ShippingFileError) throw new JobFailure(`${error.message}; ${error.remedy}`);
      throw error;
    }
  };
}

/** How much of the file has been read. */
async function* counted(run: JobRun, read: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const bytes of run.input()) {
    read.bytes += bytes.length;
    yield bytes;
  }
}

/** The headers that the rejected rows before a batch had; its transaction may be tried more than once. */
function createHeaders(begun: readonly string[] | undefined) {
  let last: { line: number; before: readonly string[] | undefined; headers: readonly string[] | undefined } | undefined;
  const before = (line: number): readonly string[] | undefined => {
    if (last === undefined) return begun;
    return last.line === line ? last.before : last.headers;
  };
  return {
    before,
    keep: (line: number, headers: readonly string[] | undefined): void => {
      last = { line, before: before(line), headers };
    },
  };
}
