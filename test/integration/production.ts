/** What an operator brings along: CAs and server certificates of its own, none of the development PKI. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigInput } from '../../src/config/schema.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  type Issuer,
  keyUsage,
  mintCertificate,
  pem,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/simulator/certificate-minting.ts';
import { newKeyPair, privateKeyPem } from '../../src/simulator/key-pairs.ts';

const day = 86_400_000;
const from = (days: number): Date => new Date(Date.now() + days * day);

export interface OwnAuthority {
  readonly issuer: Issuer;
  /** PEM. */
  readonly certificate: string;
  /** A leaf below it, PEM with its chain, and its key. */
  issue(order: { name: string; purpose: 'serverAuth' | 'clientAuth' }): Promise<{ chain: string; key: string }>;
}

export async function ownAuthority(name: string): Promise<OwnAuthority> {
  const issuer: Issuer = {
    name: [
      ['O', name],
      ['CN', `${name} Root`],
    ],
    ...(await newKeyPair('ec')),
  };
  const certificate = pem(
    'CERTIFICATE',
    await mintCertificate({
      subject: issuer.name,
      publicKey: issuer.publicKey,
      issuer,
      notBefore: from(-100),
      notAfter: from(5000),
      extensions: [
        basicConstraints(true),
        keyUsage('keyCertSign', 'cRLSign'),
        subjectKeyIdentifier(issuer.publicKey),
        authorityKeyIdentifier(issuer.publicKey),
      ],
    }),
  );
  return {
    issuer,
    certificate,
    issue: async ({ name: subject, purpose }) => {
      const pair = await newKeyPair('ec');
      const leaf = await mintCertificate({
        subject: [['CN', subject]],
        publicKey: pair.publicKey,
        issuer,
        notBefore: from(-10),
        notAfter: from(1000),
        extensions: [
          basicConstraints(false),
          keyUsage('digitalSignature'),
          extendedKeyUsage(purpose),
          subjectAltName(subject),
          subjectKeyIdentifier(pair.publicKey),
          authorityKeyIdentifier(issuer.publicKey),
        ],
      });
      return { chain: pem('CERTIFICATE', leaf) + certificate, key: privateKeyPem(pair) };
    },
  };
}

export interface OwnGround {
  readonly folder: string;
  /** Of the manufacturer, and of the operator whose server certificate is `hems.crt`. */
  readonly maker: OwnAuthority;
  readonly operator: OwnAuthority;
}

/** Writes `hems.crt`, `hems.key`, `other.key` and `maker.crt` into the folder. */
export async function ownGround(folder: string): Promise<OwnGround> {
  const [maker, operator] = await Promise.all([ownAuthority('Realcells'), ownAuthority('Realnet')]);
  const [server, other] = await Promise.all([
    operator.issue({ name: 'localhost', purpose: 'serverAuth' }),
    operator.issue({ name: 'localhost', purpose: 'serverAuth' }),
  ]);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries({
    'hems.crt': server.chain,
    'hems.key': server.key,
    'other.key': other.key,
    'maker.crt': maker.certificate,
  }))
    writeFileSync(join(folder, name), text);
  return { folder, maker, operator };
}

export interface OwnOptions {
  readonly door?: Partial<ConfigInput['listeners'][number]>;
  readonly anchor?: Partial<ConfigInput['anchors'][number]>;
  /** Merged over the rest; any key, known or not. */
  readonly rest?: Readonly<Record<string, unknown>>;
}

/** Writes a configuration that can be served, but for the options, and answers its path. */
export function ownConfig({ folder }: Pick<OwnGround, 'folder'>, file: string, options: OwnOptions = {}): string {
  const path = join(folder, file);
  const content = {
    management: { port: 0 },
    listeners: [
      {
        name: 'internet',
        port: 0,
        publicUrl: 'https://localhost/cwmp',
        certificates: [{ chain: 'hems.crt', key: 'hems.key' }],
        anchors: ['realcells'],
        ...options.door,
      },
    ],
    anchors: [{ name: 'realcells', certificates: ['maker.crt'], realms: ['hnb.realcells.example'], ...options.anchor }],
    ...options.rest,
  };
  writeFileSync(path, stringify(content));
  return path;
}
