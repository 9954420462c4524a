import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import { type Cells, cellsOf, type ShippingColumn, type ShippingRecord, shippingColumns } from './shipping-record.ts';

export type ShippingFormat = 'csv' | 'ndjson';

/** A line of the file before anybody judged it. */
export interface FileRow {
  readonly line: number;
  /** What stands there, for the file of rejected rows. */
  readonly original: Readonly<Record<string, string>>;
  readonly cells?: Cells;
  /** Instead of cells: why it cannot be read. */
  readonly fault?: string;
}

export interface ReadOptions {
  readonly format: ShippingFormat;
  /** Our column → the file's header. */
  readonly columns?: Readonly<Partial<Record<ShippingColumn, string>>>;
  /** What every row says that does not say otherwise. */
  readonly defaults?: Cells;
  /** Pass over columns that are none of ours; else they are a fault of the file. */
  readonly ignoreUnknown?: boolean;
}

/** The file as a whole cannot be read. */
export class ShippingFileError extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'ShippingFileError';
    this.remedy = remedy;
  }
}

/** `ProductClass`, `product class` and `PRODUCT_CLASS` are one. */
function plain(header: string): string {
  return header.toLowerCase().replace(/[^a-z0-9]/g, '');
}

const aliases: Readonly<Record<string, ShippingColumn>> = {
  ...Object.fromEntries(shippingColumns.map((column) => [plain(column), column])),
  serial: 'serial_number',
  trustanchor: 'anchor',
  certificatefingerprint: 'fingerprint',
  sha256: 'fingerprint',
  deviceid: 'device',
};

/** Which of our columns a header names; undefined where it names none. */
function columnOf(header: string, { columns = {} }: ReadOptions): ShippingColumn | undefined {
  const mapped = shippingColumns.find(
    (column) => columns[column] !== undefined && plain(columns[column]) === plain(header),
  );
  if (mapped !== undefined) return mapped;
  const alias = aliases[plain(header)];
  return alias !== undefined && columns[alias] === undefined ? alias : undefined;
}

/** Longest row that is read; a longer one is a fault of the file. */
const longestRow = 128 * 1024;

/** The rows of a shipping file in constant memory. Throws ShippingFileError where the file as a whole is no such file. */
export function readShipping(input: AsyncIterable<Uint8Array>, options: ReadOptions): AsyncGenerator<FileRow> {
  return options.format === 'csv' ? readCsv(input, options) : readNdjson(input, options);
}

async function* readCsv(input: AsyncIterable<Uint8Array>, options: ReadOptions): AsyncGenerator<FileRow> {
  let headers: Headers | undefined;
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: longestRow,
    relax_column_count: true,
    // A stray quote spoils its own row; a quote that is never closed would swallow the rest, and ends the import.
    relax_quotes: true,
    skip_empty_lines: true,
  });
  const source = Readable.from(input);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (headers === undefined) headers = checkHeaders(record, options);
      else yield rowOf(info.lines, headers, record, options);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ShippingFileError(
      error.message,
      'mend the file and import it again: rows that were taken already stay as they are',
    );
  }
  if (headers === undefined) throw new ShippingFileError('it is empty', `the first line must name the columns`);
}

/** The file's headers and what each is to us. */
type Headers = readonly { readonly header: string; readonly column: ShippingColumn | undefined }[];

function checkHeaders(headers: readonly string[], options: ReadOptions): Headers {
  const found = headers.map((header) => columnOf(header, options));
  const unknown = headers.filter((header, i) => found[i] === undefined && header.trim() !== '');
  const known = found.filter((column) => column !== undefined);
  const twice = known.find((column, i) => known.indexOf(column) !== i);
  if (twice !== undefined)
    throw new ShippingFileError(`column ${twice} is there twice`, 'name the header that counts: --column OURS=THEIRS');
  const missing = Object.entries(options.columns ?? {}).filter(([column]) => !known.includes(column as ShippingColumn));
  if (missing.length > 0)
    throw new ShippingFileError(
      `there is no column ${missing.map(([, header]) => JSON.stringify(header)).join(', ')}`,
      `the file has ${headers.map((header) => JSON.stringify(header)).join(', ')}`.slice(0, 500),
    );
  if (!known.includes('identity'))
    throw new ShippingFileError(
      'no column names the identity of a device',
      `the first line must name the columns (${shippingColumns.join(', ')}); map others with --column identity=HEADER`,
    );
  if (unknown.length > 0 && options.ignoreUnknown !== true)
    throw new ShippingFileError(
      `there are columns that hems does not know: ${unknown.map((header) => JSON.stringify(header)).join(', ')}`.slice(
        0,
        500,
      ),
      'map them with --column OURS=THEIRS, or pass over them with --ignore-unknown',
    );
  return headers.map((header, i) => ({ header, column: found[i] }));
}

