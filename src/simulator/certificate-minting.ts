import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import type * as X509 from '@peculiar/x509';
import { parseCertificate } from '../x509/certificate.ts';

/** Attribute types and values in the order they are written, e.g. `[['O', 'Acme'], ['CN', 'Acme Root']]`. */
export type NameParts = readonly (readonly ['C' | 'O' | 'OU' | 'CN', string])[];

/** An extension as it stands in the certificate, or how @peculiar/x509 makes it once it is loaded. */
export type Extension = RawExtension | ((x509: Library) => X509.Extension | Promise<X509.Extension>);

export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the value inside the OCTET STRING. */
  readonly value: Uint8Array;
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
}

export type SignatureHash = 'sha256' | 'sha384' | 'sha1' | 'md5';
export type KeyUsage = keyof typeof X509.KeyUsageFlags;
export type Purpose = 'serverAuth' | 'clientAuth' | 'ocspSigning';

export type Library = typeof X509;

/**
 * @peculiar/x509 takes a fifth of a second to load, and a run that takes up a PKI already made mints nothing: hence at
 * the first certificate. Its dependency injector looks for the metadata polyfill while loading.
 */
export async function loadX509(): Promise<Library> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Signs a certificate of version 3, its serial number 16 random octets and positive. Returns its DER. */
export async function mintCertificate(template: CertificateTemplate): Promise<Buffer> {
  const x509 = await loadX509();
  const { issuer, hash = 'sha256' } = template;
  const extensions = await Promise.all(template.extensions.map((extension) => layOutExtension(x509, extension)));
  const layout: Layout = {
    subject: writeName(x509, template.subject),
    issuer: writeName(x509, issuer.name),
    notBefore: template.notBefore,
    notAfter: template.notAfter,
    publicKey: spki(template.publicKey),
    extensions: extensions.map(({ laidOut }) => laidOut),
  };
  if (hash === 'md5' || extensions.some(({ meant }) => meant !== undefined))
    return signApart(x509, layout, extensions, issuer.privateKey, hash);
  const signingAlgorithm = webAlgorithm(issuer.privateKey, hash);
  const signingKey = issuer.privateKey.toCryptoKey(signingAlgorithm, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({ ...layout, signingAlgorithm, signingKey });
  return Buffer.from(certificate.rawData);
}

type Layout = Omit<X509.X509CertificateCreateWithSignatureParams, 'signature' | 'signingAlgorithm'>;

/** UTF8String, and PrintableString for a country (RFC 5280 4.1.2.4, A.1); the library alone would choose by content. */
export function writeName({ Name }: Library, parts: NameParts): X509.Name {
  return new Name(
    parts.map(([type, value]) => ({ [type]: [type === 'C' ? { printableString: value } : { utf8String: value }] })),
  );
}

interface LaidOutExtension {
  readonly laidOut: X509.Extension;
  /** What has to take its place. */
  readonly meant?: X509.Extension;
}

/**
 * The library reads an extension back before laying it out, and its reader loses arcs of more than eight octets, which
 * those of 2.25.<uuid> are. Such an extension gets a stand-in of its own length, under the nil UUID, with random content.
 */
async function layOutExtension(x509: Library, extension: Extension): Promise<LaidOutExtension> {
  if (typeof extension === 'function') return { laidOut: await extension(x509) };
  const { oid, critical, value } = extension;
  const meant = new x509.Extension(oid, critical, Uint8Array.from(value));
  if (meant.type === oid) return { laidOut: meant };
  const standIn = (content: Uint8Array<ArrayBuffer>) => new x509.Extension('2.25.0', critical, content);
  const room = meant.rawData.byteLength - standIn(new Uint8Array()).rawData.byteLength;
  const laidOut = standIn(randomBytes(room));
  // From 128 octets on, lengths take more room themselves.
  if (laidOut.rawData.byteLength !== meant.rawData.byteLength) throw new Error(`no stand-in for so long an ${oid}`);
  return { laidOut, meant };
}

/**
 * Signs with node:crypto what WebCrypto cannot (MD5) or what must not be signed as it was laid out (stand-ins): the
 * certificate is laid out under a signature that means nothing, to see what there is to sign, and then under the real
 * one; both times, what the stand-ins stand for takes their place.
 */
async function signApart(
  { X509CertificateGenerator }: Library,
  layout: Layout,
  extensions: readonly LaidOutExtension[],
  key: KeyObject,
  hash: SignatureHash,
): Promise<Buffer> {
  const signingAlgorithm = hash === 'md5' ? md5Algorithm(key) : webAlgorithm(key, hash);
  const signature = new Uint8Array(128).fill(1);
  const draft = await X509CertificateGenerator.create({ ...layout, signingAlgorithm, signature });
  const { signed } = parseCertificate(asMeant(draft, extensions)).signature;
  const certificate = await X509CertificateGenerator.create({
    ...layout,
    serialNumber: draft.serialNumber,
    signingAlgorithm,
    signature: sign(hash, signed, { key, dsaEncoding: 'ieee-p1363' }),
  });
  return asMeant(certificate, extensions);
}

function asMeant({ rawData }: X509.X509Certificate, extensions: readonly LaidOutExtension[]): Buffer {
  const der = Buffer.from(rawData);
  for (const { laidOut, meant } of extensions)
    if (meant !== undefined) der.set(new Uint8Array(meant.rawData), der.indexOf(new Uint8Array(laidOut.rawData)));
  return der;
}

const webHashes = { sha256: 'SHA-256', sha384: 'SHA-384', sha1: 'SHA-1' } as const;
const webCurves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384' };

export function webAlgorithm(key: KeyObject, hash: keyof typeof webHashes) {
  return key.asymmetricKeyType === 'rsa'
    ? { name: 'RSASSA-PKCS1-v1_5', hash: webHashes[hash] }
    : { name: 'ECDSA', hash: webHashes[hash], namedCurve: webCurves[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? '' };
}

/** RFC 3279 2.2.1: md5WithRSAEncryption with NULL for its parameters. */
function md5Algorithm(key: KeyObject) {
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`no signature algorithm for ${key.asymmetricKeyType} with md5`);
  return { name: '1.2.840.113549.1.1.4', parameters: Uint8Array.of(5, 0).buffer };
}

function spki(key: KeyObject): Buffer<ArrayBuffer> {
  return key.export({ type: 'spki', format: 'der' });
}

export function basicConstraints(ca: boolean, pathLength?: number): Extension {
  return ({ BasicConstraintsExtension }) => new BasicConstraintsExtension(ca, pathLength, true);
}

export function keyUsage(...usages: readonly KeyUsage[]): Extension {
  return ({ KeyUsagesExtension, KeyUsageFlags }) =>
    new KeyUsagesExtension(
      usages.reduce((flags, usage) => flags | KeyUsageFlags[usage], 0),
      true,
    );
}

export function extendedKeyUsage(...purposes: readonly Purpose[]): Extension {
  return ({ ExtendedKeyUsageExtension, ExtendedKeyUsage }) =>
    new ExtendedKeyUsageExtension(purposes.map((purpose) => ExtendedKeyUsage[purpose]));
}

/** DNS names and IP addresses, told apart by their shape. */
export function subjectAltName(...names: readonly string[]): Extension {
  return ({ SubjectAlternativeNameExtension }) =>
    new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })));
}

/** RFC 5280 4.2.1.13: where the CRL is. */
export function crlPointer(...urls: readonly string[]): Extension {
  return ({ CRLDistributionPointsExtension }) => new CRLDistributionPointsExtension([...urls]);
}

/** RFC 5280 4.2.2.1: where the responder is. */
export function ocspPointer(...urls: readonly string[]): Extension {
  return ({ AuthorityInfoAccessExtension }) => new AuthorityInfoAccessExtension({ ocsp: [...urls] });
}

/** RFC 5280 4.2.1.2 (1): SHA-1 over the key's bits; an identifier, not a signature. */
export function subjectKeyIdentifier(key: KeyObject): Extension {
  return ({ SubjectKeyIdentifierExtension }) => SubjectKeyIdentifierExtension.create(spki(key));
}

export function authorityKeyIdentifier(key: KeyObject): Extension {
  return ({ AuthorityKeyIdentifierExtension }) => AuthorityKeyIdentifierExtension.create(spki(key));
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
