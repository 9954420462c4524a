import {
  collect,
  constructed,
  content,
  type DerCursor,
  derError,
  enter,
  expect,
  finish,
  openSequence,
  optional,
  primitive,
  tags,
} from './der.ts';
import { booleanOf, integerHex, namedBits, readOid, smallInteger } from './der-values.ts';
import { type GeneralName, readGeneralNames } from './general-name.ts';

/** RFC 5280 4.2.1.3, in the order of the bits. */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof keyUsages)[number];

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength?: number;
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Uint8Array;
  readonly issuer?: readonly GeneralName[];
  /** Hex, as the serial number of a certificate. */
  readonly serialNumber?: string;
}

export function readKeyIdentifier(cursor: DerCursor, name: string): Uint8Array {
  return content(expect(cursor, tags.octetString, name));
}

/** RFC 5280 4.2.1.1. */
export function readAuthorityKeyIdentifier(cursor: DerCursor, name: string): AuthorityKeyIdentifier {
  const inside = openSequence(cursor, name);
  const key = optional(inside, primitive(0), 'keyIdentifier');
  const issuer = optional(inside, constructed(1), 'authorityCertIssuer');
  const serial = optional(inside, primitive(2), 'authorityCertSerialNumber');
  finish(inside);
  return {
    ...(key === undefined ? {} : { keyIdentifier: content(key) }),
    ...(issuer === undefined ? {} : { issuer: readGeneralNames(enter(issuer)) }),
    ...(serial === undefined ? {} : { serialNumber: integerHex(serial) }),
  };
}

export function readKeyUsage(cursor: DerCursor, name: string): KeyUsage[] {
  const element = expect(cursor, tags.bitString, name);
  // RFC 5280 4.2.1.3: when the extension appears, at least one bit must be set; none set grants nothing here.
  return namedBits(element).flatMap((bit) => keyUsages[bit] ?? []);
}

const mostPurposes = 512;

/** RFC 5280 4.2.1.12. */
export function readExtendedKeyUsage(cursor: DerCursor, name: string): string[] {
  const list = openSequence(cursor, name);
  const purposes = collect(list, (inside) => readOid(inside, 'keyPurposeId'), mostPurposes);
  if (purposes.length === 0) throw derError(list.field, 'missing', 'names no purpose');
  return purposes;
}

/** RFC 5280 4.2.1.9. */
export function readBasicConstraints(cursor: DerCursor, name: string): BasicConstraints {
  const inside = openSequence(cursor, name);
  const caElement = optional(inside, tags.boolean, 'cA');
  const pathLength = optional(inside, tags.integer, 'pathLenConstraint');
  finish(inside);
  // An encoded FALSE is the default spelt out: no DER, but common in devices' certificates, and it grants nothing.
  const ca = caElement !== undefined && booleanOf(caElement);
  return pathLength === undefined ? { ca } : { ca, pathLength: smallInteger(pathLength) };
}
