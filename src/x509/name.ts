import {
  collect,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  expect,
  finish,
  openDer,
  sameBytes,
  tags,
  take,
  toHex,
  whole,
} from './der.ts';
import { isStringTag, stringOf } from './der-strings.ts';
import { readOid } from './der-values.ts';
import { attributeNames } from './oids.ts';
import { prepare } from './string-preparation.ts';

/** One attribute of a relative distinguished name. */
export interface NameAttribute {
  readonly type: string;
  /** The text; undefined where the value is not of a string type. */
  readonly value: string | undefined;
  /** Identifier octet of the value's type. */
  readonly tag: number;
  /** The value, tag and length included. */
  readonly der: Uint8Array;
}

export type RelativeName = readonly NameAttribute[];

/** A distinguished name (RFC 5280 4.1.2.4), most general attribute first, as encoded. */
export interface Name {
  readonly der: Uint8Array;
  readonly rdns: readonly RelativeName[];
}

const mostRdns = 4096;
const mostAttributes = 64;

export function readName(cursor: DerCursor, name: string): Name {
  return nameOf(expect(cursor, tags.sequence, name));
}

/** A Name from its SEQUENCE (or, in a distribution point, the RelativeDistinguishedName added to an issuer). */
export function nameOf(element: DerElement): Name {
  return { der: whole(element), rdns: collect(enter(element), readRelativeName, mostRdns) };
}

/** Reads a name that stands alone. */
export function parseName(der: Uint8Array): Name {
  const cursor = openDer(der, 'name');
  const name = readName(cursor, 'name');
  finish(cursor);
  return name;
}

function readRelativeName(cursor: DerCursor): RelativeName {
  return relativeNameOf(expect(cursor, tags.set, 'relativeDistinguishedName'));
}

export function relativeNameOf(element: DerElement): RelativeName {
  const attributes = collect(enter(element), readAttribute, mostAttributes);
  if (attributes.length === 0) throw derError(element, 'missing', 'has no attribute');
  return attributes;
}

function readAttribute(cursor: DerCursor): NameAttribute {
  const inside = enter(expect(cursor, tags.sequence, 'attribute'));
  const type = readOid(inside, 'type');
  const value = take(inside, attributeNames[type] ?? type);
  finish(inside);
  return { type, value: isStringTag(value.tag) ? stringOf(value) : undefined, tag: value.tag, der: whole(value) };
}

const keys = new WeakMap<Name, readonly string[]>();

/**
 * One string for each relative name, equal for two names exactly when RFC 5280 7.1 calls them equal: the same
 * attributes, in any order within the set, values compared after string preparation.
 */
export function comparisonKeys(name: Name): readonly string[] {
  let found = keys.get(name);
  if (found === undefined) {
    found = name.rdns.map(relativeKey);
    keys.set(name, found);
  }
  return found;
}

function relativeKey(rdn: RelativeName): string {
  const [first] = rdn;
  return rdn.length === 1 && first !== undefined ? attributeKey(first) : rdn.map(attributeKey).sort().join('+');
}

function attributeKey({ type, value, der }: NameAttribute): string {
  if (value === undefined) return `${type}#${toHex(der)}`;
  // JSON quoting keeps the separators apart from what a stranger writes into a value.
  return `${type}=${JSON.stringify(prepare(value))}`;
}

/** RFC 5280 7.1. */
export function namesEqual(a: Name, b: Name): boolean {
  if (sameBytes(a.der, b.der)) return true;
  if (a.rdns.length !== b.rdns.length) return false;
  // From the most specific attribute up: that is where names differ.
  for (let i = a.rdns.length - 1; i >= 0; i--) if (!relativeNamesEqual(a.rdns[i], b.rdns[i])) return false;
  return true;
}

function relativeNamesEqual(a: RelativeName = [], b: RelativeName = []): boolean {
  if (a.length !== b.length) return false;
  const [first, second] = [a[0], b[0]];
  if (a.length > 1 || first === undefined || second === undefined) return relativeKey(a) === relativeKey(b);
  if (first.type !== second.type) return false;
  if (sameBytes(first.der, second.der)) return true;
  // Only a text can be the same in other octets.
  return first.value !== undefined && second.value !== undefined && prepare(first.value) === prepare(second.value);
}

/** True when `base` is an initial sequence of `name`: the subtree of a directoryName (RFC 5280 4.2.1.10, 7.1). */
export function isWithin(name: Name, base: Name): boolean {
  return startsWith(comparisonKeys(name), comparisonKeys(base));
}

function startsWith(long: readonly string[], short: readonly string[]): boolean {
  return short.length <= long.length && short.every((key, i) => key === long[i]);
}

/** Values of one attribute type, in the order encoded, e.g. of `2.5.4.3` for the common names. */
export function attributeValues(name: Name, type: string): string[] {
  const values: string[] = [];
  for (const rdn of name.rdns)
    for (const attribute of rdn)
      if (attribute.type === type && attribute.value !== undefined) values.push(attribute.value);
  return values;
}

export function hasAttribute(name: Name, type: string): boolean {
  return name.rdns.some((rdn) => rdn.some((attribute) => attribute.type === type));
}

/** Longest text printed of one attribute value, and most relative names printed. */
const printed = 256;
const mostPrinted = 16;

/**
 * RFC 4514, most specific attribute first. What a stranger wrote is data: controls, line ends, bidirectional and
 * invisible characters are written as \XX (their UTF-8 octets), long values are cut.
 */
export function nameToString(name: Name): string {
  const most = name.rdns.slice(-mostPrinted).reverse();
  const text = most.map((rdn) => rdn.slice(0, mostPrinted).map(attributeToString).join('+')).join(',');
  return name.rdns.length > mostPrinted ? `${text},…` : text;
}

function attributeToString({ type, value, der }: NameAttribute): string {
  const label = attributeNames[type] ?? type;
  if (value === undefined || attributeNames[type] === undefined) return `${label}=#${cut(toHex(der))}`;
  return `${label}=${escapeValue(cut(value))}`;
}

function cut(text: string): string {
  return text.length > printed ? `${text.slice(0, printed).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

function escapeValue(value: string): string {
  return value
    .replace(/["+,;<>\\]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&')
    .replace(/[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|\u034f|[\ufe00-\ufe0f]/gu, octets);
}

function octets(character: string): string {
  return [...Buffer.from(character)].map((octet) => `\\${octet.toString(16).padStart(2, '0').toUpperCase()}`).join('');
}
