import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  extendedKeyUsage,
  type Issuer,
  keyUsage,
  mintCertificate,
  pem,
  type SignatureHash,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/simulator/certificate-minting.ts';
import { type KeyKind, type KeyPair, newKeyPair, privateKeyPem } from '../../src/simulator/key-pairs.ts';

const day = 86_400_000;

export interface Credentials {
  /** PEM, leaf first. */
  readonly cert: string;
  readonly key: string;
}

export interface LeafOptions {
  readonly key?: KeyKind;
  readonly pair?: KeyPair;
  readonly names?: readonly string[];
  readonly purposes?: readonly ('serverAuth' | 'clientAuth')[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly hash?: SignatureHash;
  readonly ca?: boolean;
  /** More extensions, e.g. where its responder is. */
  readonly extensions?: readonly Extension[];
  /** What goes into the file behind the leaf. */
  readonly with?: readonly string[];
}

export interface Pki {
  readonly root: Issuer & { readonly pem: string; readonly der: Buffer };
  readonly intermediate: Issuer & { readonly pem: string };
  leaf(name: string, options?: LeafOptions): Promise<Credentials>;
}

/** A root with one issuing CA below it, and leaves of the latter. */
export async function createPki(name: string): Promise<Pki> {
  const [rootPair, issuingPair] = await Promise.all([newKeyPair('ec'), newKeyPair('ec')]);
  const root: Issuer = { name: [['CN', `${name} root`]], ...rootPair };
  const issuing: Issuer = { name: [['CN', `${name} issuing`]], ...issuingPair };
  const ca = (subject: Issuer, issuer: Issuer, pathLength: number): Promise<Buffer> =>
    mintCertificate({
      subject: subject.name,
      publicKey: subject.publicKey,
      issuer,
      notBefore: new Date(Date.now() - 400 * day),
      notAfter: new Date(Date.now() + 4000 * day),
      extensions: [
        basicConstraints(true, pathLength),
        keyUsage('keyCertSign', 'cRLSign'),
        subjectKeyIdentifier(subject.publicKey),
        authorityKeyIdentifier(issuer.publicKey),
      ],
    });
  const rootDer = await ca(root, root, 1);
  const intermediatePem = pem('CERTIFICATE', await ca(issuing, root, 0));
  return {
    root: { ...root, der: rootDer, pem: pem('CERTIFICATE', rootDer) },
    intermediate: { ...issuing, pem: intermediatePem },
    leaf: async (subject, options = {}) => {
      const pair = options.pair ?? (await newKeyPair(options.key ?? 'ec'));
      const der = await mintCertificate({
        subject: [['CN', subject]],
        publicKey: pair.publicKey,
        issuer: issuing,
        notBefore: options.notBefore ?? new Date(Date.now() - 30 * day),
        notAfter: options.notAfter ?? new Date(Date.now() + 1000 * day),
        ...(options.hash === undefined ? {} : { hash: options.hash }),
        extensions: [
          basicConstraints(options.ca === true),
          keyUsage('digitalSignature', 'keyEncipherment'),
          extendedKeyUsage(...(options.purposes ?? ['clientAuth'])),
          ...(options.names?.length === 0 ? [] : [subjectAltName(...(options.names ?? [subject]))]),
          ...(options.extensions ?? []),
        ],
      });
      return {
        cert: [pem('CERTIFICATE', der), ...(options.with ?? [intermediatePem])].join(''),
        key: privateKeyPem(pair),
      };
    },
  };
}

export function serverLeaf(pki: Pki, options: LeafOptions = {}): Promise<Credentials> {
  return pki.leaf('hems', { names: ['localhost', '127.0.0.1', '::1'], purposes: ['serverAuth'], ...options });
}

/** A folder of its own, gone at the end of the process. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hems-southbound-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeCredentials(folder: string, name: string, { cert, key }: Credentials) {
  const files = { chain: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  writeFileSync(files.chain, cert);
  writeFileSync(files.key, key);
  return files;
}
