import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlPointer,
  type Extension,
  extendedKeyUsage,
  type Issuer,
  keyUsage,
  mintCertificate,
  ocspPointer,
  type NameParts,
  pem,
  type RawExtension,
  type SignatureHash,
  subjectAltName,
  subjectKeyIdentifier,
} from './certificate-minting.ts';
import { type AnchorName, anchorPlans, findAuthority } from './development-authorities.ts';
import type { DevelopmentPki } from './development-pki.ts';
import { type KeyKind, type KeyPair, newKeyPair, privateKeyPem } from './key-pairs.ts';

/** Ways in which a device certificate can be wrong (or, for `no-expiry` and `cn-only`, unusual and right). */
export const deviceFaults = [
  'expired',
  'not-yet-valid',
  /** notAfter 9999-12-31 (RFC 5280 4.1.2.5). */
  'no-expiry',
  /** serverAuth alone. */
  'wrong-eku',
  'no-eku',
  'sha1-signature',
  'md5-signature',
  /** A second `<EUI>.<realm>` of the same realm in subjectAltName. */
  'two-identities',
  /** The EUI under a realm that the anchor may not speak for. */
  'foreign-realm',
  /** No subjectAltName: the identity stands in the common name alone. */
  'cn-only',
  'no-identity',
  /** A CA nobody knows. */
  'unknown-ca',
  /** A CA that bears the names of the real one, with another key. */
  'impostor-ca',
  /** The issuing certificate is left out of the chain. */
  'no-intermediate',
  'ca-true-leaf',
  'unknown-critical-extension',
  /** One CA more below the issuing CA than its path length allows. */
  'path-length',
] as const;

export type DeviceFault = (typeof deviceFaults)[number];

export interface DeviceOrder {
  readonly pki: DevelopmentPki;
  readonly anchor: AnchorName;
  /** `00a0bc123456.hnb.acme.example`, or `OUI[-ProductClass]-Serial`, which goes into the common name alone. */
  readonly identity: string;
  /** A kind to generate, or a pair to certify (renewal with the same key). */
  readonly key: KeyKind | KeyPair;
  readonly at: Date;
  readonly faults?: readonly DeviceFault[];
  /** Where the certificate says that its revocation can be asked for. */
  readonly pointers?: { readonly crl?: string; readonly ocsp?: string };
  /** Folder to write `device.crt`, `device.key` and `ca.crt` into. */
  readonly out?: string;
}

export interface DeviceCredentials {
  readonly identity: string;
  /** PEM: leaf, then its issuing CA if that is not an anchor itself. */
  readonly chain: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM: the CA by which the device trusts the H(e)MS. */
  readonly ca: string;
  /** Hex SHA-256 of the leaf. */
  readonly fingerprint: string;
  readonly pair: KeyPair;
}

const day = 86_400_000;
/** CERT-27: a certificate that cannot be renewed remotely outlives its device. */
const lifetime = 20 * 365 * day;

/** Issues a device certificate under an anchor of the development PKI, right or with the faults asked for. */
export async function issueDevice(order: DeviceOrder): Promise<DeviceCredentials> {
  const faults = new Set(order.faults ?? []);
  const pair = typeof order.key === 'string' ? await newKeyPair(order.key) : order.key;
  const issuers = await issuingChain(order, faults);
  const leaf = await mintLeaf(order, faults, pair, issuers.signer);
  const credentials: DeviceCredentials = {
    identity: order.identity,
    chain: [leaf, ...(faults.has('no-intermediate') ? [] : issuers.below)]
      .map((der) => pem('CERTIFICATE', der))
      .join(''),
    key: privateKeyPem(pair),
    ca: order.pki.operatorCa.pem,
    fingerprint: new X509Certificate(leaf).fingerprint256.replaceAll(':', '').toLowerCase(),
    pair,
  };
  if (order.out !== undefined) await writeCredentials(order.out, credentials);
  return credentials;
}

async function writeCredentials(folder: string, credentials: DeviceCredentials): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'device.crt'), credentials.chain);
  const key = join(folder, 'device.key');
  await writeFile(key, credentials.key, { mode: 0o600 });
  // A file that was there keeps its mode.
  await chmod(key, 0o600);
  await writeFile(join(folder, 'ca.crt'), credentials.ca);
}

interface IssuingChain {
  readonly signer: Issuer;
  /** CA certificates that the device has to send, lowest first. */
  readonly below: readonly Buffer[];
}

