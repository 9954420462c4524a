import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PathInput } from '../../src/x509/path.ts';
import { createPathCache, type PathCache } from '../../src/x509/path-cache.ts';
import { profiles } from '../../src/x509/profile.ts';
import { anchorOf, judge, leveled, verdict } from './judging.ts';
import { algorithms, keyNumber, type Minted, type MintOptions, mint } from './minting.ts';
import * as ext from './minting-extensions.ts';

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const anchor = anchorOf(root);
const issuing = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(1), by: root, extensions: ext.caExtensions() });

const leaf = (options: MintOptions = {}): Minted =>
  mint({ subject: 'CN=device', key: keyNumber(2), by: issuing, extensions: ext.deviceExtensions(), ...options });

/** How many signatures a judgement verified. */
function signatures(chain: readonly Minted[], more: Partial<PathInput>): number {
  const most = 20;
  // Keys of anchors and of remembered CAs are imported already: count the limit at which it still is good.
  for (let limit = 0; limit <= most; limit++)
    if (verdict(chain, anchor, { ...more, limits: { signatures: limit } }) === 'good') return limit;
  return most;
}

describe('what was verified once', () => {
  test('is not verified again: neither a leaf nor the CAs of another', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const [first, second] = [leaf(), leaf()];
    assert.ok(signatures([first, issuing], {}) >= 2);
    assert.equal(verdict([first, issuing], anchor, { cache }), 'good');
    assert.equal(signatures([first, issuing], { cache }), 0);
    const forgetful: PathCache = { ...cache, remember: () => undefined };
    assert.equal(signatures([second, issuing], { cache: forgetful }), 1);
    assert.deepEqual(cache.size(), { leaves: 1, issuers: 1 });
  });

  test('is told by fingerprint: one changed octet is another certificate', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const made = leaf();
    assert.equal(verdict([made, issuing], anchor, { cache }), 'good');
    for (let i = 0; i < made.der.length; i += 7) {
      const bytes = Uint8Array.from(made.der);
      bytes[i] = (bytes[i] ?? 0) ^ 1;
      assert.notEqual(verdict([{ ...made, der: bytes }, issuing], anchor, { cache }), 'good', `octet ${i}`);
    }
  });
});

describe('what is looked at every time', () => {
  const cache = createPathCache({ maxEntries: 100 });
  const known = (made: Minted): Minted => {
    assert.equal(verdict([made, issuing], anchor, { cache }), 'good');
    return made;
  };

  test('validity of the leaf, the CA and the anchor', () => {
    const made = known(leaf({ notAfter: new Date('2030-01-01T00:00:00Z') }));
    const at = new Date('2030-01-01T00:00:01Z');
    assert.equal(verdict([made, issuing], anchor, { cache, at }), 'expired');
    assert.equal(verdict([made, issuing], anchor, { cache, at: new Date('2060-01-01Z') }), 'anchor_expired');
  });

  test('the profile of the anchor', () => {
    const made = known(leaf({ algorithm: algorithms['ecdsa-sha1'] }));
    assert.equal(verdict([made, issuing], anchorOf(root, { profile: profiles.hems }), { cache }), 'signature_hash');
    const strict = leveled(profiles.rfc5280, { 'crl-distribution-points': 'refuse' });
    assert.equal(verdict([made, issuing], anchorOf(root, { profile: strict }), { cache }), 'profile_rule');
  });

  test('purpose, policy and depth', () => {
    const made = known(leaf());
    assert.equal(verdict([made, issuing], anchor, { cache, purpose: ext.serverAuth }), 'extended_key_usage');
    assert.equal(verdict([made, issuing], anchor, { cache, policy: { requireExplicit: true } }), 'policy');
    assert.equal(verdict([made, issuing], anchor, { cache, maxDepth: 0 }), 'max_depth');
  });

  test('whether the anchor is still one', () => {
    const made = known(leaf());
    const other = mint({ subject: 'CN=Other', key: keyNumber(9), extensions: ext.caExtensions() });
    assert.equal(verdict([made, issuing], anchorOf(other), { cache }), 'no_anchor');
    assert.equal(verdict([made, issuing], [], { cache }), 'no_anchor');
    const renamed = judge([made, issuing], anchorOf(root, { name: 'renamed' }), { cache });
    assert.ok(renamed.ok && renamed.path.anchorName === 'renamed');
  });

  test('whether another path is good when the remembered one no longer is', () => {
    const made = leaf();
    const short = mint({
      subject: 'O=Acme/CN=Issuing',
      key: keyNumber(1),
      by: root,
      extensions: ext.caExtensions(),
      notAfter: new Date('2027-01-01T00:00:00Z'),
    });
    assert.equal(verdict([made, short], anchor, { cache }), 'good');
    const later = { cache, at: new Date('2028-01-01T00:00:00Z') };
    assert.equal(verdict([made, short], anchor, later), 'expired');
    assert.equal(verdict([made, short, issuing], anchor, later), 'good');
  });
});

