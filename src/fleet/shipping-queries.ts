import type { Query } from '../platform/postgres.ts';
import type { By } from './register.ts';
import { reasonOf } from './register-moves-queries.ts';
import type { ImportRow } from './shipping-record.ts';
import { strangersText } from './strangers-text.ts';

/** How the register stands to a row of a shipping file. */
export interface StandingRow {
  /** Index of the row asked for, from 1. */
  i: number;
  /** Who has the identity. */
  owner: string | null;
  state: string | null;
  tags: string[] | null;
  site: string | null;
  note: string | null;
  oui: string | null;
  productClass: string | null;
  serialNumber: string | null;
  serialProvenance: 'imported' | 'learnt' | null;
  /** The certificate named is expected already, or approved. */
  fingerprintKnown: boolean;
  /** Others who hold OUI and serial. */
  otherHolders: number;
  /** The device named is there. */
  named: boolean;
}

export function rowStandings(rows: readonly ImportRow[]): Query {
  return {
    name: 'fleet_row_standings',
    text: `select r.i::int as i, l.device_id as owner, d.state, d.tags, d.site, d.note, d.oui, d.product_class as "productClass",
                  d.serial_number as "serialNumber", d.serial_provenance as "serialProvenance",
                  r.fingerprint is null or l.device_id is not null and (
                    exists (select from device_identities i where i.device_id = l.device_id and i.anchor = r.anchor
                       and i.kind = r.kind and i.value = r.value and i.expected_fingerprint = decode(r.fingerprint, 'hex'))
                    or exists (select from device_certificates c where c.device_id = l.device_id
                       and c.fingerprint = decode(r.fingerprint, 'hex') and c.anchor = r.anchor and c.kind = r.kind
                       and c.value = r.value and c.state = 'approved')) as "fingerprintKnown",
                  (select count(*) from device_serials s where s.oui = r.oui and s.serial_number = r.serial_number
                      and s.device_id is distinct from l.device_id) as "otherHolders",
                  exists (select from devices n where n.id = r.device) as named
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[])
                    with ordinality as r (anchor, kind, value, oui, serial_number, device, fingerprint, i)
             left join identity_lookup l on l.anchor = r.anchor and l.kind = r.kind and l.value = r.value
             left join devices d on d.id = l.device_id`,
    values: [
      rows.map(({ identity }) => identity.anchor),
      rows.map(({ identity }) => identity.kind),
      rows.map(({ identity }) => identity.value),
      rows.map(({ serial }) => serial?.oui ?? null),
      rows.map(({ serial }) => (serial === undefined ? null : strangersText(serial.serialNumber, 256))),
      rows.map(({ device }) => device ?? null),
      rows.map(({ fingerprint }) => fingerprint ?? null),
    ],
  };
}

export interface NewRow {
  readonly id: string;
  readonly row: ImportRow;
}

/** Whole devices with identity, serial and audit row, in one statement. Unique violations undo it as a whole. */
export function insertImported(rows: readonly NewRow[], by: By, at: Date): Query {
  return {
    name: 'fleet_insert_imported',
    text: `with r as materialized (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
               as r (id, anchor, kind, value, oui, product_class, serial_number, fingerprint, tags, site, note, after)
           ), looked as (
             insert into identity_lookup (anchor, kind, value, device_id) select anchor, kind, value, id from r
           ), made as (
             insert into devices (id, state, state_since, origin, registered_anchor, registered_at, oui, product_class,
                                  serial_number, serial_provenance, serial_since, tags, site, note)
             select id, 'expected', $13::timestamptz, 'operator', anchor, $13::timestamptz, oui, product_class, serial_number,
                    case when oui is null then null else 'imported' end, case when oui is null then null else $13::timestamptz end,
                    string_to_array(tags, ';'), site, note
               from r
           ), linked as (
             insert into device_identities (device_id, anchor, kind, value, linked_at, linked_by, expected_fingerprint)
             select id, anchor, kind, value, $13::timestamptz, $15::text, decode(fingerprint, 'hex') from r
           ), bound as (
             insert into device_serials (oui, product_class, serial_number, device_id, provenance, since)
             select oui, product_class, serial_number, id, 'imported', $13::timestamptz from r where oui is not null
           )
           insert into changes (device_id, at, id, actor_kind, actor, action, after, reason)
           select id, $13::timestamptz, uuid_v7($13::timestamptz), $14::text, $15::text, 'add', after::jsonb, $16::text from r`,
    values: [
      rows.map(({ id }) => id),
      ...importedColumns(rows),
      at,
      by.actor.kind,
      strangersText(by.actor.name, 512),
      reasonOf(by),
    ],
  };
}