async function issuingChain({ pki, anchor, at }: DeviceOrder, faults: ReadonlySet<DeviceFault>): Promise<IssuingChain> {
  const plan = anchorPlans[anchor];
  const issuing = findAuthority(pki.authorities, plan.issuing);
  if (faults.has('unknown-ca'))
    return newAuthority(
      [
        ['O', 'Nobody'],
        ['CN', 'Nobody CA'],
      ],
      undefined,
      at,
    );
  if (faults.has('impostor-ca')) return newAuthority(issuing.issuer.name, undefined, at);
  const real = { signer: issuing.issuer, below: plan.root === plan.issuing ? [] : [issuing.certificate] };
  if (!faults.has('path-length')) return real;
  const extra = await newAuthority(
    [
      ['O', plan.organisation],
      ['CN', 'One CA too many'],
    ],
    issuing.issuer,
    at,
  );
  return { signer: extra.signer, below: [...extra.below, ...real.below] };
}

async function newAuthority(name: NameParts, above: Issuer | undefined, at: Date): Promise<IssuingChain> {
  const signer: Issuer = { name, ...(await newKeyPair('ec')) };
  const certificate = await mintCertificate({
    subject: name,
    publicKey: signer.publicKey,
    issuer: above ?? signer,
    notBefore: new Date(at.getTime() - 365 * day),
    notAfter: new Date(at.getTime() + lifetime),
    extensions: [
      basicConstraints(true),
      keyUsage('keyCertSign', 'cRLSign'),
      subjectKeyIdentifier(signer.publicKey),
      authorityKeyIdentifier((above ?? signer).publicKey),
    ],
  });
  return { signer, below: [certificate] };
}

function mintLeaf(
  order: DeviceOrder,
  faults: ReadonlySet<DeviceFault>,
  pair: KeyPair,
  signer: Issuer,
): Promise<Buffer> {
  const names = identityNames(order.identity, faults);
  return mintCertificate({
    subject: [['O', anchorPlans[order.anchor].organisation], ...names.subject],
    publicKey: pair.publicKey,
    issuer: signer,
    ...validity(order.at, faults),
    hash: signatureHash(faults),
    extensions: [
      basicConstraints(faults.has('ca-true-leaf')),
      // TS 33.310 6.1.3a: keyUsage critical with digitalSignature.
      faults.has('ca-true-leaf') ? keyUsage('digitalSignature', 'keyCertSign') : keyUsage('digitalSignature'),
      ...purposes(faults),
      ...(names.alternative.length === 0 ? [] : [subjectAltName(...names.alternative)]),
      subjectKeyIdentifier(pair.publicKey),
      authorityKeyIdentifier(signer.publicKey),
      ...(order.pointers?.crl === undefined ? [] : [crlPointer(order.pointers.crl)]),
      ...(order.pointers?.ocsp === undefined ? [] : [ocspPointer(order.pointers.ocsp)]),
      ...(faults.has('unknown-critical-extension') ? [unknownExtension] : []),
    ],
  });
}

const unknownText = Buffer.from('nobody can process this');

/** An OID below 2.25 that nobody has given a meaning, over a UTF8String. */
const unknownExtension: RawExtension = {
  oid: '2.25.271828182845904523536028747135266249',
  critical: true,
  value: Buffer.of(0x0c, unknownText.length, ...unknownText),
};

function validity(at: Date, faults: ReadonlySet<DeviceFault>): { notBefore: Date; notAfter: Date } {
  const from = at.getTime();
  if (faults.has('expired')) return { notBefore: new Date(from - 365 * day), notAfter: new Date(from - day) };
  if (faults.has('not-yet-valid')) return { notBefore: new Date(from + day), notAfter: new Date(from + lifetime) };
  const notAfter = faults.has('no-expiry') ? new Date('9999-12-31T23:59:59Z') : new Date(from + lifetime);
  return { notBefore: new Date(from - day), notAfter };
}

function signatureHash(faults: ReadonlySet<DeviceFault>): SignatureHash {
  if (faults.has('md5-signature')) return 'md5';
  return faults.has('sha1-signature') ? 'sha1' : 'sha256';
}

function purposes(faults: ReadonlySet<DeviceFault>): Extension[] {
  if (faults.has('no-eku')) return [];
  return [extendedKeyUsage(faults.has('wrong-eku') ? 'serverAuth' : 'clientAuth')];
}

/** TS 23.003 4.10: `<EUI>.<realm>` in subjectAltName, repeated in the common name; other identities in the latter alone. */
function identityNames(
  identity: string,
  faults: ReadonlySet<DeviceFault>,
): { subject: NameParts; alternative: string[] } {
  if (faults.has('no-identity')) return { subject: [['CN', 'femtocell']], alternative: [] };
  const [label = '', ...realm] = identity.split('.');
  if (realm.length === 0) return { subject: [['CN', identity]], alternative: [] };
  const name = faults.has('foreign-realm') ? `${label}.hnb.elsewhere.example` : identity;
  const alternative = faults.has('cn-only') ? [] : [name];
  if (faults.has('two-identities')) alternative.push(`${otherLabel(label)}.${realm.join('.')}`);
  return { subject: [['CN', name]], alternative };
}

function otherLabel(label: string): string {
  return `${label.slice(0, -1)}${label.endsWith('f') ? '0' : 'f'}`;
}
