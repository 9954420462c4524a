import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { DerError } from '../x509/der.ts';
import { nameToString } from '../x509/name.ts';
import { purposes } from '../x509/oids.ts';
import { PemError, readPem, writePem } from '../x509/pem.ts';
import { mustStaple } from '../x509/tls-feature.ts';
import type { KeyType } from './hello-class.ts';

/** What is wrong with a file or a key of the configuration, and what to do; never holds a secret. */
export interface SetupFault {
  readonly key: string;
  readonly cause: string;
  readonly remedy: string;
  /** The file is not there, or may not be read. */
  readonly missing?: true;
}

/** A certificate that hems may serve, as far as it can be judged without the time. */
export interface ServerCertificate {
  readonly keyType: KeyType;
  /** Leaf first; the root is left out, clients have their own. */
  readonly chainPem: string;
  readonly keyPem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hex SHA-256 of the leaf. */
  readonly fingerprint: string;
  readonly subject: string;
  /** Where it came from. */
  readonly file: string;
  readonly leaf: Certificate;
  /** Who issued it, from its chain or among the anchors; undefined where nobody here knows. */
  readonly issuer: Certificate | undefined;
  /** It demands an OCSP answer stapled to it (RFC 7633). */
  readonly mustStaple: boolean;
}

export interface CertificateFiles {
  readonly chain: string;
  readonly key: string;
}

export interface CertificateContext {
  /** Host of the public URL: a DNS name, or an IP address without brackets. */
  readonly host: string;
  /** Certificates that end a chain which does not hold its own root. */
  readonly knownIssuers: readonly X509Certificate[];
}

type Fault = Omit<SetupFault, 'key'>;

interface Link {
  readonly parsed: Certificate;
  readonly native: X509Certificate;
}

function readChain(text: string, file: string): readonly Link[] | Fault {
  try {
    return readPem(text, 'CERTIFICATE').map((der) => ({
      parsed: parseCertificate(der),
      native: new X509Certificate(der),
    }));
  } catch (error) {
    const why = error instanceof PemError || error instanceof DerError ? error.message : 'OpenSSL cannot read it';
    return { cause: `${file} is no certificate chain: ${why}`, remedy: 'give PEM, the server certificate first' };
  }
}

function readKey(text: string, file: string): KeyObject | Fault {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const locked = (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    return locked
      ? { cause: `${file} is encrypted`, remedy: 'give the key in the clear, readable by the service alone' }
      : { cause: `${file} holds no private key that OpenSSL can read`, remedy: 'give the key in PEM (PKCS #8)' };
  }
}

function keyTypeOf({ publicKey }: Certificate): KeyType | undefined {
  if (publicKey.algorithm === 'rsa') return 'RSA';
  if (publicKey.algorithm !== 'ec') return undefined;
  const keyType = `EC-${publicKey.curve ?? ''}`;
  return keyType === 'EC-P-256' || keyType === 'EC-P-384' || keyType === 'EC-P-521' ? keyType : undefined;
}

/** TS 33.320 8.3.2.1: the H(e)NB compares subjectAltName with the name or the address it knows the H(e)MS by. */
function covers(leaf: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return leaf.checkIP(host) !== undefined;
  return leaf.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined;
}

function leafFaults({ parsed, native }: Link, host: string, file: string): Fault[] {
  const { extKeyUsage, keyUsage, basicConstraints, subjectAltName } = parsed.extensions;
  const faults: Fault[] = [];
  const found = (cause: string, remedy: string): unknown => faults.push({ cause: `${file}: ${cause}`, remedy });
  if (!covers(native, host)) {
    const names = subjectAltName?.flatMap((name) => (name.kind === 'dNSName' ? [name.value] : [])).slice(0, 5);
    found(
      `its subjectAltName does not cover ${host}, the host of the public URL (TS 33.320 8.3.2.1)` +
        (names === undefined || names.length === 0 ? '' : `; it names ${names.join(', ')}`),
      'issue one whose subjectAltName has this host, or correct publicUrl',
    );
  }
  // TS 33.310 6.1.3a
  if (extKeyUsage !== undefined && !extKeyUsage.includes(purposes.serverAuth))
    found('its extendedKeyUsage lacks serverAuth', 'issue one with serverAuth');
  if (keyUsage !== undefined && !keyUsage.includes('digitalSignature'))
    found('its keyUsage lacks digitalSignature', 'issue one with digitalSignature');
  if (basicConstraints?.ca === true) found('it is a CA certificate', 'put the server certificate first in the file');
  return faults;
}

