import { type DerCursor, type DerElement, derError, enter, expect, finish, more, openSequence, tags } from './der.ts';
import { flag, oidOf } from './der-values.ts';

/** One Extension (RFC 5280 4.1) before anybody looks into its value. */
export interface ExtensionFrame<Name extends string> {
  /** Dotted decimal. */
  readonly oid: string;
  /** Of an extension that is known here. */
  readonly name: Name | undefined;
  readonly critical: boolean;
  /** extnValue, the OCTET STRING itself. */
  readonly value: DerElement;
}

export function readExtensionFrame<Name extends string>(
  list: DerCursor,
  names: ReadonlyMap<string, Name>,
): ExtensionFrame<Name> {
  const inside = openSequence(list, 'extension');
  const oid = oidOf(expect(inside, tags.oid, 'extnID'));
  const name = names.get(oid);
  const critical = flag(inside, 'critical');
  const value = expect(inside, tags.octetString, name ?? oid);
  finish(inside);
  return { oid, name, critical, value };
}

/** Reads the DER inside extnValue, named in errors by the extension alone. */
export function readInside<T>(
  value: DerElement,
  list: DerCursor,
  read: (cursor: DerCursor, name: string) => T,
  name: string,
): T {
  const cursor = { ...enter(value), field: list.field };
  const data = read(cursor, name);
  if (more(cursor)) throw derError(value, 'trailing_data', 'holds more than it should');
  return data;
}
