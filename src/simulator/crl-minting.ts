import type { RevocationReason } from '../x509/certificate-status.ts';
import { encodeHexInteger } from '../x509/der-encoding.ts';
import { authorityKeyIdentifier, type Issuer, loadX509, webAlgorithm, writeName } from './certificate-minting.ts';

/** What a CA of the simulator knows of one certificate that it took back. */
export interface RevokedCertificate {
  /** Hex, as `Certificate.serialNumber`. */
  readonly serialNumber: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

export interface CrlTemplate {
  readonly issuer: Issuer;
  readonly entries: readonly RevokedCertificate[];
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/** RFC 5280 5.3.1. */
export const reasonCodes: Readonly<Record<RevocationReason, number>> = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
};

/** Signs a complete CRL of version 2 with cRLNumber and authorityKeyIdentifier. Returns its DER. */
export async function mintCrl(template: CrlTemplate): Promise<Buffer> {
  const x509 = await loadX509();
  const { issuer, entries, number, thisUpdate, nextUpdate } = template;
  const signingAlgorithm = webAlgorithm(issuer.privateKey, 'sha256');
  const key = authorityKeyIdentifier(issuer.publicKey);
  const identifier = typeof key === 'function' ? [await key(x509)] : [];
  const crlNumber = Uint8Array.from(encodeHexInteger(number.toString(16)));
  const crl = await x509.X509CrlGenerator.create({
    issuer: writeName(x509, issuer.name).toString(),
    thisUpdate,
    nextUpdate,
    entries: entries.map(({ serialNumber, revokedAt, reason }) => ({
      serialNumber: evenHex(serialNumber),
      revocationDate: revokedAt,
      // RFC 5280 5.3.1: "unspecified" should not be written.
      ...(reason === 'unspecified' ? {} : { reason: reasonCodes[reason] }),
    })),
    extensions: [...identifier, new x509.Extension('2.5.29.20', false, crlNumber)],
    signingAlgorithm,
    signingKey: issuer.privateKey.toCryptoKey(signingAlgorithm, false, ['sign']),
  });
  return Buffer.from(crl.rawData);
}

/** Whole octets, with the one that keeps the number positive. */
function evenHex(hex: string): string {
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
}