/** TS 33.310 6.1.1: RSA of 2048 bits, the P curves, SHA-256 and better; a self-signed root's own signature is nobody's. */
function strengthFaults({ parsed, native }: Link, file: string): Fault[] {
  const { publicKey, signature } = parsed;
  const who = `${file}: ${nameToString(parsed.subject)}`;
  const faults: Fault[] = [];
  if (keyTypeOf(parsed) === undefined || (publicKey.algorithm === 'rsa' && publicKey.bits < 2048))
    faults.push({
      cause: `${who} has a key of ${publicKey.bits} bits (${publicKey.curve ?? publicKey.algorithm})`,
      remedy: 'use RSA of at least 2048 bits, or EC P-256, P-384 or P-521',
    });
  const strong = 'hash' in signature.algorithm && /^sha(256|384|512)$/.test(signature.algorithm.hash);
  if (!strong && native.issuer !== native.subject)
    faults.push({
      cause: `${who} is signed with ${signature.algorithm.name}`,
      remedy: 'issue one signed with SHA-256 or better',
    });
  return faults;
}

const issued = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  subject.checkIssued(issuer) && subject.verify(issuer.publicKey);

function orderFaults(chain: readonly Link[], known: readonly X509Certificate[], file: string): Fault[] {
  for (const [i, { parsed, native }] of chain.slice(1).entries()) {
    const before = chain[i];
    if (before === undefined || issued(native, before.native)) continue;
    return [
      {
        cause: `${file}: certificate ${i + 2} (${nameToString(parsed.subject)}) did not issue the one before it`,
        remedy: 'order the file: server certificate, its issuer, that one’s issuer; nothing else',
      },
    ];
  }
  const top = chain.at(-1)?.native;
  const ends = top === undefined || issued(top, top) || known.some((issuer) => issued(issuer, top));
  if (ends || chain.length > 1) return [];
  return [
    {
      cause: `${file} holds the server certificate alone and its issuer is not known here`,
      remedy: 'append the issuing CA certificates: H(e)NBs hold the root only and could not build the path',
    },
  ];
}

/** Reads one chain and key and judges all that does not change with time. */
export function readServerCertificate(
  files: CertificateFiles,
  texts: CertificateFiles,
  context: CertificateContext,
): ServerCertificate | readonly Fault[] {
  const chain = readChain(texts.chain, files.chain);
  const key = readKey(texts.key, files.key);
  if ('cause' in chain) return 'cause' in key ? [chain, key] : [chain];
  if ('cause' in key) return [key];
  const [leaf] = chain;
  if (leaf === undefined) return [{ cause: `${files.chain} is empty`, remedy: 'give the server certificate' }];
  const sent = chain.filter(({ native }, i) => i === 0 || !issued(native, native));
  const faults = [
    ...leafFaults(leaf, context.host, files.chain),
    ...sent.flatMap((link) => strengthFaults(link, files.chain)),
    ...orderFaults(chain, context.knownIssuers, files.chain),
  ];
  if (!leaf.native.checkPrivateKey(key))
    faults.push({ cause: `${files.key} is not the key of ${files.chain}`, remedy: 'give the key of this certificate' });
  const keyType = keyTypeOf(leaf.parsed);
  if (faults.length > 0 || keyType === undefined) return faults;
  return {
    keyType,
    chainPem: sent.map(({ parsed }) => writePem(parsed.der, 'CERTIFICATE')).join(''),
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    notBefore: leaf.parsed.notBefore,
    notAfter: leaf.parsed.notAfter,
    fingerprint: leaf.parsed.fingerprint,
    subject: nameToString(leaf.parsed.subject),
    file: files.chain,
    leaf: leaf.parsed,
    issuer: issuerOf(chain, context.knownIssuers),
    mustStaple: mustStaple(leaf.parsed.extensions),
  };
}

function issuerOf([leaf, next]: readonly Link[], known: readonly X509Certificate[]): Certificate | undefined {
  if (leaf === undefined) return undefined;
  if (next !== undefined) return next.parsed;
  const issuer = known.find((one) => issued(one, leaf.native));
  return issuer === undefined ? undefined : parseCertificate(issuer.raw);
}
