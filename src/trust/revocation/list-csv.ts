import { CsvError, parse } from 'csv-parse/sync';
import {
  distinguishedNameKey,
  fingerprintKey,
  identityKey,
  issuerSerialKey,
  type ListEntry,
  reasonOf,
  serialNumberOf,
} from './operator-list.ts';

export interface CsvFault {
  readonly line: number;
  readonly cause: string;
}

export type CsvResult =
  | { readonly ok: true; readonly entries: readonly ListEntry[] }
  | { readonly ok: false; readonly faults: readonly CsvFault[] };

export const listColumns = ['issuer', 'serial', 'fingerprint', 'identity', 'reason', 'revoked_at', 'note'] as const;

type Row = Readonly<Partial<Record<(typeof listColumns)[number], string>>>;

const mostFaults = 20;

/**
 * A CSV file with a header: each row names a certificate by `issuer` and `serial`, by `fingerprint` (SHA-256), or every
 * certificate of an `identity`; `reason` as in RFC 5280 5.3.1, `revoked_at` and `note` may be there. All rows or none.
 */
export function readListCsv(text: string, at: Date): CsvResult {
  let rows: { record: Row; info: { lines: number } }[];
  try {
    rows = parse(text, {
      bom: true,
      columns: (names: string[]) => names.map(columnName),
      skip_empty_lines: true,
      trim: true,
      max_record_size: 16_384,
      info: true,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { ok: false, faults: [{ line: Number(error.lines ?? 1), cause: error.message }] };
  }
  const names = Object.keys(rows[0]?.record ?? {});
  const unknown = names.filter((name) => !listColumns.some((column) => column === name));
  if (unknown.length > 0)
    return {
      ok: false,
      faults: [{ line: 1, cause: `unknown column ${unknown.join(', ')}; known are ${listColumns.join(', ')}` }],
    };
  if (rows.length === 0) return { ok: false, faults: [{ line: 1, cause: 'there is no row behind the header' }] };
  const entries: ListEntry[] = [];
  const faults: CsvFault[] = [];
  for (const { record, info } of rows) {
    const entry = entryOf(record, at);
    if (typeof entry !== 'string') entries.push(entry);
    else if (faults.length < mostFaults) faults.push({ line: info.lines, cause: entry });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, entries };
}

function columnName(name: string): string {
  const plain = name.trim().toLowerCase().replaceAll(/[\s-]/g, '_');
  const aliases: Record<string, string> = {
    serial_number: 'serial',
    sha256: 'fingerprint',
    sha256_fingerprint: 'fingerprint',
    revocation_date: 'revoked_at',
    comment: 'note',
  };
  return aliases[plain] ?? plain;
}

/** The entry, or what is wrong with the row. */
function entryOf(row: Row, at: Date): ListEntry | string {
  const named = [row.fingerprint, row.identity, row.serial].filter((value) => value !== undefined && value !== '');
  if (named.length !== 1) return 'names no certificate, or several: issuer and serial, or fingerprint, or identity';
  const reason = row.reason === undefined || row.reason === '' ? 'unspecified' : reasonOf(row.reason);
  if (reason === undefined) return `there is no reason ${JSON.stringify(row.reason)} in RFC 5280 5.3.1`;
  const revokedAt = row.revoked_at === undefined || row.revoked_at === '' ? at : new Date(row.revoked_at);
  if (!(revokedAt.getTime() > 0)) return `${JSON.stringify(row.revoked_at)} is no time; write 2026-01-31T12:00:00Z`;
  const what = keyOf(row);
  if (typeof what === 'string') return what;
  return { ...what, reason, revokedAt, ...(row.note !== undefined && row.note !== '' && { note: row.note }) };
}

function keyOf({ issuer, serial, fingerprint, identity }: Row): Pick<ListEntry, 'kind' | 'key'> | string {
  if (fingerprint !== undefined && fingerprint !== '') {
    const key = fingerprintKey(fingerprint);
    return key === undefined ? 'the fingerprint is not 64 hexadecimal digits (SHA-256)' : { kind: 'fingerprint', key };
  }
  if (identity !== undefined && identity !== '') {
    const key = identityKey(identity);
    return key === undefined ? `${JSON.stringify(identity)} is no device identity` : { kind: 'identity', key };
  }
  const number = serialNumberOf(serial ?? '');
  if (number === undefined) return `${JSON.stringify(serial)} is no serial number in hexadecimal`;
  if (issuer === undefined || distinguishedNameKey(issuer) === '=' || !issuer.includes('='))
    return 'a serial number needs its issuer, such as "CN=Acme Femto CA,O=Acme"';
  return { kind: 'issuer-serial', key: issuerSerialKey(issuer, number) };
}
