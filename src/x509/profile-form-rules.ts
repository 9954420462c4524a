import type { Certificate } from './certificate.ts';
import { neverCritical } from './critical-extensions.ts';
import { isCritical } from './extensions.ts';
import type { NameConstraints } from './extension-subtrees.ts';
import type { ExtensionName } from './oids.ts';
import { hasAttribute } from './name.ts';
import type { ProfileRule, RuleFinding } from './profile.ts';

/** Rules on the form of a certificate: version, serial number, names, which extensions and how marked. */

const broken = (message: string): RuleFinding => ({ detail: 'profile_rule', message });

/** RFC 5280: these must be critical. */
const alwaysCritical: readonly ExtensionName[] = ['nameConstraints', 'policyConstraints', 'inhibitAnyPolicy'];

/**
 * Marked critical by right: what TS 33.310 6.1 mentions and what RFC 5280 wants critical in a CA certificate. Anything
 * else must not be (CERT-8), whether we can process it or not.
 */
const mayBeCritical = new Set<string | undefined>([
  'keyUsage',
  'extKeyUsage',
  'basicConstraints',
  'subjectAltName',
  'cRLDistributionPoints',
  'policyMappings',
  ...alwaysCritical,
  ...neverCritical,
]);

const listed = (names: readonly string[]): string => names.join(', ');

const present = ({ extensions }: Certificate, names: readonly ExtensionName[]): ExtensionName[] =>
  names.filter((name) => extensions[name] !== undefined);

/** The preferred name syntax (RFC 1034 3.5 as amended by RFC 1123 2.1). */
const dnsName = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

function isHostName(text: string): boolean {
  return text.length <= 255 && dnsName.test(text) && !/^[0-9.]+$/.test(text);
}

