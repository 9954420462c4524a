import { registeredSuites } from './cipher-suite-registry.ts';

/** Families that no profile and no configuration lets in. */
export type ForbiddenFamily =
  | 'RC4'
  | 'NULL'
  | 'EXPORT'
  | 'anonymous'
  | 'DES'
  | '3DES'
  | 'MD5'
  | 'PSK'
  | 'SRP'
  | 'IDEA'
  | 'SEED';

/** One suite of the IANA registry, taken apart by its name. */
export interface CipherSuite {
  /** Code point on the wire, 0 to 0xffff. */
  readonly id: number;
  /** `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256` */
  readonly name: string;
  /** `ECDHE-ECDSA-AES128-GCM-SHA256`; the IANA name again for TLS 1.3. */
  readonly openssl: string;
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** `RSA`, `DHE_RSA`, `ECDH_anon`, `ECDHE_PSK` …; `any` in TLS 1.3. */
  readonly keyExchange: string;
  /** `AES_128_GCM`, `RC4_128`, `NULL` … */
  readonly encryption: string;
  /** `SHA`, `SHA256`, `MD5` …; for AEAD suites the hash of the key derivation. */
  readonly hash: string;
  readonly aead: boolean;
  /** Empty for a suite that a profile may choose. */
  readonly forbidden: readonly ForbiddenFamily[];
}

const opensslKeyExchange: Readonly<Record<string, string>> = {
  RSA: '',
  DH_anon: 'ADH-',
  ECDH_anon: 'AECDH-',
  SRP_SHA: 'SRP-',
  SRP_SHA_RSA: 'SRP-RSA-',
  SRP_SHA_DSS: 'SRP-DSS-',
  PSK_DHE: 'DHE-PSK-',
};

function opensslCipher(keyExchange: string, encryption: string, hash: string): string {
  const spelledOut = /PSK|SRP/.test(keyExchange);
  if (encryption.startsWith('CHACHA20')) return 'CHACHA20-POLY1305';
  if (/^3DES/.test(encryption)) return spelledOut ? `3DES-EDE-CBC-${hash}` : `DES-CBC3-${hash}`;
  if (/^DES/.test(encryption)) return `DES-CBC-${hash}`;
  if (/^(RC4|RC2|SEED|IDEA)/.test(encryption))
    return `${encryption.replace(/_(40|56|128)\b/, '').replaceAll('_', '-')}-${hash}`.replace('SEED-CBC', 'SEED');
  if (keyExchange.startsWith('SRP')) return `${encryption.replaceAll('_', '-')}-${hash}`;
  const compact = encryption
    .replace(/^(AES|CAMELLIA|ARIA)_/, '$1')
    .replace('CCM_8', 'CCM8')
    .replaceAll('_', '-');
  if (/CCM8?$/.test(compact)) return compact;
  return `${/^AES.*PSK/.test(encryption + keyExchange) ? compact : compact.replace(/-CBC$/, '')}-${hash}`;
}

function opensslName(keyExchange: string, encryption: string, hash: string): string {
  const cipher = opensslCipher(keyExchange, encryption, hash);
  if (keyExchange === 'ECDHE_RSA' && cipher.startsWith('ARIA')) return `ECDHE-${cipher}`;
  const [, base = '', size] = /^(.*?)(?:_EXPORT(1024)?)?$/.exec(keyExchange) ?? [];
  const prefix = opensslKeyExchange[base] ?? `${base.replaceAll('_', '-')}-`;
  return base === keyExchange ? `${prefix}${cipher}` : `EXP${size ?? ''}-${prefix}${cipher}`;
}

function families(keyExchange: string, encryption: string, hash: string): ForbiddenFamily[] {
  const found: ForbiddenFamily[] = [];
  // TS 33.320 8.3.4: ciphersuites with RC4 shall not be used.
  if (/^RC4/.test(encryption)) found.push('RC4');
  if (/^NULL/.test(encryption)) found.push('NULL');
  if (/EXPORT/.test(keyExchange)) found.push('EXPORT');
  if (/anon/.test(keyExchange)) found.push('anonymous');
  if (/^DES/.test(encryption)) found.push('DES');
  if (/^3DES/.test(encryption)) found.push('3DES');
  if (hash === 'MD5') found.push('MD5');
  // TS 33.320 8.3.4: no shared-secret-based authentication.
  if (/PSK|PWD/.test(keyExchange)) found.push('PSK');
  if (/^SRP/.test(keyExchange)) found.push('SRP');
  if (/^IDEA/.test(encryption)) found.push('IDEA');
  if (/^SEED/.test(encryption)) found.push('SEED');
  return found;
}

function classicSuite(id: number, name: string, keyExchange: string, cipher: string): CipherSuite {
  const [, encryption = cipher, hash = ''] = /^(.*?)(?:_(SHA\d*|MD5|SM3|NULL|IMIT|GOSTR3411))?$/.exec(cipher) ?? [];
  return {
    id,
    name: `TLS_${name}`,
    openssl: opensslName(keyExchange, encryption, hash),
    version: 'TLSv1.2',
    keyExchange,
    encryption,
    hash,
    aead: /GCM|CCM|POLY1305/.test(encryption),
    forbidden: families(keyExchange, encryption, hash),
  };
}

function parseSuite(id: number, name: string): CipherSuite {
  const classic = /^(.*)_WITH_(.*)$/.exec(name);
  if (classic !== null) return classicSuite(id, name, classic[1] ?? '', classic[2] ?? '');
  const [, encryption = '', hash = ''] = /^(.*)_(\w+)$/.exec(name) ?? [];
  // RFC 9150: the integrity-only suites of TLS 1.3 encrypt nothing.
  const integrityOnly = /^SHA/.test(encryption);
  return {
    id,
    name: `TLS_${name}`,
    openssl: `TLS_${name}`,
    version: 'TLSv1.3',
    keyExchange: 'any',
    encryption: integrityOnly ? 'NULL' : encryption,
    hash,
    aead: !integrityOnly,
    forbidden: integrityOnly ? ['NULL'] : [],
  };
}

/** Every suite of the registry, in the order of its code points. */
export const cipherSuites: readonly CipherSuite[] = registeredSuites.flatMap(([first, names]) =>
  names
    .trim()
    .split(/\s+/)
    .flatMap((name, offset) => (name === '-' ? [] : [parseSuite(first + offset, name)])),
);

const byId = new Map(cipherSuites.map((suite) => [suite.id, suite]));
const byName = new Map(
  cipherSuites.flatMap((suite) => [
    [suite.openssl.toUpperCase(), suite],
    [suite.name.toUpperCase(), suite],
  ]),
);

export function suiteById(id: number): CipherSuite | undefined {
  return byId.get(id);
}

/** Finds a suite by its IANA or its OpenSSL name, old spellings (`EDH-RSA-…`) included; undefined if there is none. */
export function suiteByName(name: string): CipherSuite | undefined {
  const upper = name.toUpperCase();
  return byName.get(upper) ?? byName.get(upper.replace(/^(EXP-)?EDH-/, '$1DHE-'));
}

/** Values that a ClientHello lists among its suites but that name none: the two SCSVs and GREASE (RFC 8701). */
export function isSignallingValue(id: number): boolean {
  return id === 0x00ff || id === 0x5600 || ((id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff));
}
