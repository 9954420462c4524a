import { styleText } from 'node:util';
import { visibleJson } from '../platform/json-text.ts';

/**
 * Text that a stranger may have written, made safe for a terminal: control characters (ESC, NUL, CR, LF, C1), bidi
 * controls and other invisible format characters appear as \u{…}, and nothing is longer than `limit` characters.
 */
export function printable(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…(${text.length} characters)` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `1 device`, `2 devices`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Colours only where a person looks: never into a pipe, never with NO_COLOR (styleText sees to both). */
export function paint(colour: Colour, text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly limit?: number;
  readonly colour?: (row: Row) => Colour | undefined;
}

/** Rows under titles, each column as wide as its widest cell. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row), column.limit ?? 80)));
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => line[i]?.length ?? 0)),
  );
  const pad = (text: string, i: number): string => (i === columns.length - 1 ? text : text.padEnd(widths[i] ?? 0));
  const head = columns.map((column, i) => pad(column.title, i)).join('  ');
  const body = cells.map((line, r) =>
    line
      .map((cell, i) => {
        const row = rows[r];
        const colour = row === undefined ? undefined : columns[i]?.colour?.(row);
        return colour === undefined ? pad(cell, i) : paint(colour, pad(cell, i));
      })
      .join('  '),
  );
  return [paint('bold', head), ...body].join('\n');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON document a line, safe to look at. */
export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(value))}\n`);
}