export const formRules: readonly ProfileRule[] = [
  {
    name: 'version-3',
    clause: 'TS 33.310 6.1.1',
    summary: 'certificates are of version 3',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate }) =>
      certificate.version === 3 ? undefined : broken(`is of version ${certificate.version}`),
  },
  {
    name: 'version-fits',
    clause: 'RFC 5280 4.1.2.1, 4.1.2.8, 4.1.2.9',
    summary: 'extensions only in version 3, unique identifiers not in version 1',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { version, extensions, uniqueIdentifiers } }) =>
      (version < 3 && extensions.all.length > 0) || (version === 1 && uniqueIdentifiers)
        ? broken(`has fields that version ${version} does not have`)
        : undefined,
  },
  {
    name: 'serial-number',
    clause: 'RFC 5280 4.1.2.2',
    summary: 'the serial number is not zero and has at most 20 octets',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { serialNumber, serialOctets } }) =>
      serialNumber === '0' || serialOctets > 20
        ? broken('the serial number is zero or has more than 20 octets')
        : undefined,
  },
  {
    name: 'serial-number-negative',
    clause: 'RFC 5280 4.1.2.2',
    // CAs must not, but "certificate users should be prepared to gracefully handle such certificates".
    summary: 'the serial number is not negative',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'warn' },
    check: ({ certificate: { serialNumber } }) =>
      serialNumber.startsWith('-') ? broken('the serial number is negative') : undefined,
  },
  {
    name: 'duplicate-extension',
    clause: 'RFC 5280 4.2',
    summary: 'no extension occurs twice',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { extensions } }) =>
      extensions.duplicates.length > 0 ? broken(`has twice: ${listed(extensions.duplicates)}`) : undefined,
  },
  {
    name: 'signature-algorithm-agrees',
    clause: 'RFC 5280 4.1.1.2',
    summary: 'the signature algorithm is the same inside and outside of what is signed',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { signature } }) =>
      signature.consistent ? undefined : broken('names two signature algorithms'),
  },
  {
    name: 'issuer-name',
    clause: 'RFC 5280 4.1.2.4',
    summary: 'the issuer has a name',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { issuer } }) => (issuer.rdns.length === 0 ? broken('the issuer has no name') : undefined),
  },
  {
    name: 'subject-name',
    clause: 'RFC 5280 4.1.2.6',
    summary: 'a CA has a name; without one, an end entity has a critical subjectAltName',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { subject, extensions }, role }) =>
      subject.rdns.length === 0 && (role === 'ca' || !isCritical(extensions, 'subjectAltName'))
        ? broken('the subject has no name, and no critical subjectAltName stands for it')
        : undefined,
  },
  {
    name: 'dns-name-syntax',
    clause: 'RFC 5280 4.2.1.6',
    summary: 'a dNSName is a host name, with a wildcard as its first label at most',
    applies: 'every',
    levels: { hems: 'warn', rfc5280: 'refuse' },
    check: ({ certificate: { extensions } }) =>
      extensions.subjectAltName?.some((name) => name.kind === 'dNSName' && !isHostName(name.value))
        ? broken('a dNSName is no host name')
        : undefined,
  },
  {
    name: 'never-critical',
    clause: 'RFC 5280 4.2.1.1, 4.2.1.2, 4.2.1.8, 4.2.1.15, 4.2.2',
    summary: 'key identifiers, access descriptions, directory attributes and freshestCRL are not critical',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { extensions } }) => {
      const wrong = neverCritical.filter((name) => isCritical(extensions, name));
      return wrong.length > 0 ? broken(`must not be critical: ${listed(wrong)}`) : undefined;
    },
  },
  {
    name: 'key-identifiers',
    clause: 'RFC 5280 4.2.1.1, 4.2.1.2',
    // A duty of the CA, to help those who look for paths; TS 33.310 makes them optional.
    summary: 'certificates name the key of their issuer, those of CAs their own too',
    applies: 'every',
    levels: { hems: 'off', rfc5280: 'warn' },
    check: ({ certificate: { extensions }, role }) =>
      extensions.authorityKeyIdentifier?.keyIdentifier === undefined ||
      (role === 'ca' && extensions.subjectKeyIdentifier === undefined)
        ? broken('lacks a key identifier')
        : undefined,
  },
  {
    name: 'always-critical',
    clause: 'RFC 5280 4.2.1.10, 4.2.1.11, 4.2.1.14',
    // A duty of the CA; they are processed either way.
    summary: 'nameConstraints, policyConstraints and inhibitAnyPolicy are critical',
    applies: 'every',
    levels: { hems: 'warn', rfc5280: 'warn' },
    check: ({ certificate }) => {
      const wrong = present(certificate, alwaysCritical).filter((name) => !isCritical(certificate.extensions, name));
      return wrong.length > 0 ? broken(`must be critical: ${listed(wrong)}`) : undefined;
    },
  },
  {
    name: 'unmentioned-critical',
    clause: 'TS 33.310 6.1.1',
    summary: 'extensions that the profile does not mention are not critical',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { extensions } }) => {
      const wrong = extensions.all.filter(({ name, critical }) => critical && !mayBeCritical.has(name));
      return wrong.length > 0
        ? broken(`must not be critical: ${listed(wrong.map((e) => e.name ?? e.oid))}`)
        : undefined;
    },
  },
  {
    name: 'ca-only-extensions',
    clause: 'RFC 5280 4.2.1.5, 4.2.1.10, 4.2.1.11, 4.2.1.14',
    summary: 'only CAs have name and policy constraints and policy mappings',
    applies: 'leaf',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate }) => {
      if (certificate.extensions.basicConstraints?.ca === true) return undefined;
      const wrong = present(certificate, [...alwaysCritical, 'policyMappings']);
      return wrong.length > 0 ? broken(`only a CA has: ${listed(wrong)}`) : undefined;
    },
  },
  {
    name: 'common-name-constrained',
    clause: 'TS 33.310 6.1.1, RFC 5280 4.2.1.10',
    // Where names in the common name identify devices, a constrained CA must not speak there for foreign ones.
    summary: 'a common name that reads as a host name is held to the dNSName constraints; only "refuse" does so',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: () => undefined,
  },
  {
    name: 'dns-constraint-leading-dot',
    clause: 'RFC 5280 4.2.1.10',
    summary: 'dNSName constraints have no leading dot; below "refuse" it is read as "subdomains only"',
    applies: 'ca',
    levels: { hems: 'warn', rfc5280: 'refuse' },
    check: ({ certificate: { extensions } }) =>
      hasLeadingDot(extensions.nameConstraints) ? broken('a dNSName constraint begins with a dot') : undefined,
  },
  {
    name: 'subject-name-form',
    clause: 'TS 33.310 6.1.1',
    summary: 'names read (C), O, CN or CN, (OU), DC, DC; O and CN in UTF8String',
    applies: 'every',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate: { subject } }) => nameForm(subject),
  },
];

function hasLeadingDot(constraints: NameConstraints | undefined): boolean {
  const bases = [...(constraints?.permitted ?? []), ...(constraints?.excluded ?? [])];
  return bases.some(({ base }) => base.kind === 'dNSName' && base.value.startsWith('.'));
}

const utf8String = 0x0c;
const organization = '2.5.4.10';
const commonName = '2.5.4.3';
const named = new Set([organization, commonName]);
const domainComponent = '0.9.2342.19200300.100.1.25';

function nameForm(subject: Certificate['subject']): RuleFinding | undefined {
  const has = (type: string): boolean => hasAttribute(subject, type);
  if (!has(commonName) || !(has(organization) || has(domainComponent)))
    return broken('the subject is neither (C), O, CN nor CN, (OU), DC, DC');
  const other = subject.rdns.some((rdn) => rdn.some(({ type, tag }) => named.has(type) && tag !== utf8String));
  return other ? broken('O and CN should be UTF8String') : undefined;
}
