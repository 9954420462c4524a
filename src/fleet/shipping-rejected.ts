import type { Rejection } from './shipping.ts';
import { csvLines } from './shipping-file.ts';

export interface RejectedText {
  /** CSV. */
  readonly text: string;
  /** Those of the first rejected row, for the rows that follow; undefined before there is one. */
  readonly headers: readonly string[] | undefined;
}

/**
 * Lines of the file of rejected rows: what stood there, with its line and the reason, to be mended and imported again.
 * The line of headers goes before the first row.
 */
export function rejectedText(rejected: readonly Rejection[], begun: readonly string[] | undefined): RejectedText {
  const [first] = rejected;
  if (first === undefined) return { text: '', headers: begun };
  const headers = begun ?? Object.keys(first.row.original);
  const head = begun === undefined ? [['line', 'reason', ...headers]] : [];
  return { text: csvLines([...head, ...rejected.map((one) => cellsOf(one, headers))]), headers };
}

function cellsOf({ row: { line, original }, reason }: Rejection, headers: readonly string[]): readonly string[] {
  const cells = headers.every((header) => original[header] !== undefined)
    ? headers.map((header) => original[header] ?? '')
    : [Object.values(original).join(' ')];
  return [String(line), reason, ...cells];
}
