import { DEVELOPMENT_MARK_OID } from '../x509/development-mark.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  type Issuer,
  keyUsage,
  mintCertificate,
  type NameParts,
  type RawExtension,
  subjectAltName,
  subjectKeyIdentifier,
} from './certificate-minting.ts';
import { type KeyKind, type KeyPair, newKeyPair } from './key-pairs.ts';

export type AnchorName = 'acme' | 'zenith' | 'operator';

/** One anchor a development configuration trusts; `issuing` is the authority that signs its devices. */
export interface AnchorPlan {
  readonly name: AnchorName;
  readonly kind: 'manufacturer' | 'operator';
  readonly root: string;
  readonly issuing: string;
  readonly realm: string;
  readonly organisation: string;
  readonly oui: string;
}

const acme = { organisation: 'Acme Femto', oui: '00A0BC' };
const zenith = { organisation: 'Zenith Cells', oui: '00D09E' };
const operator = { organisation: 'Example Operator', oui: '00A0BC' };

export const anchorPlans: Readonly<Record<AnchorName, AnchorPlan>> = {
  acme: {
    ...acme,
    name: 'acme',
    kind: 'manufacturer',
    root: 'acme-root',
    issuing: 'acme-issuing',
    realm: 'hnb.acme.example',
  },
  zenith: {
    ...zenith,
    name: 'zenith',
    kind: 'manufacturer',
    root: 'zenith-root',
    issuing: 'zenith-issuing',
    realm: 'hnb.zenith.example',
  },
  operator: {
    ...operator,
    name: 'operator',
    kind: 'operator',
    root: 'operator',
    issuing: 'operator',
    realm: 'hnb.operator.example',
  },
};

interface AuthorityPlan {
  readonly name: string;
  readonly subject: NameParts;
  readonly key: KeyKind;
  /** Absent: self-signed. Stands earlier in the list. */
  readonly issuer?: string;
  readonly pathLength: number;
}

const named = (organisation: string, commonName: string): NameParts => [
  ['O', organisation],
  ['CN', `${organisation} Development ${commonName}`],
];

/**
 * CERT-7: an issuer's key is at least as strong as those it certifies, hence RSA-3072 above P-256 devices. One
 * manufacturer signs with ECDSA, the other with RSA, so that both are always exercised.
 */
export const authorityPlans: readonly AuthorityPlan[] = [
  { name: 'acme-root', subject: named('Acme Femto', 'Root'), key: 'ec', pathLength: 1 },
  { name: 'acme-issuing', subject: named('Acme Femto', 'Issuing CA'), key: 'ec', issuer: 'acme-root', pathLength: 0 },
  { name: 'zenith-root', subject: named('Zenith Cells', 'Root'), key: 'rsa-3072', pathLength: 1 },
  {
    name: 'zenith-issuing',
    subject: named('Zenith Cells', 'Issuing CA'),
    key: 'rsa-3072',
    issuer: 'zenith-root',
    pathLength: 0,
  },
  { name: 'operator', subject: named('Example Operator', 'CA'), key: 'ec', pathLength: 0 },
];

export interface Authority {
  readonly name: string;
  readonly issuer: Issuer;
  /** DER. */
  readonly certificate: Buffer;
}

/** CERT-29: devices without true time judge notBefore by a clock restored at power-up, so it lies far back. */
const notBefore = new Date('2020-01-01T00:00:00Z');
const yearsAfter = (at: Date, years: number): Date => new Date(at.getTime() + years * 365 * 86_400_000);

/** NULL: that it is there says everything. */
const developmentMark: RawExtension = { oid: DEVELOPMENT_MARK_OID, critical: false, value: Uint8Array.of(5, 0) };

/** All authorities, each after its issuer; the keys are generated side by side. */
export async function mintAuthorities(at: Date): Promise<readonly Authority[]> {
  const pairs = await Promise.all(authorityPlans.map((plan) => newKeyPair(plan.key)));
  const made: Authority[] = [];
  for (const [index, plan] of authorityPlans.entries()) {
    const pair = pairs[index];
    if (pair === undefined) throw new Error(`no key for ${plan.name}`);
    const self: Issuer = { name: plan.subject, ...pair };
    const issuer = plan.issuer === undefined ? self : findAuthority(made, plan.issuer).issuer;
    made.push({ name: plan.name, issuer: self, certificate: await mintCa(plan, pair, issuer, at) });
  }
  return made;
}

function mintCa(plan: AuthorityPlan, pair: KeyPair, issuer: Issuer, at: Date): Promise<Buffer> {
  return mintCertificate({
    subject: plan.subject,
    publicKey: pair.publicKey,
    issuer,
    notBefore,
    notAfter: yearsAfter(at, 40),
    // TS 33.310 6.1.4a: basicConstraints and keyUsage critical, path length 0 for the CA that issues entities.
    extensions: [
      basicConstraints(true, plan.pathLength),
      keyUsage('keyCertSign', 'cRLSign'),
      subjectKeyIdentifier(pair.publicKey),
      authorityKeyIdentifier(issuer.publicKey),
      developmentMark,
    ],
  });
}

/** TS 33.320 8.3.2.1: the H(e)NB checks subjectAltName against the name, or the address, it knows the H(e)MS by. */
export function mintServerCertificate(pair: KeyPair, authority: Authority, at: Date): Promise<Buffer> {
  return mintCertificate({
    subject: [
      ['O', operator.organisation],
      ['CN', 'localhost'],
    ],
    publicKey: pair.publicKey,
    issuer: authority.issuer,
    notBefore,
    notAfter: yearsAfter(at, 10),
    extensions: [
      basicConstraints(false),
      keyUsage('digitalSignature', ...(pair.publicKey.asymmetricKeyType === 'rsa' ? ['keyEncipherment' as const] : [])),
      extendedKeyUsage('serverAuth'),
      subjectAltName('localhost', '127.0.0.1', '::1'),
      subjectKeyIdentifier(pair.publicKey),
      authorityKeyIdentifier(authority.issuer.publicKey),
    ],
  });
}

export function findAuthority(authorities: readonly Authority[], name: string): Authority {
  const found = authorities.find((authority) => authority.name === name);
  if (found === undefined) throw new Error(`no authority ${name} in this development PKI`);
  return found;
}
