import type { Certificate } from '../../src/x509/certificate.ts';
import type { CertificateList } from '../../src/x509/crl.ts';
import { judgeByCrls } from '../../src/x509/crl-judgement.ts';
import type { CrlAnswer, CrlOptions } from '../../src/x509/crl-question.ts';
import { judgePath } from '../../src/x509/path.ts';
import type { PathAnchor } from '../../src/x509/path-anchor.ts';
import { anchorOf } from './judging.ts';
import { keyNumber, type Minted, type MintOptions, mint, now } from './minting.ts';
import * as ext from './minting-extensions.ts';

/** A small house of CAs, and short ways to ask what CRLs say. */

export const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
export const issuing = mint({
  subject: 'O=Acme/CN=Issuing',
  key: keyNumber(1),
  by: root,
  serial: 77,
  extensions: ext.caExtensions(0),
});
export const anchor = anchorOf(root);

/** A device of `issuing`. */
export function device(extensions: readonly Uint8Array[] = [], options: MintOptions = {}): Minted {
  return mint({
    subject: 'CN=device',
    key: keyNumber(2),
    by: issuing,
    serial: 1000,
    extensions: ext.deviceExtensions(...extensions),
    ...options,
  });
}

export interface Asking extends Partial<CrlOptions> {
  readonly index?: number;
  readonly at?: Date;
  readonly signers?: readonly Minted[];
  readonly anchors?: readonly PathAnchor[];
  readonly chain?: readonly Minted[];
}

export function ask(leaf: Minted, crls: readonly CertificateList[], asking: Asking = {}): CrlAnswer {
  const { index = 0, at = now, signers = [], anchors = [anchor], chain = [issuing], ...options } = asking;
  const ders = [leaf, ...chain].map(({ der }) => der);
  const result = judgePath({ chain: ders, anchors, at: now, purpose: 'any' });
  if (!result.ok) throw new Error(result.failures[0].message);
  const certificates: Certificate[] = signers.map(({ certificate }) => certificate);
  return judgeByCrls({ path: result.path, index, crls, anchors, signers: certificates, at, options });
}

/** `good`, `revoked keyCompromise`, `unknown stale`. */
export function say(leaf: Minted, crls: readonly CertificateList[], asking: Asking = {}): string {
  const { status } = ask(leaf, crls, asking);
  if (status.kind === 'revoked') return `revoked ${status.reason}`;
  return status.kind === 'unknown' ? `unknown ${status.cause}` : status.kind;
}
