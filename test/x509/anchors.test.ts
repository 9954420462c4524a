import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as der from './der-writer.ts';
import { anchorOf, verdict } from './judging.ts';
import { algorithms, keyNumber, type Minted, type MintOptions, mint, newKey } from './minting.ts';
import * as ext from './minting-extensions.ts';

const rootWith = (options: MintOptions): Minted => mint({ subject: 'CN=Root', key: keyNumber(0), ...options });
const leafOf = (by: Minted, ...more: Uint8Array[]): Minted =>
  mint({ subject: 'CN=device', key: keyNumber(1), by, extensions: ext.deviceExtensions(...more) });

const under = (options: MintOptions, settings: Parameters<typeof anchorOf>[1] = {}): string => {
  const root = rootWith(options);
  return verdict([leafOf(root)], anchorOf(root, settings));
};

const past = new Date('2021-01-01T00:00:00Z');
const future = new Date('2040-01-01T00:00:00Z');

describe('a certificate as an anchor', () => {
  test('of version 1, or of version 3 without extensions, is a name and a key', () => {
    assert.equal(under({ version: 1, extensions: null }), 'good');
    assert.equal(under({ version: 3, extensions: null }), 'good');
  });

  test('of version 3 with extensions must be a CA that may sign', () => {
    assert.equal(under({ extensions: ext.caExtensions() }), 'good');
    assert.equal(under({ extensions: [ext.basicConstraints(true, undefined, false)] }), 'good');
    assert.equal(under({ extensions: [ext.keyUsage(['keyCertSign'])] }), 'anchor_not_a_ca');
    assert.equal(under({ extensions: [ext.basicConstraints(false)] }), 'anchor_not_a_ca');
    assert.equal(under({ extensions: [ext.basicConstraints(true), ext.keyUsage(['cRLSign'])] }), 'key_cert_sign');
  });

  test('outside its validity is refused, unless the operator accepts it', () => {
    const extensions = ext.caExtensions();
    assert.equal(under({ extensions, notAfter: past }), 'anchor_expired');
    assert.equal(under({ extensions, notBefore: future }), 'anchor_not_yet_valid');
    assert.equal(under({ extensions, notAfter: past }, { acceptExpired: true }), 'good');
    assert.equal(under({ version: 1, extensions: null, notAfter: past }), 'anchor_expired');
  });

  test('with a critical extension that is unknown, or that must not be critical, is refused', () => {
    const withExtension = (extension: Uint8Array) => under({ extensions: [...ext.caExtensions(), extension] });
    assert.equal(withExtension(ext.extension('1.2.3.4.5', der.nothing(), true)), 'anchor_critical_extension');
    assert.equal(withExtension(ext.subjectKeyIdentifier(Buffer.from([1]), true)), 'anchor_critical_extension');
    assert.equal(withExtension(ext.extension('1.2.3.4.5', der.nothing())), 'good');
  });

  test('without a name is refused', () => {
    assert.equal(under({ subject: '', extensions: ext.caExtensions() }), 'anchor_not_a_ca');
  });

  test('need not be self-signed, and its signature is never judged', () => {
    const above = mint({ subject: 'CN=Above', key: keyNumber(2), extensions: ext.caExtensions() });
    assert.equal(under({ by: above, extensions: ext.caExtensions() }), 'good');
    const broken = { ...algorithms['ecdsa-sha256'], sign: () => Buffer.from('no signature') };
    assert.equal(under({ extensions: ext.caExtensions(), algorithm: broken }), 'good');
    const unknown = { identifier: der.sequence(der.oid('1.2.3')), sign: () => Buffer.from([1]) };
    assert.equal(under({ extensions: ext.caExtensions(), algorithm: unknown }), 'good');
    const key = newKey('rsa-2048');
    assert.equal(under({ key, algorithm: algorithms['rsa-sha1'], extensions: ext.caExtensions() }), 'good');
  });

  test('holds what it issues to its name constraints', () => {
    const root = rootWith({
      extensions: [...ext.caExtensions(), ext.nameConstraints({ permitted: [{ dns: 'acme.example' }] })],
    });
    const named = (dns: string) => verdict([leafOf(root, ext.subjectAltName([{ dns }]))], anchorOf(root));
    assert.equal(named('x.acme.example'), 'good');
    assert.equal(named('x.other.example'), 'name_not_permitted');
  });

  test('made for another purpose is refused', () => {
    const made = (...purposes: string[]) => under({ extensions: [...ext.caExtensions(), ext.extKeyUsage(purposes)] });
    assert.equal(made(ext.serverAuth), 'ca_extended_key_usage');
    assert.equal(made(ext.clientAuth), 'good');
    assert.equal(made(ext.anyPurpose), 'good');
  });

  test('holds what it issues to the policies it asks for', () => {
    const root = rootWith({ extensions: [...ext.caExtensions(), ext.policyConstraints(0)] });
    assert.equal(verdict([leafOf(root)], anchorOf(root)), 'policy');
    assert.equal(verdict([leafOf(root, ext.certificatePolicies(['1.2.3']))], anchorOf(root)), 'good');
  });
});
