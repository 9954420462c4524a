/** Device certificates with subjects and extensions of the test's choice, under the issuing CAs of the development PKI. */
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  extendedKeyUsage,
  keyUsage,
  mintCertificate,
  type NameParts,
  pem,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/simulator/certificate-minting.ts';
import { type AnchorName, anchorPlans, findAuthority } from '../../src/simulator/development-authorities.ts';
import type { DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { newKeyPair, privateKeyPem } from '../../src/simulator/key-pairs.ts';
import type { ClientCredentials } from '../../src/simulator/tls-client.ts';

const day = 86_400_000;

export interface MintOrder {
  readonly anchor?: AnchorName;
  readonly subject: NameParts;
  /** dNSNames. */
  readonly alternative?: readonly string[];
  readonly notAfter?: Date;
  readonly extensions?: readonly Extension[];
}

export async function mintDevice(pki: DevelopmentPki, order: MintOrder): Promise<ClientCredentials> {
  const plan = anchorPlans[order.anchor ?? 'acme'];
  const issuing = findAuthority(pki.authorities, plan.issuing);
  const pair = await newKeyPair('ec');
  const leaf = await mintCertificate({
    subject: order.subject,
    publicKey: pair.publicKey,
    issuer: issuing.issuer,
    notBefore: new Date(Date.now() - day),
    notAfter: order.notAfter ?? new Date(Date.now() + 1000 * day),
    extensions: [
      basicConstraints(false),
      keyUsage('digitalSignature'),
      extendedKeyUsage('clientAuth'),
      ...(order.alternative === undefined ? [] : [subjectAltName(...order.alternative)]),
      subjectKeyIdentifier(pair.publicKey),
      authorityKeyIdentifier(issuing.issuer.publicKey),
      ...(order.extensions ?? []),
    ],
  });
  const chain = plan.root === plan.issuing ? [leaf] : [leaf, issuing.certificate];
  return { chain: chain.map((der) => pem('CERTIFICATE', der)).join(''), key: privateKeyPem(pair) };
}
