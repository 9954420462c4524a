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
  optional,
  primitive,
  tags,
  toHex,
  unwrap,
  whole,
} from './der.ts';
import { booleanOf, integerBytes } from './der-values.ts';
import { readExtensionFrame, readInside } from './extension-frame.ts';
import { type AuthorityKeyIdentifier, readAuthorityKeyIdentifier } from './extension-keys.ts';
import {
  type AccessDescription,
  type DistributionPoint,
  type DistributionPointName,
  distributionPointNameOf,
  type ReasonFlag,
  readAccessDescriptions,
  readDistributionPoints,
  reasonFlagsOf,
} from './extension-pointers.ts';
import { type GeneralName, readGeneralNamesSequence } from './general-name.ts';
import { type CrlExtensionName, crlExtensionOids } from './oids.ts';

/** RFC 5280 5.2.5: which certificates, and which reasons, a CRL covers. */
export interface IssuingDistributionPoint {
  readonly name?: DistributionPointName;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
  readonly onlySomeReasons?: readonly ReasonFlag[];
  readonly indirectCRL: boolean;
  readonly onlyContainsAttributeCerts: boolean;
  /** The whole value, for comparing the scopes of two CRLs. */
  readonly der: Uint8Array;
}

/** The extensions of a CRL (RFC 5280 5.2) as plain data; one that is absent is undefined. */
export interface CrlExtensions {
  readonly authorityKeyIdentifier?: AuthorityKeyIdentifier;
  readonly issuerAltName?: readonly GeneralName[];
  readonly cRLNumber?: bigint;
  /** BaseCRLNumber: this CRL is a delta, which must never pass for a complete one (RFC 5280 5.2.4). */
  readonly deltaCRLIndicator?: bigint;
  readonly issuingDistributionPoint?: IssuingDistributionPoint;
  readonly freshestCRL?: readonly DistributionPoint[];
  readonly authorityInfoAccess?: readonly AccessDescription[];
  /** OIDs of critical extensions that are not processed here: such a CRL cannot say "good" (RFC 5280 5.2). */
  readonly unknownCritical: readonly string[];
}

const mostExtensions = 64;

type Reader = (cursor: DerCursor, name: string) => unknown;

const readers: Readonly<Record<CrlExtensionName, Reader>> = {
  authorityKeyIdentifier: readAuthorityKeyIdentifier,
  issuerAltName: readGeneralNamesSequence,
  cRLNumber: readCrlNumber,
  deltaCRLIndicator: readCrlNumber,
  issuingDistributionPoint: readIssuingDistributionPoint,
  freshestCRL: readDistributionPoints,
  authorityInfoAccess: readAccessDescriptions,
};

const names = new Map<string, CrlExtensionName>(
  Object.entries(crlExtensionOids).map(([name, oid]) => [oid, name as CrlExtensionName]),
);

export const noCrlExtensions: CrlExtensions = { unknownCritical: [] };

/** crlExtensions, under its explicit tag. */
export function readCrlExtensions(outer: DerElement): CrlExtensions {
  const known: Record<string, unknown> = {};
  const unknownCritical: string[] = [];
  eachExtension(enter(unwrap(outer, tags.sequence)), (oid, critical, value, field) => {
    const name = names.get(oid);
    if (name !== undefined) known[name] = readInside(value, field, readers[name], name);
    // 5.2.3: a CRL number is not critical; one that is means more than we know.
    if (critical && (name === undefined || name === 'cRLNumber')) unknownCritical.push(oid);
  });
  return { ...known, unknownCritical };
}

type Visit = (oid: string, critical: boolean, value: DerElement, list: DerCursor) => void;

/**
 * Every extension of a list, which must not have one twice (RFC 5280 4.2). An empty list is none (5.2, 5.3), but issuers
 * write it, and it says nothing.
 */
export function eachExtension(list: DerCursor, visit: Visit): void {
  const seen = new Set<string>();
  collect(
    list,
    (cursor) => {
      const { oid, critical, value } = readExtensionFrame(cursor, names);
      if (seen.has(oid)) throw derError(value, 'duplicate', 'is there twice');
      seen.add(oid);
      visit(oid, critical, value, list);
    },
    mostExtensions,
  );
}

/** RFC 5280 5.2.3 wants 20 octets to be understood. */
const mostNumberOctets = 64;

function readCrlNumber(cursor: DerCursor, name: string): bigint {
  const element = expect(cursor, tags.integer, name);
  const octets = integerBytes(element);
  if ((octets[0] ?? 0) >= 0x80) throw derError(element, 'value', 'must not be negative');
  if (octets.length > mostNumberOctets) throw derError(element, 'too_large', `more than ${mostNumberOctets} octets`);
  return BigInt(`0x${toHex(content(element))}`);
}

function readIssuingDistributionPoint(cursor: DerCursor, fieldName: string): IssuingDistributionPoint {
  const element = expect(cursor, tags.sequence, fieldName);
  const inside = enter(element);
  const name = optional(inside, constructed(0), 'distributionPoint');
  // An encoded FALSE is the default spelt out: no DER, but issuers write it, and it says nothing.
  const flagged = (n: number, label: string): boolean => {
    const value = optional(inside, primitive(n), label);
    return value !== undefined && booleanOf(value);
  };
  const onlyContainsUserCerts = flagged(1, 'onlyContainsUserCerts');
  const onlyContainsCACerts = flagged(2, 'onlyContainsCACerts');
  const reasons = optional(inside, primitive(3), 'onlySomeReasons');
  const indirectCRL = flagged(4, 'indirectCRL');
  const onlyContainsAttributeCerts = flagged(5, 'onlyContainsAttributeCerts');
  finish(inside);
  return {
    ...(name === undefined ? {} : { name: distributionPointNameOf(name) }),
    onlyContainsUserCerts,
    onlyContainsCACerts,
    ...(reasons === undefined ? {} : { onlySomeReasons: reasonFlagsOf(reasons) }),
    indirectCRL,
    onlyContainsAttributeCerts,
    der: whole(element),
  };
}