describe('the chain of a remembered leaf', () => {
  test('must be sent again, unless TLS resumed and could not send it', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const made = leaf();
    assert.equal(verdict([made, issuing], anchor, { cache }), 'good');
    assert.equal(verdict([made], anchor, { cache }), 'issuer_missing');
    assert.equal(verdict([made], anchor, { cache, resumed: true }), 'good');
    assert.equal(verdict([leaf()], anchor, { cache, resumed: true }), 'issuer_missing');
    assert.equal(verdict([made], anchorOf(root, { intermediates: [issuing] }), { cache }), 'good');
  });
});

describe('the memory is bounded', () => {
  test('in leaves and in issuers, the least recently used going first', () => {
    const cache = createPathCache({ maxEntries: 3 });
    const leaves = [...Array(5)].map(() => leaf());
    for (const made of leaves) assert.equal(verdict([made, issuing], anchor, { cache }), 'good');
    assert.equal(cache.size().leaves, 3);
    assert.equal(cache.leafPath(leaves[1]?.certificate.fingerprint ?? ''), undefined);
    assert.notEqual(cache.leafPath(leaves[2]?.certificate.fingerprint ?? ''), undefined);
    assert.equal(verdict([leaf(), issuing], anchor, { cache }), 'good');
    assert.notEqual(cache.leafPath(leaves[2]?.certificate.fingerprint ?? ''), undefined);
    assert.equal(cache.leafPath(leaves[3]?.certificate.fingerprint ?? ''), undefined);
    for (let i = 0; i < 80; i++) {
      const ca = mint({ subject: `CN=${i}`, key: keyNumber(3), by: root, extensions: ext.caExtensions() });
      assert.equal(verdict([leaf({ by: ca }), ca], anchor, { cache }), 'good');
    }
    assert.deepEqual(cache.size(), { leaves: 3, issuers: 64 });
    cache.clear();
    assert.deepEqual(cache.size(), { leaves: 0, issuers: 0 });
  });

  test('and nobody who is refused enters it', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const stranger = mint({ subject: 'CN=Stranger', key: keyNumber(8), extensions: ext.caExtensions() });
    assert.notEqual(verdict([leaf({ by: stranger }), stranger], anchor, { cache }), 'good');
    assert.notEqual(verdict([leaf({ notAfter: new Date('2021-01-01Z') }), issuing], anchor, { cache }), 'good');
    assert.deepEqual(cache.size(), { leaves: 0, issuers: 0 });
  });
});

describe('a leaf that comes again and again under the same terms', () => {
  const list = [anchor];
  /** Judged until the whole judgement is remembered. */
  const settled = (made: Minted, more: Partial<PathInput>): Minted => {
    for (let i = 0; i < 3; i++) assert.equal(verdict([made, issuing], list, more), 'good');
    assert.notEqual(more.cache?.settled(made.certificate.fingerprint), undefined);
    return made;
  };

  test('is held to the validity of leaf, CA and anchor, to the second', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const made = settled(leaf({ notAfter: new Date('2030-01-01T00:00:00Z') }), { cache });
    const at = (time: string): string => verdict([made, issuing], list, { cache, at: new Date(time) });
    assert.equal(at('2030-01-01T00:00:00.999Z'), 'good');
    assert.equal(at('2030-01-01T00:00:01Z'), 'expired');
    assert.equal(at('2060-01-01T00:00:00Z'), 'anchor_expired');
    assert.equal(verdict([made, issuing], list, { cache, at: new Date(Number.NaN) }), 'anchor_expired');
  });

  test('is judged anew for another purpose, policy, depth or list of anchors', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const made = settled(leaf(), { cache });
    assert.equal(verdict([made, issuing], list, { cache, purpose: ext.serverAuth }), 'extended_key_usage');
    assert.equal(verdict([made, issuing], list, { cache, policy: { requireExplicit: true } }), 'policy');
    assert.equal(verdict([made, issuing], list, { cache, maxDepth: 0 }), 'max_depth');
    const strict = anchorOf(root, { profile: leveled(profiles.rfc5280, { 'crl-distribution-points': 'refuse' }) });
    assert.equal(verdict([made, issuing], strict, { cache }), 'profile_rule');
    assert.equal(verdict([made, issuing], [], { cache }), 'no_anchor');
  });

  test('must send its chain each time, unless TLS resumed, and not more than a peer may send', () => {
    const cache = createPathCache({ maxEntries: 10 });
    const made = settled(leaf(), { cache });
    assert.equal(verdict([made], list, { cache }), 'issuer_missing');
    assert.equal(verdict([made], list, { cache, resumed: true }), 'good');
    assert.equal(verdict([made, ...Array(100).fill(issuing)], list, { cache }), 'too_many_certificates');
  });
});
