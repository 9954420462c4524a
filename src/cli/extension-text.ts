import { toHex } from '../x509/der.ts';
import type { AccessDescription, DistributionPoint } from '../x509/extension-pointers.ts';
import type { GeneralSubtree } from '../x509/extension-subtrees.ts';
import type { Extension, Extensions } from '../x509/extensions.ts';
import type { GeneralName } from '../x509/general-name.ts';
import { nameToString } from '../x509/name.ts';
import { accessMethods, anyPolicy, type ExtensionName, purposes } from '../x509/oids.ts';
import { listText } from './structure-view.ts';

/** Extensions in one line each, in the words of RFC 5280. Not escaped: whoever prints does that. */

function generalNameText(name: GeneralName): string {
  switch (name.kind) {
    case 'rfc822Name':
    case 'dNSName':
    case 'uniformResourceIdentifier':
      return `${name.kind} ${name.value}`;
    case 'directoryName':
      return `directoryName ${nameToString(name.name)}`;
    case 'iPAddress':
      return `iPAddress ${addressText(name.bytes)}`;
    case 'registeredID':
      return `registeredID ${name.oid}`;
    case 'otherName':
      return `otherName ${name.oid}`;
    case 'x400Address':
    case 'ediPartyName':
      return name.kind;
  }
}

function addressText(bytes: Uint8Array): string {
  const half = bytes.length / 2;
  if (bytes.length === 8 || bytes.length === 32)
    return `${addressText(bytes.subarray(0, half))}/${addressText(bytes.subarray(half))}`;
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length === 16) return toHex(bytes).replace(/(.{4})(?=.)/g, '$1:');
  return `#${toHex(bytes)}`;
}

export function generalNamesText(names: readonly GeneralName[]): string {
  return listText(names.map(generalNameText));
}

const purposeNames = new Map<string, string>(Object.entries(purposes).map(([name, oid]) => [oid, name]));
const methodNames = new Map<string, string>(Object.entries(accessMethods).map(([name, oid]) => [oid, name]));

export function pointsText(points: readonly DistributionPoint[]): string {
  return listText(points.map(pointText));
}

function pointText({ name, reasons, cRLIssuer }: DistributionPoint): string {
  const where = name?.kind === 'fullName' ? generalNamesText(name.names) : 'a name relative to the CRL issuer';
  const parts = [
    ...(name === undefined ? [] : [where]),
    ...(reasons === undefined ? [] : [`for ${reasons.join(', ')}`]),
    ...(cRLIssuer === undefined ? [] : [`issued by ${generalNamesText(cRLIssuer)}`]),
  ];
  return parts.join(' ');
}

function accessText(descriptions: readonly AccessDescription[]): string {
  return listText(
    descriptions.map(({ method, location }) => `${methodNames.get(method) ?? method} ${generalNameText(location)}`),
  );
}

function subtreesText(subtrees: readonly GeneralSubtree[]): string {
  return listText(subtrees.map(({ base }) => generalNameText(base)));
}

const policyName = (oid: string): string => (oid === anyPolicy ? 'anyPolicy' : oid);

type Describe<Name extends ExtensionName> = (value: NonNullable<Extensions[Name]>) => string;

const describers: { readonly [Name in ExtensionName]: Describe<Name> } = {
  subjectDirectoryAttributes: (types) => listText(types),
  subjectKeyIdentifier: toHex,
  keyUsage: (uses) => uses.join(', ') || 'none',
  subjectAltName: generalNamesText,
  issuerAltName: generalNamesText,
  basicConstraints: ({ ca, pathLength }) =>
    `${ca ? 'CA' : 'no CA'}${pathLength === undefined ? '' : `, pathLenConstraint ${pathLength}`}`,
  nameConstraints: ({ permitted, excluded }) =>
    [
      ...(permitted.length > 0 ? [`permitted ${subtreesText(permitted)}`] : []),
      ...(excluded.length > 0 ? [`excluded ${subtreesText(excluded)}`] : []),
    ].join('; '),
  cRLDistributionPoints: pointsText,
  certificatePolicies: (policies) => listText(policies.map(({ policy }) => policyName(policy))),
  policyMappings: (mappings) =>
    listText(mappings.map((m) => `${policyName(m.issuerDomainPolicy)} → ${policyName(m.subjectDomainPolicy)}`)),
  authorityKeyIdentifier: ({ keyIdentifier, issuer, serialNumber }) =>
    [
      ...(keyIdentifier === undefined ? [] : [toHex(keyIdentifier)]),
      ...(issuer === undefined ? [] : [`issuer ${generalNamesText(issuer)}`]),
      ...(serialNumber === undefined ? [] : [`serial ${serialNumber}`]),
    ].join(', ') || 'empty',
  policyConstraints: ({ requireExplicitPolicy, inhibitPolicyMapping }) =>
    [
      ...(requireExplicitPolicy === undefined ? [] : [`requireExplicitPolicy ${requireExplicitPolicy}`]),
      ...(inhibitPolicyMapping === undefined ? [] : [`inhibitPolicyMapping ${inhibitPolicyMapping}`]),
    ].join(', '),
  extKeyUsage: (oids) => listText(oids.map((oid) => purposeNames.get(oid) ?? oid)),
  freshestCRL: pointsText,
  inhibitAnyPolicy: (skip) => `after ${skip} more certificates`,
  authorityInfoAccess: accessText,
  subjectInfoAccess: accessText,
};

/** The value of an extension; its octets where it is none of RFC 5280. */
export function extensionText({ name, value }: Extension, extensions: Extensions): string {
  const known = name === undefined ? undefined : extensions[name];
  if (name === undefined || known === undefined)
    return `#${toHex(value.subarray(0, 64))}${value.length > 64 ? '…' : ''}`;
  // Name and value come from the same table; TypeScript cannot see that they fit.
  return (describers[name] as (value: unknown) => string)(known);
}
