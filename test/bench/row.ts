/** One line of the table that `npm run bench` prints. */
export interface Row {
  readonly name: string;
  readonly value: string;
  /** Against the yardstick named in the note. */
  readonly ratio?: string;
  /** What it was held against, or what was asked for. */
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function printRows(title: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ name }) => name.length));
  process.stdout.write(`\n${title}\n`);
  for (const { name, value, ratio, note } of rows)
    process.stdout.write(
      `  ${name.padEnd(width)}  ${value.padStart(12)}  ${(ratio ?? '').padStart(7)}  ${note ?? ''}\n`,
    );
}
