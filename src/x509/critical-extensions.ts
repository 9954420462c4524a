import type { Extension } from './extensions.ts';
import type { ExtensionName } from './oids.ts';

/** Extensions of RFC 5280 whose meaning for the path is worked out here; any other that is critical refuses. */
const processed = new Set<ExtensionName | undefined>([
  'keyUsage',
  'extKeyUsage',
  'basicConstraints',
  'subjectAltName',
  'nameConstraints',
  'certificatePolicies',
  'policyMappings',
  'policyConstraints',
  'inhibitAnyPolicy',
  // Hints: processed by being used as such.
  'authorityKeyIdentifier',
  'subjectKeyIdentifier',
  // Where to ask about revocation: read by those who ask.
  'cRLDistributionPoints',
  'freshestCRL',
  'authorityInfoAccess',
  'subjectInfoAccess',
  'issuerAltName',
]);

/** RFC 5280 6.1.4 (o), 6.1.5 (f): whether an extension is one that we process. */
export function isProcessed(extension: Extension): boolean {
  return extension.name !== undefined && processed.has(extension.name);
}

/** Extensions that RFC 5280 wants not critical (4.2.1.1, 4.2.1.2, 4.2.1.8, 4.2.1.15, 4.2.2). */
export const neverCritical: readonly ExtensionName[] = [
  'authorityKeyIdentifier',
  'subjectKeyIdentifier',
  'authorityInfoAccess',
  'subjectInfoAccess',
  'subjectDirectoryAttributes',
  'freshestCRL',
];
