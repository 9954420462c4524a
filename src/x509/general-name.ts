import {
  collect,
  constructed,
  content,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  expect,
  finish,
  primitive,
  tags,
  take,
  unwrap,
  whole,
} from './der.ts';
import { ia5Of } from './der-strings.ts';
import { oidOf, readOid } from './der-values.ts';
import { type Name, nameOf } from './name.ts';

/** GeneralName (RFC 5280 4.2.1.6), in the standard's words. */
export type GeneralName =
  | { readonly kind: 'rfc822Name' | 'dNSName' | 'uniformResourceIdentifier'; readonly value: string }
  | { readonly kind: 'directoryName'; readonly name: Name }
  /** 4 or 16 octets; 8 or 32 (address and mask) in name constraints. */
  | { readonly kind: 'iPAddress'; readonly bytes: Uint8Array }
  | { readonly kind: 'registeredID'; readonly oid: string }
  | { readonly kind: 'otherName'; readonly oid: string; readonly der: Uint8Array }
  | { readonly kind: 'x400Address' | 'ediPartyName'; readonly der: Uint8Array };

export type GeneralNameKind = GeneralName['kind'];

/** Most names read in one list. */
const mostNames = 20_000;

const texts: Readonly<Record<number, 'rfc822Name' | 'dNSName' | 'uniformResourceIdentifier'>> = {
  [primitive(1)]: 'rfc822Name',
  [primitive(2)]: 'dNSName',
  [primitive(6)]: 'uniformResourceIdentifier',
};

export function readGeneralName(cursor: DerCursor): GeneralName {
  return generalNameOf(take(cursor, 'generalName'));
}

function generalNameOf(element: DerElement): GeneralName {
  const text = texts[element.tag];
  if (text !== undefined) return { kind: text, value: ia5Of(element) };
  switch (element.tag) {
    case constructed(0):
      return otherNameOf(element);
    case constructed(3):
      return { kind: 'x400Address', der: whole(element) };
    case constructed(4):
      return { kind: 'directoryName', name: nameOf(unwrap(element, tags.sequence)) };
    case constructed(5):
      return { kind: 'ediPartyName', der: whole(element) };
    case primitive(7):
      return { kind: 'iPAddress', bytes: content(element) };
    case primitive(8):
      return { kind: 'registeredID', oid: oidOf(element) };
    default:
      throw derError(element, 'tag', 'is no GeneralName');
  }
}

function otherNameOf(element: DerElement): GeneralName {
  const inside = enter(element);
  const oid = readOid(inside, 'type-id');
  const value = expect(inside, constructed(0), 'value');
  finish(inside);
  return { kind: 'otherName', oid, der: content(value) };
}

/** GeneralNames ::= SEQUENCE SIZE (1..MAX), already opened. */
export function readGeneralNames(cursor: DerCursor): GeneralName[] {
  const names = collect(cursor, readGeneralName, mostNames);
  if (names.length === 0) throw derError(cursor.field, 'missing', 'names nobody');
  return names;
}

/** A SEQUENCE of names as a whole extension value. */
export function readGeneralNamesSequence(cursor: DerCursor, name: string): GeneralName[] {
  return readGeneralNames(enter(expect(cursor, tags.sequence, name)));
}
