import { type KeyUsage, keyUsages } from '../../src/x509/extension-keys.ts';
import { type ExtensionName, extensionOids } from '../../src/x509/oids.ts';
import * as der from './der-writer.ts';

/** Extensions for minted certificates. */

export function extension(name: ExtensionName | string, value: Uint8Array, critical = false): Uint8Array {
  const oid = (extensionOids as Readonly<Record<string, string>>)[name] ?? name;
  return der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octets(value));
}

export function basicConstraints(ca: boolean, pathLength?: number, critical = true): Uint8Array {
  const value = der.sequence(
    ...(ca ? [der.boolean(true)] : []),
    ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
  );
  return extension('basicConstraints', value, critical);
}

export function keyUsage(uses: readonly KeyUsage[], critical = true): Uint8Array {
  const numbers = uses.map((use) => keyUsages.indexOf(use));
  const last = Math.max(...numbers, 0);
  const bytes = new Uint8Array(Math.floor(last / 8) + 1);
  for (const n of numbers) bytes[n >> 3] = (bytes[n >> 3] ?? 0) | (0x80 >> (n & 7));
  return extension('keyUsage', der.bits(bytes, 7 - (last & 7)), critical);
}

export function extKeyUsage(purposes: readonly string[], critical = false): Uint8Array {
  return extension('extKeyUsage', der.sequence(...purposes.map(der.oid)), critical);
}

export type NameEntry =
  | { readonly dns: string }
  | { readonly email: string }
  | { readonly uri: string }
  | { readonly ip: readonly number[] }
  | { readonly directory: Uint8Array }
  | { readonly registeredId: string }
  | { readonly other: string };

export function generalName(entry: NameEntry): Uint8Array {
  if ('dns' in entry) return der.implicit(2, Buffer.from(entry.dns, 'latin1'));
  if ('email' in entry) return der.implicit(1, Buffer.from(entry.email, 'latin1'));
  if ('uri' in entry) return der.implicit(6, Buffer.from(entry.uri, 'latin1'));
  if ('ip' in entry) return der.implicit(7, Buffer.from(entry.ip));
  if ('directory' in entry) return der.explicit(4, entry.directory);
  if ('registeredId' in entry) return der.implicit(8, der.oidOctets(entry.registeredId));
  return der.explicit(0, der.oid(entry.other), der.explicit(0, der.nothing()));
}

export function subjectAltName(names: readonly NameEntry[], critical = false): Uint8Array {
  return extension('subjectAltName', der.sequence(...names.map(generalName)), critical);
}

export interface Subtrees {
  readonly permitted?: readonly NameEntry[];
  readonly excluded?: readonly NameEntry[];
}

export function nameConstraints({ permitted, excluded }: Subtrees, critical = true): Uint8Array {
  const list = (entries: readonly NameEntry[]): Uint8Array[] => entries.map((e) => der.sequence(generalName(e)));
  const value = der.sequence(
    ...(permitted === undefined ? [] : [der.explicit(0, ...list(permitted))]),
    ...(excluded === undefined ? [] : [der.explicit(1, ...list(excluded))]),
  );
  return extension('nameConstraints', value, critical);
}

export function certificatePolicies(policies: readonly string[], critical = false): Uint8Array {
  return extension('certificatePolicies', der.sequence(...policies.map((p) => der.sequence(der.oid(p)))), critical);
}

export function policyMappings(pairs: readonly (readonly [string, string])[]): Uint8Array {
  const list = pairs.map(([issuer, subject]) => der.sequence(der.oid(issuer), der.oid(subject)));
  return extension('policyMappings', der.sequence(...list), true);
}

export function policyConstraints(explicitPolicy?: number, inhibitMapping?: number, critical = true): Uint8Array {
  const value = der.sequence(
    ...(explicitPolicy === undefined ? [] : [der.implicit(0, der.integerOctets(explicitPolicy))]),
    ...(inhibitMapping === undefined ? [] : [der.implicit(1, der.integerOctets(inhibitMapping))]),
  );
  return extension('policyConstraints', value, critical);
}

export function inhibitAnyPolicy(skip: number, critical = true): Uint8Array {
  return extension('inhibitAnyPolicy', der.integer(skip), critical);
}

export function authorityKeyIdentifier(id: Uint8Array, critical = false): Uint8Array {
  return extension('authorityKeyIdentifier', der.sequence(der.implicit(0, id)), critical);
}

export function subjectKeyIdentifier(id: Uint8Array, critical = false): Uint8Array {
  return extension('subjectKeyIdentifier', der.octets(id), critical);
}

export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const anyPurpose = '2.5.29.37.0';

/** What a CA of the profile carries. */
export const caExtensions = (pathLength?: number): Uint8Array[] => [
  basicConstraints(true, pathLength),
  keyUsage(['keyCertSign', 'cRLSign']),
];

/** What a device of the profile carries. */
export const deviceExtensions = (...more: readonly Uint8Array[]): Uint8Array[] => [
  basicConstraints(false),
  keyUsage(['digitalSignature']),
  extKeyUsage([clientAuth]),
  ...more,
];
