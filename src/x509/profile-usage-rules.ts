import { isCritical } from './extensions.ts';
import { purposes } from './oids.ts';
import type { PathDetail } from './path-failure.ts';
import type { ProfileRule, RuleFinding } from './profile.ts';

/** Rules on what a key may be used for, and on where its revocation is published. */

const finding = (detail: PathDetail, message: string): RuleFinding => ({ detail, message });

const purposeNames = new Map<string, string>(Object.entries(purposes).map(([name, oid]) => [oid, name]));
const named = (purpose: string): string => purposeNames.get(purpose) ?? purpose;

export const usageRules: readonly ProfileRule[] = [
  {
    name: 'extended-key-usage',
    clause: 'RFC 5280 4.2.1.12',
    summary: 'extendedKeyUsage, where present, has the purpose or anyExtendedKeyUsage',
    applies: 'leaf',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { extensions }, purpose }) =>
      allows(extensions.extKeyUsage, purpose)
        ? undefined
        : finding('extended_key_usage', `extendedKeyUsage has no ${named(purpose ?? '')}`),
  },
  {
    name: 'extended-key-usage-by-name',
    clause: 'TS 33.310 6.1.3a',
    summary: 'extendedKeyUsage, where present, names the purpose itself',
    applies: 'leaf',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { extensions }, purpose }) =>
      purpose === undefined || (extensions.extKeyUsage?.includes(purpose) ?? true)
        ? undefined
        : finding('extended_key_usage', `extendedKeyUsage does not name ${named(purpose)}`),
  },
  {
    name: 'ca-extended-key-usage',
    clause: 'RFC 5280 4.2.1.12',
    summary: 'extendedKeyUsage, where a CA has it, has the purpose or anyExtendedKeyUsage',
    applies: 'ca',
    anchorToo: true,
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { extensions }, purpose }) =>
      allows(extensions.extKeyUsage, purpose)
        ? undefined
        : finding('ca_extended_key_usage', `extendedKeyUsage of the CA has no ${named(purpose ?? '')}`),
  },
  {
    name: 'key-usage',
    clause: 'RFC 5280 4.2.1.3',
    // The RFC leaves it to the application which bits its protocol needs.
    summary: 'keyUsage, where present, has digitalSignature (or keyAgreement)',
    applies: 'leaf',
    levels: { hems: 'refuse', rfc5280: 'warn' },
    check: ({ certificate: { extensions }, purpose }) =>
      purpose !== purposes.clientAuth || (extensions.keyUsage?.some((use) => clientUses.includes(use)) ?? true)
        ? undefined
        : finding('key_usage', 'keyUsage has no digitalSignature'),
  },
  {
    name: 'device-key-usage',
    clause: 'TS 33.310 6.1.3a',
    summary: 'a device certificate has keyUsage with digitalSignature',
    applies: 'leaf',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { extensions } }) =>
      extensions.keyUsage?.includes('digitalSignature') === true
        ? undefined
        : finding('key_usage', extensions.keyUsage ? 'keyUsage has no digitalSignature' : 'has no keyUsage'),
  },
  {
    name: 'device-key-usage-critical',
    clause: 'TS 33.310 6.1.3a',
    summary: 'keyUsage of a device certificate is critical',
    applies: 'leaf',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate: { extensions } }) =>
      extensions.keyUsage === undefined || isCritical(extensions, 'keyUsage')
        ? undefined
        : finding('profile_rule', 'keyUsage is not critical'),
  },
  {
    name: 'device-is-no-ca',
    clause: 'TS 33.310 6.1.3a',
    summary: 'a device certificate is no CA certificate',
    applies: 'leaf',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { extensions } }) =>
      extensions.basicConstraints?.ca === true ? finding('profile_rule', 'is a CA certificate') : undefined,
  },
  {
    name: 'cert-sign-only-ca',
    clause: 'RFC 5280 4.2.1.3, 4.2.1.9',
    summary: 'keyCertSign and pathLenConstraint only in CA certificates',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { extensions } }) =>
      extensions.basicConstraints?.ca !== true &&
      (extensions.keyUsage?.includes('keyCertSign') || extensions.basicConstraints?.pathLength !== undefined)
        ? finding('profile_rule', 'has keyCertSign or pathLenConstraint and is no CA')
        : undefined,
  },
  {
    name: 'ca-basic-constraints-critical',
    clause: 'RFC 5280 4.2.1.9',
    summary: 'basicConstraints of a CA are critical',
    applies: 'ca',
    levels: { hems: 'warn', rfc5280: 'warn' },
    check: ({ certificate: { extensions } }) =>
      isCritical(extensions, 'basicConstraints')
        ? undefined
        : finding('profile_rule', 'basicConstraints are not critical'),
  },
  {
    name: 'ca-key-usage',
    clause: 'TS 33.310 6.1.4a',
    summary: 'a CA has a critical keyUsage with keyCertSign',
    applies: 'ca',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate: { extensions } }) =>
      extensions.keyUsage?.includes('keyCertSign') && isCritical(extensions, 'keyUsage')
        ? undefined
        : finding('key_cert_sign', 'has no critical keyUsage with keyCertSign'),
  },
  {
    name: 'issuing-ca-path-length',
    clause: 'TS 33.310 6.1.4a',
    summary: 'a CA that issues to devices has pathLenConstraint 0',
    applies: 'ca',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate: { extensions }, issuesLeaf }) =>
      issuesLeaf && extensions.basicConstraints?.pathLength !== 0
        ? finding('path_length', 'issues to devices without pathLenConstraint 0')
        : undefined,
  },
  {
    name: 'crl-distribution-points',
    clause: 'TS 33.310 6.1.3a',
    summary: 'a device certificate says where its CRL is (TS 33.320 makes it optional)',
    applies: 'leaf',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate: { extensions } }) =>
      extensions.cRLDistributionPoints === undefined
        ? finding('profile_rule', 'has no cRLDistributionPoints')
        : undefined,
  },
];

const clientUses = ['digitalSignature', 'keyAgreement'];

function allows(list: readonly string[] | undefined, purpose: string | undefined): boolean {
  if (list === undefined || purpose === undefined) return true;
  return list.includes(purpose) || list.includes(purposes.anyExtendedKeyUsage);
}
