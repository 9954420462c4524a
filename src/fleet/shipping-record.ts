import { type DeviceIdentity, parseIdentityName, type SerialNames, speaksFor } from './identity.ts';

/** Columns of a shipping file, in the order in which they are written. */
export const shippingColumns = [
  'device',
  'anchor',
  'identity',
  'oui',
  'product_class',
  'serial_number',
  'fingerprint',
  'tags',
  'site',
  'note',
] as const;

export type ShippingColumn = (typeof shippingColumns)[number];

/** One identity of a device, as the register has it; a device with two identities has two records. */
export interface ShippingRecord {
  readonly device: string;
  readonly anchor: string;
  readonly identity: string;
  readonly oui: string | null;
  readonly product_class: string | null;
  readonly serial_number: string | null;
  readonly fingerprint: string | null;
  readonly tags: readonly string[];
  readonly site: string | null;
  readonly note: string | null;
}

/** One row of a shipping file, checked. What is undefined was not said, and stays as it is. */
export interface ImportRow {
  readonly line: number;
  readonly device?: string;
  readonly identity: DeviceIdentity;
  readonly serial?: Required<SerialNames>;
  /** Hex SHA-256 of the certificate that must be the first one shown. */
  readonly fingerprint?: string;
  readonly tags?: readonly string[];
  readonly site?: string;
  readonly note?: string;
}

/** What an import needs to know of an anchor. */
export interface ImportAnchor {
  readonly name: string;
  readonly realms: readonly string[];
}

export type Cells = Readonly<Partial<Record<ShippingColumn, string>>>;

export type RowResult =
  | { readonly ok: true; readonly row: ImportRow }
  | { readonly ok: false; readonly reason: string };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** A tag of a device: a word. */
export const tagPattern = /^[\p{L}\p{N}][\p{L}\p{N}._:/@+-]{0,63}$/u;
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;
export const mostTags = 32;

/**
 * The row that the cells amount to, or what is wrong with them, for people. Cells are hostile text; an empty one says
 * nothing. `anchors` undefined: they are not known here, and the anchor's name is taken as it is.
 */
export function importRow(line: number, cells: Cells, anchors: readonly ImportAnchor[] | undefined): RowResult {
  const said = Object.fromEntries(
    Object.entries(cells).flatMap(([column, text]) => {
      const trimmed = text.trim();
      return trimmed === '' ? [] : [[column, trimmed]];
    }),
  ) as Cells;
  const hidden = Object.entries(said).find(([column, text]) => column !== 'note' && invisible.test(text));
  if (hidden !== undefined) return no(`${hidden[0]} has characters that are not to be seen, or is not UTF-8`);
  const identity = identityOf(said, anchors);
  if (typeof identity === 'string') return no(identity);
  const told = unescaped(said);
  const serial = serialOf(told);
  if (typeof serial === 'string') return no(serial);
  const rest = furtherOf(told);
  if (typeof rest === 'string') return no(rest);
  return { ok: true, row: { line, identity, ...(serial !== undefined && { serial }), ...rest } };
}

/** The register writes dangerous characters as `\\u{hex}`; what it exported must not be escaped a second time. */
function unescaped(said: Cells): Cells {
  const written = /\\u\{([0-9a-f]{1,5}|10[0-9a-f]{4})\}/g;
  return Object.fromEntries(
    Object.entries(said).map(([column, text]) => [
      column,
      text.replace(written, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16))),
    ]),
  ) as Cells;
}

function no(reason: string): RowResult {
  return { ok: false, reason };
}

function identityOf(
  { anchor, identity }: Cells,
  anchors: readonly ImportAnchor[] | undefined,
): DeviceIdentity | string {
  if (identity === undefined) return 'identity is missing';
  if (anchor === undefined) return 'anchor is missing';
  const name = parseIdentityName(identity);
  if (name === undefined) return 'identity is neither <12 or 16 hex digits>.<realm> nor OUI[-ProductClass]-Serial';
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(anchor)) return 'anchor is no name of a trust anchor';
  const known = anchors?.find((one) => one.name === anchor);
  if (anchors !== undefined && known === undefined) return `there is no trust anchor ${anchor}`;
  if (known !== undefined && !speaksFor(known.realms, name))
    return `anchor ${anchor} may not speak for that realm (its realms: ${known.realms.join(', ') || 'none'})`;
  return { anchor, ...name };
}

function serialOf(said: Cells): Required<SerialNames> | string | undefined {
  const { oui, product_class: productClass = '', serial_number: serialNumber } = said;
  if (serialNumber === undefined)
    return oui === undefined && productClass === ''
      ? undefined
      : 'serial_number is missing beside oui or product_class';
  if (oui === undefined) return 'oui is missing beside serial_number';
  if (!/^[0-9a-f]{6}$/i.test(oui)) return 'oui is not six hexadecimal digits';
  // TR-069 A.3.3.1: ProductClass and SerialNumber have at most 64 characters.
  if (serialNumber.length > 64) return 'serial_number is longer than 64 characters';
  if (productClass.length > 64) return 'product_class is longer than 64 characters';
  return { oui: oui.toUpperCase(), productClass, serialNumber };
}

function furtherOf(said: Cells): Omit<ImportRow, 'line' | 'identity' | 'serial'> | string {
  const { device, site, note } = said;
  const fingerprint = said.fingerprint?.replaceAll(':', '').toLowerCase();
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(fingerprint))
    return 'fingerprint is not a SHA-256 of 64 hexadecimal digits';
  const tags = said.tags === undefined ? undefined : tagsOf(said.tags);
  if (typeof tags === 'string') return tags;
  if (device !== undefined && !uuid.test(device)) return 'device is no id of a device (a UUID)';
  if (site !== undefined && site.length > 200) return 'site is longer than 200 characters';
  if (note !== undefined && note.length > 2000) return 'note is longer than 2 000 characters';
  return {
    ...(device !== undefined && { device: device.toLowerCase() }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(tags !== undefined && { tags }),
    ...(site !== undefined && { site }),
    ...(note !== undefined && { note }),
  };
}

/** `a; b`: each once, in alphabetical order. */
function tagsOf(text: string): readonly string[] | string {
  const tags = [...new Set(text.split(/[;,]/).flatMap((part) => part.trim() || []))].sort();
  const wrong = tags.find((one) => !tagPattern.test(one));
  if (wrong !== undefined)
    return `tag ${JSON.stringify(wrong.slice(0, 70))} is no word of letters, digits and . _ : / @ + -`;
  return tags.length > mostTags ? `more than ${mostTags} tags` : tags;
}

/** The record as text, column by column. */
export function cellsOf(record: ShippingRecord): Record<ShippingColumn, string> {
  return {
    device: record.device,
    anchor: record.anchor,
    identity: record.identity,
    oui: record.oui ?? '',
    product_class: record.product_class ?? '',
    serial_number: record.serial_number ?? '',
    fingerprint: record.fingerprint ?? '',
    tags: record.tags.join(';'),
    site: record.site ?? '',
    note: record.note ?? '',
  };
}
