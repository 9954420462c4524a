import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anchorOf, judge, verdict } from './judging.ts';
import { type KeyPair, keyNumber, type Minted, type MintOptions, mint } from './minting.ts';
import * as ext from './minting-extensions.ts';

const ca = (subject: string, key: KeyPair, by?: Minted, options: MintOptions = {}): Minted =>
  mint({ subject, key, extensions: ext.caExtensions(), ...(by === undefined ? {} : { by }), ...options });

const leafOf = (by: Minted, options: MintOptions = {}): Minted =>
  mint({ subject: 'CN=device', key: keyNumber(99), by, extensions: ext.deviceExtensions(), ...options });

const longPast = new Date('2021-01-01T00:00:00Z');

const root = ca('CN=Root', keyNumber(0));
const anchor = anchorOf(root);
const issuing = ca('CN=Issuing', keyNumber(1), root);
const device = leafOf(issuing);

const subjectsOf = (...args: Parameters<typeof judge>): string => {
  const result = judge(...args);
  if (!result.ok) return result.failures[0].detail;
  const { path } = result;
  return [...path.intermediates, path.anchor].map(({ serialNumber }) => serialNumber).join(' ');
};
const serials = (...certificates: Minted[]): string => certificates.map((c) => c.certificate.serialNumber).join(' ');

describe('what a peer may send', () => {
  test('the leaf, then anything: unordered, unrelated, repeated, the root itself', () => {
    const unrelated = ca('CN=Other', keyNumber(5));
    const other = leafOf(unrelated);
    assert.equal(verdict([device, unrelated, issuing, issuing, other, root, device, root], anchor), 'good');
  });

  test('ten certificates in any order', () => {
    const chain = [root];
    for (let i = 0; i < 8; i++) chain.unshift(ca(`CN=CA ${i}`, keyNumber(10 + i), chain[0]));
    const made = leafOf(chain[0] as Minted);
    fc.assert(
      fc.property(fc.shuffledSubarray(chain, { minLength: 9 }), (order) => {
        assert.equal(verdict([made, ...order], anchor), 'good');
      }),
      { numRuns: 10 },
    );
  });

  test('something that is no certificate among them', () => {
    const rubbish = { ...issuing, der: Buffer.from('rubbish') };
    assert.equal(verdict([device, rubbish, issuing], anchor), 'good');
    const result = judge([device, rubbish], anchor);
    assert.ok(!result.ok && result.failures.some(({ detail }) => detail === 'malformed_certificate'));
  });

  test('a leaf alone, when the operator configured its issuer', () => {
    assert.equal(verdict([device], anchor), 'no_anchor');
    assert.equal(verdict([device], anchorOf(root, { intermediates: [issuing] })), 'good');
  });

  test('a root in place of a leaf is nobody', () => {
    assert.notEqual(verdict([root], anchor), 'good');
    const self = mint({ subject: 'CN=self', key: keyNumber(6), extensions: ext.deviceExtensions() });
    assert.notEqual(verdict([self], anchorOf(self)), 'good');
  });
});

describe('what is said of a chain without an anchor', () => {
  test('a stranger is untrusted, whatever it sends of itself', () => {
    const strange = ca('O=Evil/CN=Root', keyNumber(7));
    const middle = ca('O=Evil/CN=Issuing', keyNumber(8), strange);
    const made = leafOf(middle);
    for (const chain of [[made], [made, middle], [made, middle, strange]]) {
      const result = judge(chain, anchor);
      assert.ok(!result.ok);
      assert.equal(result.failures[0].reason, 'chain_untrusted');
      assert.equal(result.failures[0].signaturesVerified, false);
    }
  });

  test('one of ours that forgot its intermediate is incomplete', () => {
    const acme = ca('C=DE/O=Acme/CN=Root', keyNumber(7));
    const middle = ca('C=DE/O=Acme/CN=Issuing', keyNumber(8), acme);
    const result = judge([leafOf(middle)], [anchor, anchorOf(acme)]);
    assert.ok(!result.ok);
    assert.deepEqual([result.failures[0].reason, result.failures[0].detail], ['chain_incomplete', 'issuer_missing']);
  });
});

