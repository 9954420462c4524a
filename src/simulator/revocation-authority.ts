import { hash } from 'node:crypto';
import { parseCertificate } from '../x509/certificate.ts';
import type { RevocationReason } from '../x509/certificate-status.ts';
import type { OcspCertStatus } from '../x509/ocsp-single-response.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  mintCertificate,
  type RawExtension,
} from './certificate-minting.ts';
import { mintCrl, type RevokedCertificate } from './crl-minting.ts';
import type { Authority } from './development-authorities.ts';
import { type KeyPair, newKeyPair } from './key-pairs.ts';
import { mintOcspAnswer, ocspError, readOcspRequest } from './ocsp-minting.ts';

/** A CA of the development PKI that takes certificates back, and says so in CRLs and OCSP answers. */
export interface RevocationAuthority {
  readonly name: string;
  revoke(serialNumber: string, at: Date, reason?: RevocationReason): void;
  /** Takes a hold back. */
  release(serialNumber: string): void;
  /** DER; every CRL has a higher number than the one before. `lifetime` in milliseconds, a day by default. */
  crl(at: Date, deviation?: CrlDeviation, lifetime?: number): Promise<Uint8Array>;
  /** DER of an OCSPResponse to the DER of a request. */
  answer(request: Uint8Array, at: Date, deviation?: OcspDeviation): Promise<Uint8Array>;
}

/** Ways in which the contents of an answer can be wrong. */
export const ocspDeviations = [
  'stale',
  'forged',
  'wrong-issuer',
  'wrong-nonce',
  'no-nonce',
  'unknown',
  'try-later',
] as const;
export type OcspDeviation = (typeof ocspDeviations)[number];
const crlDeviations = ['stale', 'forged'] as const;
export type CrlDeviation = (typeof crlDeviations)[number];

const hour = 3_600_000;
/** RFC 6960 4.2.2.2.1: NULL; the CA vouches for its delegate without being asked. */
const noCheck: RawExtension = { oid: '1.3.6.1.5.5.7.48.1.5', critical: false, value: Uint8Array.of(5, 0) };

interface Delegate {
  readonly certificate: Uint8Array;
  readonly key: KeyPair;
}

/** With a responder of its own, which the CA appoints on the spot: its key is of this process alone. */
export async function createRevocationAuthority(authority: Authority, at: Date): Promise<RevocationAuthority> {
  const revoked = new Map<string, RevokedCertificate>();
  const delegate = await appoint(authority, at);
  const stranger = await newKeyPair('ec');
  // Of a later process higher than of any before.
  let number = Math.floor(at.getTime() / 1000);
  return {
    name: authority.name,
    revoke: (serialNumber, revokedAt, reason = 'unspecified') => {
      revoked.set(serialNumber, { serialNumber, revokedAt, reason });
    },
    release: (serialNumber) => {
      revoked.delete(serialNumber);
    },
    crl: (now, deviation, lifetime = 24 * hour) => {
      const stale = deviation === 'stale' ? 48 * hour : 0;
      const issuer = deviation === 'forged' ? { ...authority.issuer, ...stranger } : authority.issuer;
      number += 1;
      const thisUpdate = new Date(now.getTime() - stale);
      const nextUpdate = new Date(thisUpdate.getTime() + lifetime);
      return mintCrl({ issuer, entries: [...revoked.values()], number, thisUpdate, nextUpdate });
    },
    answer: (request, now, deviation) => answer({ authority, revoked, delegate, stranger }, request, now, deviation),
  };
}

function appoint({ issuer, name }: Authority, at: Date): Promise<Delegate> {
  return newKeyPair('ec').then(async (key) => ({
    key,
    certificate: await mintCertificate({
      subject: [['CN', `${name} OCSP responder`]],
      publicKey: key.publicKey,
      issuer,
      notBefore: new Date(at.getTime() - 72 * hour),
      notAfter: new Date(at.getTime() + 30 * 24 * hour),
      extensions: [
        basicConstraints(false),
        keyUsage('digitalSignature'),
        extendedKeyUsage('ocspSigning'),
        authorityKeyIdentifier(issuer.publicKey),
        noCheck,
      ],
    }),
  }));
}

interface Office {
  readonly authority: Authority;
  readonly revoked: ReadonlyMap<string, RevokedCertificate>;
  readonly delegate: Delegate;
  readonly stranger: KeyPair;
}

/** RFC 6960 2.3, for requests that it cannot read and certificates of others. */
const malformedRequest = 1;
const tryLater = 3;
const unauthorized = 6;

async function answer(office: Office, request: Uint8Array, at: Date, deviation?: OcspDeviation): Promise<Uint8Array> {
  if (deviation === 'try-later') return ocspError(tryLater);
  const asked = await readOcspRequest(request).catch(() => undefined);
  if (asked === undefined) return ocspError(malformedRequest);
  const { publicKey } = parseCertificate(office.authority.certificate);
  const keyHash = hash(asked.issuerKeyHash.length === 40 ? 'sha1' : 'sha256', publicKey.key, 'hex');
  // The name in the request is the issuer's as the certificate has it: the key decides.
  if (keyHash !== asked.issuerKeyHash) return ocspError(unauthorized);
  const thisUpdate = new Date(at.getTime() - (deviation === 'stale' ? 48 * hour : 0));
  const { delegate, stranger } = office;
  return mintOcspAnswer({
    certId: deviation === 'wrong-issuer' ? ofAnotherIssuer(asked.certId, asked.issuerKeyHash) : asked.certId,
    status: deviation === 'unknown' ? { kind: 'unknown' } : statusOf(office.revoked, asked.serialNumber),
    thisUpdate,
    nextUpdate: new Date(thisUpdate.getTime() + 24 * hour),
    producedAt: thisUpdate,
    signer: deviation === 'forged' ? { ...delegate, key: stranger } : delegate,
    certificates: [delegate.certificate],
    ...nonceOf(asked.nonce, deviation),
  });
}

function statusOf(revoked: ReadonlyMap<string, RevokedCertificate>, serialNumber: string): OcspCertStatus {
  const entry = revoked.get(serialNumber);
  return entry === undefined ? { kind: 'good' } : { kind: 'revoked', revokedAt: entry.revokedAt, reason: entry.reason };
}

/** The same certificate number under a CA of another key. */
function ofAnotherIssuer(certId: Uint8Array, keyHash: string): Uint8Array {
  const other = Buffer.from(certId);
  const at = other.indexOf(Buffer.from(keyHash, 'hex'));
  other[at] = (other[at] ?? 0) ^ 0xff;
  return other;
}

function nonceOf(nonce: Uint8Array | undefined, deviation: OcspDeviation | undefined): { nonce?: Uint8Array } {
  if (nonce === undefined || deviation === 'no-nonce') return {};
  if (deviation !== 'wrong-nonce') return { nonce };
  const other = Buffer.from(nonce);
  other[other.length - 1] = (other[other.length - 1] ?? 0) ^ 0xff;
  return { nonce: other };
}