function importedColumns(rows: readonly NewRow[]): unknown[] {
  const of = (pick: (row: ImportRow) => string | undefined) => rows.map(({ row }) => pick(row) ?? null);
  return [
    of(({ identity }) => identity.anchor),
    of(({ identity }) => identity.kind),
    of(({ identity }) => identity.value),
    of(({ serial }) => serial?.oui),
    of(({ serial }) => (serial === undefined ? undefined : strangersText(serial.productClass, 256))),
    of(({ serial }) => (serial === undefined ? undefined : strangersText(serial.serialNumber, 256))),
    of(({ fingerprint }) => fingerprint),
    of(({ tags }) => tags?.join(';') ?? ''),
    of(siteOf),
    of(noteOf),
    of((row) => JSON.stringify({ state: 'expected', ...saidOf(row) })),
  ];
}

export function siteOf({ site }: ImportRow): string | undefined {
  return site === undefined ? undefined : strangersText(site, 200);
}

export function noteOf({ note }: ImportRow): string | undefined {
  return note === undefined ? undefined : strangersText(note, 2000);
}

/** What a row said, for the audit. */
function saidOf(row: ImportRow): Record<string, unknown> {
  const { identity, serial, fingerprint, tags } = row;
  const [site, note] = [siteOf(row), noteOf(row)];
  return {
    anchor: identity.anchor,
    identity: identity.value,
    ...(serial !== undefined && {
      oui: serial.oui,
      productClass: strangersText(serial.productClass, 256),
      serialNumber: strangersText(serial.serialNumber, 256),
    }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(tags !== undefined && { tags }),
    ...(site !== undefined && { site }),
    ...(note !== undefined && { note }),
  };
}

/** Tags, site, note and the certificate expected, as far as a row says them, of devices that the register has. */
export function describeImported(rows: readonly NewRow[], by: By, at: Date): Query {
  return {
    name: 'fleet_describe_imported',
    text: `with r as materialized (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                  $8::text[], $9::text[])
               as r (id, anchor, kind, value, fingerprint, tags, site, note, after)
           ), expected as (
             update device_identities i set expected_fingerprint = decode(r.fingerprint, 'hex')
               from r where r.fingerprint is not null and i.device_id = r.id and i.anchor = r.anchor and i.kind = r.kind
                and i.value = r.value
           ), described as (
             update devices d set tags = coalesce(string_to_array(r.tags, ';'), d.tags), site = coalesce(r.site, d.site),
                    note = coalesce(r.note, d.note)
               from r, devices old where d.id = r.id and old.id = r.id
             returning d.id, jsonb_build_object('tags', old.tags, 'site', old.site, 'note', old.note) as before, r.after
           )
           insert into changes (device_id, at, id, actor_kind, actor, action, before, after, reason)
           select id, $10::timestamptz, uuid_v7($10::timestamptz), $11::text, $12::text, 'describe', before, after::jsonb, $13::text from described`,
    values: [
      rows.map(({ id }) => id),
      rows.map(({ row }) => row.identity.anchor),
      rows.map(({ row }) => row.identity.kind),
      rows.map(({ row }) => row.identity.value),
      rows.map(({ row }) => row.fingerprint ?? null),
      rows.map(({ row }) => row.tags?.join(';') ?? null),
      rows.map(({ row }) => siteOf(row) ?? null),
      rows.map(({ row }) => noteOf(row) ?? null),
      rows.map(({ row }) => JSON.stringify(saidOf(row))),
      at,
      by.actor.kind,
      strangersText(by.actor.name, 512),
      reasonOf(by),
    ],
  };
}

export const savepoint: Query = { text: 'savepoint import_row' };
export const releaseSavepoint: Query = { text: 'release savepoint import_row' };
export const rollbackToSavepoint: Query = { text: 'rollback to savepoint import_row' };
