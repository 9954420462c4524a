import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  namedBits,
  nullValue,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  set,
  smallInteger,
  time,
  tlv,
  unsignedInteger,
  utf8String,
} from './der.ts';

/** Attribute types and values in the order they are written, e.g. `[['O', 'Acme'], ['CN', 'Acme Root']]`. */
export type NameParts = readonly (readonly ['C' | 'O' | 'OU' | 'CN', string])[];

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the value inside the OCTET STRING. */
  readonly value: Buffer;
}

export interface Issuer {
  readonly name: NameParts;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface CertificateTemplate {
  readonly subject: NameParts;
  readonly publicKey: KeyObject;
  readonly issuer: Issuer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Extension[];
  /** Default sha256. The others exist to be refused (TS 33.310 6.1.1). */
  readonly hash?: SignatureHash;
  /** Positive, big-endian; random by default. */
  readonly serialNumber?: Uint8Array;
}

export type SignatureHash = 'sha256' | 'sha384' | 'sha1' | 'md5';

const attributeOids = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' } as const;

const signatureOids: Record<string, Record<SignatureHash, string | undefined>> = {
  rsa: {
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha1: '1.2.840.113549.1.1.5',
    md5: '1.2.840.113549.1.1.4',
  },
  ec: { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3', sha1: '1.2.840.10045.4.1', md5: undefined },
};

function encodeName(parts: NameParts): Buffer {
  const attribute = ([type, value]: NameParts[number]): Buffer =>
    set(sequence(objectIdentifier(attributeOids[type]), type === 'C' ? printableString(value) : utf8String(value)));
  return sequence(...parts.map(attribute));
}

function signatureAlgorithm(key: KeyObject, hash: SignatureHash): Buffer {
  const oid = signatureOids[key.asymmetricKeyType ?? '']?.[hash];
  if (oid === undefined) throw new Error(`no signature algorithm for ${key.asymmetricKeyType} with ${hash}`);
  // RFC 4055: NULL parameters for RSA; RFC 5758: none for ECDSA.
  return key.asymmetricKeyType === 'rsa'
    ? sequence(objectIdentifier(oid), nullValue())
    : sequence(objectIdentifier(oid));
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** RFC 5280 4.2.1.2 (1): SHA-1 over the key's bits; an identifier, not a signature. */
export function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1').update(keyBits(key)).digest();
}

/** What the BIT STRING of the SubjectPublicKeyInfo holds. */
function keyBits(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'der' });
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

/** Signs a certificate of version 3. Returns its DER. */
export function mintCertificate(template: CertificateTemplate): Buffer {
  const hash = template.hash ?? 'sha256';
  const algorithm = signatureAlgorithm(template.issuer.privateKey, hash);
  const extensions = template.extensions.map(({ oid, critical, value }) =>
    sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value)),
  );
  const tbs = sequence(
    explicit(0, smallInteger(2)),
    unsignedInteger(template.serialNumber ?? randomSerial()),
    algorithm,
    encodeName(template.issuer.name),
    sequence(time(template.notBefore), time(template.notAfter)),
    encodeName(template.subject),
    spki(template.publicKey),
    explicit(3, sequence(...extensions)),
  );
  return sequence(tbs, algorithm, bitString(sign(hash, tbs, template.issuer.privateKey)));
}

/** 127 random bits, never zero: positive and well below the 20 octets of RFC 5280 4.1.2.2. */
function randomSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

const keyUsageBits = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 } as const;
export type KeyUsage = keyof typeof keyUsageBits;

const purposeOids = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;
export type Purpose = keyof typeof purposeOids;

export function basicConstraints(ca: boolean, pathLength?: number): Extension {
  const parts = [...(ca ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [smallInteger(pathLength)])];
  return { oid: '2.5.29.19', critical: true, value: sequence(...parts) };
}

export function keyUsage(...usages: readonly KeyUsage[]): Extension {
  return { oid: '2.5.29.15', critical: true, value: namedBits(usages.map((usage) => keyUsageBits[usage])) };
}

export function extendedKeyUsage(...purposes: readonly Purpose[]): Extension {
  const oids = purposes.map((purpose) => objectIdentifier(purposeOids[purpose]));
  return { oid: '2.5.29.37', critical: false, value: sequence(...oids) };
}

/** DNS names and IP addresses, told apart by their shape. */
export function subjectAltName(...names: readonly string[]): Extension {
  const general = names.map((name) =>
    isIP(name) === 0 ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, addressOctets(name)),
  );
  return { oid: '2.5.29.17', critical: false, value: sequence(...general) };
}

/** Plain IPv4, or the one IPv6 address a development certificate needs. */
function addressOctets(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  if (address === '::1') return Buffer.concat([Buffer.alloc(15), Buffer.of(1)]);
  throw new Error(`cannot write the address ${address} into a certificate`);
}

export function subjectKeyIdentifier(key: KeyObject): Extension {
  return { oid: '2.5.29.14', critical: false, value: octetString(keyIdentifier(key)) };
}

export function authorityKeyIdentifier(key: KeyObject): Extension {
  return { oid: '2.5.29.35', critical: false, value: tlv(0x30, implicit(0, keyIdentifier(key))) };
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
