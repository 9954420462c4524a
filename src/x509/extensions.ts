import {
  collect,
  content,
  type DerCursor,
  type DerElement,
  enter,
  expect,
  finish,
  openSequence,
  tags,
  unwrap,
} from './der.ts';
import { oidOf } from './der-values.ts';
import { readExtensionFrame, readInside } from './extension-frame.ts';
import {
  type AuthorityKeyIdentifier,
  type BasicConstraints,
  type KeyUsage,
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readExtendedKeyUsage,
  readKeyIdentifier,
  readKeyUsage,
} from './extension-keys.ts';
import {
  type AccessDescription,
  type DistributionPoint,
  readAccessDescriptions,
  readDistributionPoints,
} from './extension-pointers.ts';
import {
  type PolicyConstraints,
  type PolicyInformation,
  type PolicyMapping,
  readInhibitAnyPolicy,
  readPolicies,
  readPolicyConstraints,
  readPolicyMappings,
} from './extension-policies.ts';
import { type NameConstraints, readNameConstraints } from './extension-subtrees.ts';
import { type GeneralName, readGeneralNamesSequence } from './general-name.ts';
import { type ExtensionName, extensionOids } from './oids.ts';

/** One extension as it stands in the certificate, known or not. */
export interface Extension {
  readonly oid: string;
  /** The standard's name of an extension of RFC 5280; undefined for any other. */
  readonly name: ExtensionName | undefined;
  readonly critical: boolean;
  /** The octets of extnValue. */
  readonly value: Uint8Array;
}

/** The extensions of RFC 5280 4.2 as plain data; one that is absent is undefined. */
export interface KnownExtensions {
  readonly subjectKeyIdentifier?: Uint8Array;
  readonly authorityKeyIdentifier?: AuthorityKeyIdentifier;
  readonly keyUsage?: readonly KeyUsage[];
  /** Purposes, dotted decimal. */
  readonly extKeyUsage?: readonly string[];
  readonly basicConstraints?: BasicConstraints;
  readonly subjectAltName?: readonly GeneralName[];
  readonly issuerAltName?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  readonly certificatePolicies?: readonly PolicyInformation[];
  readonly policyMappings?: readonly PolicyMapping[];
  readonly policyConstraints?: PolicyConstraints;
  /** skipCerts. */
  readonly inhibitAnyPolicy?: number;
  readonly cRLDistributionPoints?: readonly DistributionPoint[];
  readonly freshestCRL?: readonly DistributionPoint[];
  readonly authorityInfoAccess?: readonly AccessDescription[];
  readonly subjectInfoAccess?: readonly AccessDescription[];
  /** Attribute types only; no rule hangs on the values. */
  readonly subjectDirectoryAttributes?: readonly string[];
}

export interface Extensions extends KnownExtensions {
  /** Every extension in the order encoded. */
  readonly all: readonly Extension[];
  /** OIDs that occur more than once; the data above is of the first (RFC 5280 4.2 allows only one). */
  readonly duplicates: readonly string[];
}

const mostExtensions = 256;

type Reader = (cursor: DerCursor, name: string) => unknown;

const readers: Readonly<Record<ExtensionName, Reader>> = {
  subjectDirectoryAttributes: readAttributeTypes,
  subjectKeyIdentifier: readKeyIdentifier,
  keyUsage: readKeyUsage,
  subjectAltName: readGeneralNamesSequence,
  issuerAltName: readGeneralNamesSequence,
  basicConstraints: readBasicConstraints,
  nameConstraints: readNameConstraints,
  cRLDistributionPoints: readDistributionPoints,
  certificatePolicies: readPolicies,
  policyMappings: readPolicyMappings,
  authorityKeyIdentifier: readAuthorityKeyIdentifier,
  policyConstraints: readPolicyConstraints,
  extKeyUsage: readExtendedKeyUsage,
  freshestCRL: readDistributionPoints,
  inhibitAnyPolicy: readInhibitAnyPolicy,
  authorityInfoAccess: readAccessDescriptions,
  subjectInfoAccess: readAccessDescriptions,
};

const names = new Map<string, ExtensionName>(
  Object.entries(extensionOids).map(([name, oid]) => [oid, name as ExtensionName]),
);

export const noExtensions: Extensions = { all: [], duplicates: [] };

/**
 * Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension, under its explicit tag. Those of `wanted` are read, or all that
 * are known here; the others stay octets.
 */
export function readExtensions(outer: DerElement, wanted?: readonly ExtensionName[]): Extensions {
  const list = enter(unwrap(outer, tags.sequence));
  const found: Found = { known: {}, seen: new Set(), duplicates: [], wanted };
  const all = collect(list, (cursor) => readExtension(cursor, found), mostExtensions);
  return { ...(found.known as KnownExtensions), all, duplicates: found.duplicates };
}

interface Found {
  readonly known: Record<string, unknown>;
  readonly seen: Set<string>;
  readonly duplicates: string[];
  readonly wanted: readonly ExtensionName[] | undefined;
}

function readExtension(cursor: DerCursor, { known, seen, duplicates, wanted }: Found): Extension {
  const { oid, name, critical, value } = readExtensionFrame(cursor, names);
  if (seen.has(oid)) duplicates.push(oid);
  else if (name !== undefined && wanted?.includes(name) !== false)
    known[name] = readInside(value, cursor, readers[name], name);
  seen.add(oid);
  return { oid, name, critical, value: content(value) };
}

function readAttributeTypes(cursor: DerCursor, name: string): string[] {
  return collect(
    openSequence(cursor, name),
    (attributes) => {
      const attribute = openSequence(attributes, 'attribute');
      const type = oidOf(expect(attribute, tags.oid, 'type'));
      expect(attribute, tags.set, 'values');
      finish(attribute);
      return type;
    },
    mostExtensions,
  );
}

export function findExtension(extensions: Extensions, oid: string): Extension | undefined {
  return extensions.all.find((extension) => extension.oid === oid);
}

export function isCritical(extensions: Extensions, name: ExtensionName): boolean {
  return extensions.all.some((extension) => extension.name === name && extension.critical);
}
