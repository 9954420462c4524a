import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Certificate, parseCertificate } from '../../src/x509/certificate.ts';
import * as der from './der-writer.ts';

/** Mints certificates for the tests: every field can be set, also to what no CA would write. */

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly spki: Uint8Array;
}

type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'ed25519' | `rsa-${number}`;

export function newKey(kind: KeyKind = 'P-256', publicExponent = 65537): KeyPair {
  const pair = kind.startsWith('rsa-')
    ? generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)), publicExponent })
    : kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: kind });
  return { ...pair, spki: pair.publicKey.export({ format: 'der', type: 'spki' }) };
}

const pool = new Map<string, KeyPair>();

/** A key by number, made once in a test run. */
export function keyNumber(number: number, kind: KeyKind = 'P-256'): KeyPair {
  const name = `${kind} ${number}`;
  const key = pool.get(name) ?? newKey(kind);
  pool.set(name, key);
  return key;
}

const attributeTypes: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  DC: '0.9.2342.19200300.100.1.25',
  E: '1.2.840.113549.1.9.1',
};

/** A name from `C=XX/O=Acme/CN=Root`; values in UTF8String, C in PrintableString, DC and E in IA5String. */
export function name(text: string): Uint8Array {
  if (text === '') return der.sequence();
  const parts = text.split('/').map((part) => part.split(/=(.*)/s) as [string, string]);
  return der.sequence(...parts.map(([type, value]) => der.set(attribute(type, encodeValue(type, value)))));
}

function encodeValue(type: string, value: string): Uint8Array {
  return type === 'C' ? der.printable(value) : type === 'DC' || type === 'E' ? der.ia5(value) : der.utf8(value);
}

export function attribute(type: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(attributeTypes[type] ?? type), value);
}

export interface Minted {
  readonly der: Uint8Array;
  readonly key: KeyPair;
  readonly subject: Uint8Array;
  readonly certificate: Certificate;
}

export interface MintOptions {
  /** Text for `name`, or DER. */
  readonly subject?: string | Uint8Array;
  readonly issuer?: string | Uint8Array;
  readonly key?: KeyPair;
  /** Who signs; absent: itself. */
  readonly by?: { readonly key: KeyPair; readonly subject: Uint8Array };
  readonly serial?: Uint8Array | number | bigint;
  readonly notBefore?: Date | Uint8Array;
  readonly notAfter?: Date | Uint8Array;
  /** Extensions as DER; undefined ones are left out. `null`: no extensions field. */
  readonly extensions?: readonly (Uint8Array | undefined)[] | null;
  readonly version?: 1 | 2 | 3;
  readonly algorithm?: SigningAlgorithm;
  /** AlgorithmIdentifier inside, where it shall differ. */
  readonly innerAlgorithm?: Uint8Array;
  readonly uniqueId?: boolean;
}

export interface SigningAlgorithm {
  readonly identifier: Uint8Array;
  readonly sign: (tbs: Uint8Array, key: KeyObject) => Uint8Array;
}

const plain = (oid: string, hash: string | null, parameters?: Uint8Array): SigningAlgorithm => ({
  identifier: der.sequence(der.oid(oid), ...(parameters === undefined ? [] : [parameters])),
  sign: (tbs, key) => sign(hash, tbs, key),
});

export const algorithms = {
  'ecdsa-sha256': plain('1.2.840.10045.4.3.2', 'sha256'),
  'ecdsa-sha384': plain('1.2.840.10045.4.3.3', 'sha384'),
  'ecdsa-sha512': plain('1.2.840.10045.4.3.4', 'sha512'),
  'ecdsa-sha1': plain('1.2.840.10045.4.1', 'sha1'),
  'rsa-sha256': plain('1.2.840.113549.1.1.11', 'sha256', der.nothing()),
  'rsa-sha1': plain('1.2.840.113549.1.1.5', 'sha1', der.nothing()),
  'rsa-md5': plain('1.2.840.113549.1.1.4', 'md5', der.nothing()),
  ed25519: plain('1.3.101.112', null),
} as const;

function defaultAlgorithm({ publicKey }: KeyPair): SigningAlgorithm {
  if (publicKey.asymmetricKeyType === 'rsa') return algorithms['rsa-sha256'];
  return publicKey.asymmetricKeyType === 'ed25519' ? algorithms.ed25519 : algorithms['ecdsa-sha256'];
}

let serials = 1n << 62n;

const asName = (value: string | Uint8Array): Uint8Array => (typeof value === 'string' ? name(value) : value);
const asTime = (value: Date | Uint8Array): Uint8Array => (value instanceof Date ? der.time(value) : value);

export const longAgo = new Date('2020-01-01T00:00:00Z');
export const farAhead = new Date('2049-12-31T23:59:59Z');
/** The time at which the tests judge unless they say otherwise. */
export const now = new Date('2026-06-01T12:00:00Z');

export function mint(options: MintOptions): Minted {
  const { by, version = 3, extensions = [], serial = ++serials } = options;
  const key = options.key ?? keyNumber(0);
  const subject = asName(options.subject ?? 'CN=subject');
  const signer = by?.key ?? key;
  const algorithm = options.algorithm ?? defaultAlgorithm(signer);
  const list = extensions?.filter((extension) => extension !== undefined);
  const tbs = der.sequence(
    ...(version === 1 ? [] : [der.explicit(0, der.integer(version - 1))]),
    serial instanceof Uint8Array ? der.tlv(0x02, serial) : der.integer(serial),
    options.innerAlgorithm ?? algorithm.identifier,
    options.issuer === undefined ? (by?.subject ?? subject) : asName(options.issuer),
    der.sequence(asTime(options.notBefore ?? longAgo), asTime(options.notAfter ?? farAhead)),
    subject,
    key.spki,
    ...(options.uniqueId ? [der.implicit(1, Buffer.from([0, 1]))] : []),
    ...(list === undefined || list.length === 0 ? [] : [der.explicit(3, der.sequence(...list))]),
  );
  const signature = algorithm.sign(tbs, signer.privateKey);
  const whole = der.sequence(tbs, algorithm.identifier, der.bits(signature));
  let parsed: Certificate | undefined;
  return {
    der: whole,
    key,
    subject,
    get certificate() {
      parsed ??= parseCertificate(whole);
      return parsed;
    },
  };
}