describe('several ways to go', () => {
  test('an expired CA certificate does not hide its renewal', () => {
    const expired = ca('CN=Issuing', keyNumber(1), root, { notAfter: longPast });
    for (const chain of [
      [device, expired, issuing],
      [device, issuing, expired],
    ])
      assert.equal(subjectsOf(chain, anchor), serials(issuing, root));
  });

  test('a rolled key is told from the old one, by identifier or by trying', () => {
    const rolled = ca('CN=Issuing', keyNumber(11), root);
    for (const order of [
      [issuing, rolled],
      [rolled, issuing],
    ]) {
      assert.equal(subjectsOf([device, ...order], anchor), serials(issuing, root));
      assert.equal(subjectsOf([leafOf(rolled), ...order], anchor), serials(rolled, root));
    }
  });

  test('a key identifier is a hint: a wrong one delays, never decides', () => {
    const [a, b] = [Buffer.from([1]), Buffer.from([2])];
    const middle = ca('CN=Hint', keyNumber(12), root, {
      extensions: [...ext.caExtensions(), ext.subjectKeyIdentifier(a)],
    });
    const decoy = ca('CN=Hint', keyNumber(13), root, {
      extensions: [...ext.caExtensions(), ext.subjectKeyIdentifier(b)],
    });
    const made = leafOf(middle, { extensions: ext.deviceExtensions(ext.authorityKeyIdentifier(b)) });
    assert.equal(subjectsOf([made, decoy, middle], anchor), serials(middle, root));
  });

  test('self-issued key roll-over certificates lead from the new key to the old one', () => {
    const newWithOld = ca('CN=Root', keyNumber(14), root);
    const under = ca('CN=Sub', keyNumber(15), newWithOld);
    assert.equal(subjectsOf([leafOf(under), under, newWithOld], anchor), serials(under, newWithOld, root));
  });

  test('a cross-certificate leads to the anchor that is trusted', () => {
    const foreign = ca('CN=Foreign', keyNumber(16));
    const crossed = ca('CN=Foreign', keyNumber(16), root);
    const under = ca('CN=Under', keyNumber(17), foreign);
    const made = leafOf(under);
    assert.equal(subjectsOf([made, under, foreign, crossed], anchor), serials(under, crossed, root));
    assert.equal(subjectsOf([made, under, crossed], anchorOf(foreign)), serials(under, foreign));
  });

  test('where one way is constrained the other is taken', () => {
    const strict = [...ext.caExtensions(), ext.nameConstraints({ excluded: [{ dns: 'example' }] })];
    const narrow = ca('CN=Both', keyNumber(18), root, { extensions: strict });
    const wide = ca('CN=Both', keyNumber(18), root);
    const made = leafOf(wide, { extensions: ext.deviceExtensions(ext.subjectAltName([{ dns: 'a.example' }])) });
    assert.equal(subjectsOf([made, narrow, wide], anchor), serials(wide, root));
    assert.equal(verdict([made, narrow], anchor), 'name_excluded');
  });

  test('an anchor that is refused does not hide another of its name and key', () => {
    const old = ca('CN=Twice', keyNumber(19), undefined, { notAfter: longPast });
    const renewed = ca('CN=Twice', keyNumber(19));
    const made = leafOf(renewed);
    assert.equal(subjectsOf([made], anchorOf([old, renewed])), serials(renewed));
    assert.equal(verdict([made], anchorOf(old)), 'anchor_expired');
  });

  test('an intermediate may be the anchor, and then nothing above it is asked for', () => {
    assert.equal(subjectsOf([device, issuing, root], anchorOf(issuing)), serials(issuing));
    assert.equal(subjectsOf([device], anchorOf(issuing)), serials(issuing));
  });

  test('two anchors may reach the same leaf: the better path wins, with its anchor’s name', () => {
    const operator = ca('CN=Operator', keyNumber(20));
    const crossed = ca('CN=Issuing', keyNumber(1), operator, { notAfter: longPast });
    const anchors = [anchorOf(operator, { name: 'operator' }), anchorOf(root, { name: 'acme' })];
    const result = judge([device, crossed, issuing], anchors);
    assert.ok(result.ok && result.path.anchorName === 'acme');
  });
});

describe('circles', () => {
  /** CAs of these names, each certified by each other. */
  function mesh(names: readonly string[], firstKey: number): Minted[] {
    const selves = names.map((name, i) => ca(name, keyNumber(firstKey + i)));
    return names.flatMap((name, i) =>
      selves.filter((_, j) => j !== i).map((by) => ca(name, keyNumber(firstKey + i), by)),
    );
  }

  test('that meet no anchor end', () => {
    const circle = mesh(['CN=A', 'CN=B', 'CN=C'], 30);
    const result = judge([leafOf(circle[0] as Minted), ...circle], anchor);
    assert.ok(!result.ok && result.failures[0].detail === 'no_anchor');
  });

  test('are left where one of them meets the anchor', () => {
    const circle = mesh(['CN=A', 'CN=B', 'CN=C', 'CN=D'], 30);
    const way = ca('CN=D', keyNumber(33), root);
    const made = leafOf(circle[0] as Minted);
    fc.assert(
      fc.property(fc.shuffledSubarray([...circle, way], { minLength: circle.length + 1 }), (order) => {
        assert.equal(verdict([made, ...order], anchor), 'good');
      }),
      { numRuns: 10 },
    );
  });

  test('of two anchors that certified each other are cut at the first', () => {
    const [a, b] = [ca('CN=A', keyNumber(30)), ca('CN=B', keyNumber(31))];
    const [ab, ba] = [ca('CN=A', keyNumber(30), b), ca('CN=B', keyNumber(31), a)];
    assert.equal(verdict([leafOf(a), ab, ba], [anchorOf(a), anchorOf(b)]), 'good');
    assert.equal(verdict([leafOf(a), ab, ba], anchorOf(b)), 'good');
  });
});

describe('reasons', () => {
  test('are one for each path tried, the one that came farthest first', () => {
    const expired = ca('CN=Issuing', keyNumber(1), root, { notAfter: longPast });
    const noCa = ca('CN=Issuing', keyNumber(1), root, { extensions: [] });
    const weak = leafOf(issuing, { extensions: [ext.extKeyUsage([ext.serverAuth])] });
    const result = judge([weak, expired, noCa, issuing], anchor);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.failures.map(({ detail }) => detail),
      ['extended_key_usage', 'not_a_ca', 'expired'],
    );
  });

  test('of a path to an anchor come before those of ways that lead nowhere', () => {
    const stray = ca('CN=Issuing', keyNumber(1), ca('CN=Nobody', keyNumber(40)));
    const old = leafOf(issuing, { notAfter: longPast });
    const result = judge([old, stray, issuing], anchor);
    assert.ok(!result.ok);
    assert.equal(result.failures[0].detail, 'expired');
  });
});
