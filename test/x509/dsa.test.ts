import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPathCache } from '../../src/x509/path-cache.ts';
import { profiles } from '../../src/x509/profile.ts';
import * as der from './der-writer.ts';
import { dsaKey, dsaSha1, dsaSha256, newParameters, power, publicNumber } from './dsa-keys.ts';
import { mintCrl } from './crl-minting.ts';
import { judgeByCrls } from '../../src/x509/crl-judgement.ts';
import { anchorOf, judge, reason, verdict } from './judging.ts';
import { type KeyPair, keyNumber, type Minted, type MintOptions, mint, now } from './minting.ts';
import * as ext from './minting-extensions.ts';

const parameters = newParameters();
const root = mint({ subject: 'CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const anchor = anchorOf(root);
const authority = mint({ subject: 'CN=DSA CA', key: dsaKey(parameters), by: root, extensions: ext.caExtensions() });

const ca = (subject: string, key: KeyPair, by: Minted, algorithm = dsaSha1): Minted =>
  mint({ subject, key, by, algorithm, extensions: ext.caExtensions() });
const leaf = (by: Minted, options: MintOptions = {}): Minted =>
  mint({
    subject: 'CN=leaf',
    key: keyNumber(1),
    by,
    algorithm: dsaSha1,
    extensions: ext.deviceExtensions(),
    ...options,
  });

describe('DSA', () => {
  test('is verified under the RFC alone, with SHA-1 and SHA-256, and refused for femtocells', () => {
    for (const algorithm of [dsaSha1, dsaSha256]) {
      const made = leaf(authority, { algorithm });
      assert.equal(verdict([made, authority], anchor), 'good');
      assert.equal(reason([made, authority], anchorOf(root, { profile: profiles.hems })), 'weak_key dsa');
    }
    const own = mint({ key: dsaKey(parameters), by: root, extensions: ext.deviceExtensions() });
    assert.equal(reason([own], anchorOf(root, { profile: profiles.hems })), 'weak_key dsa');
  });

  test('of another key, or changed, is refused', () => {
    const other = { key: dsaKey(parameters), subject: authority.subject };
    assert.equal(verdict([leaf({ ...authority, ...other }), authority], anchor), 'signature_invalid');
  });

  test('keys of lengths that nobody allows are not used: a stranger chooses them', () => {
    const odd = der.sequence(der.integer((1n << 4000n) + 1n), der.integer(parameters.q), der.integer(parameters.g));
    const spki = der.sequence(der.sequence(der.oid('1.2.840.10040.4.1'), odd), der.bits(der.integer(5)));
    const made = ca('CN=Odd', { ...dsaKey(parameters), spki }, authority);
    const result = judge([leaf(made), made, authority], anchor);
    assert.equal(result.ok || result.failures[0].detail, 'key_algorithm');
  });
});

describe('DSA keys that inherit their parameters (RFC 3279 2.3.2, RFC 5280 6.1.4 (e), (f))', () => {
  const heir = ca('CN=Heir', dsaKey(parameters, { inherits: true }), authority);
  const grandchild = ca('CN=Grandchild', dsaKey(parameters, { inherits: true }), heir);

  test('have those of the key above, over several steps', () => {
    assert.equal(verdict([leaf(heir), heir, authority], anchor), 'good');
    assert.equal(verdict([leaf(grandchild), grandchild, heir, authority], anchor), 'good');
  });

  test('are verified when the path is known by heart, too', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const made = leaf(heir);
    for (let i = 0; i < 3; i++) assert.equal(verdict([made, heir, authority], anchor, { cache }), 'good');
    const forged = leaf({ ...heir, key: dsaKey(parameters) });
    assert.equal(verdict([forged, heir, authority], anchor, { cache }), 'signature_invalid');
  });

  test('of a signature that is not theirs: refused, and nothing counts as verified', () => {
    const result = judge([leaf({ ...heir, key: dsaKey(parameters) }), heir, authority], anchor);
    assert.ok(!result.ok);
    assert.deepEqual([result.failures[0].detail, result.failures[0].signaturesVerified], ['signature_invalid', false]);
  });

  test('with no parameters above, or a key of another kind in between: nothing is verified', () => {
    const bare = mint({ subject: 'CN=Bare', key: heir.key, by: root, extensions: ext.caExtensions() });
    assert.equal(verdict([leaf(bare), bare], anchor), 'signature_invalid');
    const between = ca('CN=EC', keyNumber(3), authority);
    const below = mint({ subject: 'CN=Below', key: heir.key, by: between, extensions: ext.caExtensions() });
    assert.equal(verdict([leaf(below), below, between, authority], anchor), 'signature_invalid');
  });

  test('never have them from a certificate off the path: with parameters of one’s choice any signature can be made', () => {
    const { p, q } = parameters;
    const y = publicNumber(heir.key);
    const secret = 12345n;
    // A base under which the heir's public number is a power that the forger knows.
    const chosen = { p, q, g: power(y, power(secret, q - 2n, q), p) };
    const forger = dsaKey(chosen, { secret });
    assert.equal(publicNumber(forger), y);
    const fake = mint({ subject: 'CN=DSA CA', key: dsaKey(chosen), extensions: ext.caExtensions() });
    const forged = leaf({ ...heir, key: forger });
    for (const chain of [
      [forged, heir, fake, authority],
      [forged, heir, authority, fake],
    ])
      assert.equal(judge(chain, anchor).ok, false);
    assert.equal(verdict([leaf(heir), heir, fake, authority], anchor), 'good');
  });

  test('cost of the budget of signatures', () => {
    const chain = [leaf(grandchild), grandchild, heir, authority];
    const { work } = judge(chain, anchor);
    assert.ok(work.signatures >= 6, String(work.signatures));
    assert.equal(verdict(chain, anchor, { limits: { signatures: work.signatures - 1 } }), 'budget_exhausted');
  });

  test('sign CRLs, where SHA-1 is allowed', () => {
    const made = leaf(heir);
    const result = judge([made, heir, authority], anchor);
    assert.ok(result.ok);
    const crl = mintCrl({ by: heir, algorithm: dsaSha1 });
    const ask = (allowSha1: boolean) =>
      judgeByCrls({ path: result.path, crls: [crl], anchors: [anchor], at: now, options: { allowSha1 } }).status.kind;
    assert.deepEqual([ask(true), ask(false)], ['good', 'unknown']);
  });
});