function rowOf(line: number, headers: Headers, record: readonly string[], { defaults }: ReadOptions): FileRow {
  const original = Object.fromEntries(headers.map(({ header }, i) => [header, record[i] ?? '']));
  if (record.length > headers.length) return { line, original, fault: 'it has more cells than the file has columns' };
  const cells: Partial<Record<ShippingColumn, string>> = { ...defaults };
  for (const [i, { column }] of headers.entries()) {
    const text = record[i] ?? '';
    if (column !== undefined && text.trim() !== '') cells[column] = plainFormula(text);
  }
  return { line, original, cells };
}

async function* readNdjson(input: AsyncIterable<Uint8Array>, options: ReadOptions): AsyncGenerator<FileRow> {
  let line = 0;
  for await (const text of linesOf(input)) {
    line += 1;
    if (text.trim() !== '') yield jsonRow(line, text, options);
  }
}

/** Of a line longer than a row may be only so much that it is seen to be: a file of one line is a file too. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const bytes of input) {
    const [first = '', ...others] = decoder.decode(bytes, { stream: true }).split('\n');
    if (line.length <= longestRow) line += first;
    for (const next of others) {
      yield line;
      line = next;
    }
  }
  yield line + decoder.decode();
}

function jsonRow(line: number, text: string, options: ReadOptions): FileRow {
  const original = { row: text.slice(0, 1000) };
  if (text.length > longestRow) return { line, original, fault: `it is longer than ${longestRow} bytes` };
  const value = parsed(text);
  if (value === undefined) return { line, original, fault: 'it is no JSON object' };
  const cells: Partial<Record<ShippingColumn, string>> = { ...options.defaults };
  for (const [key, cell] of Object.entries(value)) {
    const column = columnOf(key, options);
    if (column === undefined && options.ignoreUnknown !== true)
      return { line, original, fault: `${JSON.stringify(key.slice(0, 64))} is no column` };
    if (column === undefined || cell === null || cell === '') continue;
    const list = Array.isArray(cell) && column === 'tags' ? cell.join(';') : cell;
    if (typeof list === 'object') return { line, original, fault: `${column} is neither text nor number` };
    cells[column] = String(list);
  }
  return { line, original, cells };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What a spreadsheet would take for a formula, behind any number of the apostrophes that keep it from doing so. */
const formula = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** OWASP's remedy against formulas in CSV; every apostrophe is undone by `plainFormula`, so that a round trip is exact. */
export function harmlessCell(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

export function plainFormula(text: string): string {
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

/** Lines of CSV, each cell harmless in a spreadsheet. */
export function csvLines(rows: readonly (readonly string[])[]): string {
  return stringify(rows.map((row) => row.map(harmlessCell)));
}

/** What goes before the first record. */
export function shippingHead(format: ShippingFormat): string {
  return format === 'csv' ? csvLines([shippingColumns]) : '';
}

export function shippingText(records: readonly ShippingRecord[], format: ShippingFormat): string {
  if (format === 'csv') return csvLines(records.map((record) => Object.values(cellsOf(record))));
  return records.map((record) => `${JSON.stringify(spoken(record))}\n`).join('');
}

/** What says nothing is left out. */
function spoken(record: ShippingRecord): Partial<ShippingRecord> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== null && (!Array.isArray(value) || value.length > 0)),
  );
}
