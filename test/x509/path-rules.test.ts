import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as der from './der-writer.ts';
import { anchorOf, judge, reason, verdict } from './judging.ts';
import { keyNumber, type Minted, type MintOptions, mint, now } from './minting.ts';
import * as ext from './minting-extensions.ts';

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const anchor = anchorOf(root);

function ca(options: MintOptions = {}): Minted {
  return mint({
    subject: 'O=Acme/CN=Issuing',
    key: keyNumber(1),
    by: root,
    extensions: ext.caExtensions(),
    ...options,
  });
}

function leaf(by: Minted, options: MintOptions = {}): Minted {
  return mint({ subject: 'O=Acme/CN=device', key: keyNumber(2), by, extensions: ext.deviceExtensions(), ...options });
}

const issuing = ca();
const device = leaf(issuing);

/** The verdict on a device under one intermediate with these options. */
const under = (options: MintOptions): string => {
  const made = ca(options);
  return verdict([leaf(made), made], anchor);
};

/** The verdict on a device with these options under the usual intermediate. */
const of = (options: MintOptions): string => verdict([leaf(issuing, options), issuing], anchor);

test('a usual path is good, and says what it is made of', () => {
  const result = judge([device, issuing], anchor);
  assert.ok(result.ok);
  assert.equal(result.path.leaf.fingerprint, device.certificate.fingerprint);
  assert.deepEqual(
    result.path.intermediates.map((c) => c.fingerprint),
    [issuing.certificate.fingerprint],
  );
  assert.equal(result.path.anchor, anchor.certificates[0]);
  assert.equal(result.path.anchorName, 'acme');
});

describe('validity (RFC 5280 4.1.2.5, 6.1.3 (a)(2))', () => {
  const notBefore = new Date('2026-01-01T00:00:00Z');
  const notAfter = new Date('2026-02-01T00:00:00Z');
  const at = (time: string, options: MintOptions = { notBefore, notAfter }) => {
    const made = leaf(issuing, options);
    return verdict([made, issuing], anchor, { at: new Date(time) });
  };

  test('includes both ends', () => {
    assert.equal(at('2026-01-01T00:00:00Z'), 'good');
    assert.equal(at('2026-02-01T00:00:00Z'), 'good');
  });

  test('cuts fractions of a second', () => {
    assert.equal(at('2026-02-01T00:00:00.999Z'), 'good');
    assert.equal(at('2025-12-31T23:59:59.999Z'), 'not_yet_valid');
  });

  test('ends one second later', () => {
    assert.equal(at('2026-02-01T00:00:01Z'), 'expired');
    assert.equal(at('2025-12-31T23:59:59Z'), 'not_yet_valid');
  });

  test('reaches to the end of year 9999', () => {
    assert.equal(of({ notAfter: new Date('9999-12-31T23:59:59Z') }), 'good');
  });

  test('is looked at in every certificate, and named by the one that is outside', () => {
    const old = ca({ notAfter: new Date('2021-01-01T00:00:00Z') });
    const result = judge([leaf(old), old], anchor);
    assert.ok(!result.ok);
    const [failure] = result.failures;
    assert.deepEqual([failure.reason, failure.fingerprint], ['cert_expired', old.certificate.fingerprint]);
    assert.match(failure.message, /^CN=Issuing,O=Acme: expired at 2021-01-01T00:00:00.000Z$/);
    assert.ok(failure.signaturesVerified);
  });

  test('that ends before it begins refuses at any time', () => {
    const options = { notBefore: notAfter, notAfter: notBefore };
    for (const time of ['2025-06-01Z', '2026-01-15Z', '2026-06-01Z']) assert.notEqual(at(time, options), 'good');
  });

  test('at no time at all refuses', () => assert.notEqual(at('nonsense'), 'good'));
});

describe('basic constraints and path length (RFC 5280 6.1.4 (k)–(m))', () => {
  test('an issuer must be a CA of version 3', () => {
    assert.equal(under({ extensions: [ext.keyUsage(['keyCertSign'])] }), 'not_a_ca');
    assert.equal(under({ extensions: [ext.basicConstraints(false)] }), 'not_a_ca');
    assert.equal(under({ version: 1, extensions: null }), 'not_a_ca');
    assert.equal(under({ extensions: [ext.basicConstraints(true)] }), 'good');
    assert.equal(under({ extensions: [ext.basicConstraints(true, undefined, false)] }), 'good');
  });

  /** A chain of CAs below the root: a path length each, undefined for none, and whether it is self-issued. */
  function chain(...cas: (readonly [pathLength: number | undefined, selfIssued?: 'self-issued'])[]): Minted[] {
    const made: Minted[] = [];
    for (const [i, [pathLength, selfIssued]] of cas.entries()) {
      const by: Minted = made[0] ?? root;
      const subject = selfIssued ? by.subject : `CN=CA ${i}`;
      made.unshift(mint({ subject, key: keyNumber(10 + i), by, extensions: ext.caExtensions(pathLength) }));
    }
    return [leaf(made[0] ?? root), ...made];
  }

  test('count the CAs that follow', () => {
    assert.equal(verdict(chain([0]), anchor), 'good');
    assert.equal(verdict(chain([0], [undefined]), anchor), 'path_length');
    assert.equal(verdict(chain([1], [undefined]), anchor), 'good');
    assert.equal(verdict(chain([1], [undefined], [undefined]), anchor), 'path_length');
    assert.equal(verdict(chain([5], [0], [undefined]), anchor), 'path_length');
  });

  test('cannot be widened further down', () => {
    assert.equal(verdict(chain([1], [7], [7]), anchor), 'path_length');
    assert.equal(verdict(chain([1], [7]), anchor), 'good');
  });

  test('do not count self-issued CAs', () => {
    assert.equal(verdict(chain([0], [undefined, 'self-issued']), anchor), 'good');
    assert.equal(verdict(chain([0], [undefined, 'self-issued'], [undefined]), anchor), 'path_length');
    assert.equal(verdict(chain([1], [0, 'self-issued'], [undefined]), anchor), 'path_length');
  });

  test('do not count the last certificate, even where it is a CA', () => {
    const top = ca({ extensions: ext.caExtensions(0) });
    const last = mint({ subject: 'CN=last', key: keyNumber(3), by: top, extensions: ext.caExtensions() });
    assert.equal(verdict([last, top], anchor), 'good');
  });

  test('of the anchor hold as well', () => {
    const strict = mint({ subject: 'CN=strict', key: keyNumber(4), extensions: ext.caExtensions(0) });
    const below = ca({ by: strict });
    assert.equal(verdict([leaf(strict)], anchorOf(strict)), 'good');
    assert.equal(verdict([leaf(below), below], anchorOf(strict)), 'path_length');
  });

  test('a depth that the caller asks for counts the same way', () => {
    const depth = (maxDepth: number, cas: Minted[]) => verdict(cas, anchor, { maxDepth });
    assert.equal(depth(0, chain()), 'good');
    assert.equal(depth(0, chain([undefined])), 'max_depth');
    assert.equal(depth(1, chain([undefined])), 'good');
    assert.equal(depth(1, chain([undefined], [undefined, 'self-issued'])), 'good');
    assert.equal(depth(1, chain([undefined], [undefined])), 'max_depth');
  });
});

describe('key usage', () => {
  test('of an issuer, where present, has keyCertSign (RFC 5280 6.1.4 (n))', () => {
    assert.equal(under({ extensions: [ext.basicConstraints(true), ext.keyUsage(['cRLSign'])] }), 'key_cert_sign');
    assert.equal(
      under({ extensions: [ext.basicConstraints(true), ext.keyUsage(['cRLSign'], false)] }),
      'key_cert_sign',
    );
  });
});

describe('extended key usage', () => {
  const eku = (...purposes: string[]) => of({ extensions: [ext.extKeyUsage(purposes)] });

  test('may be absent, else has the purpose or any', () => {
    assert.equal(of({ extensions: [] }), 'good');
    assert.equal(eku(ext.clientAuth), 'good');
    assert.equal(eku(ext.serverAuth, ext.clientAuth), 'good');
    assert.equal(eku(ext.anyPurpose), 'good');
    assert.equal(eku(ext.serverAuth), 'extended_key_usage');
    assert.equal(
      reason([leaf(issuing, { extensions: [ext.extKeyUsage(['1.2.3'])] }), issuing], anchor),
      'purpose_invalid extended-key-usage',
    );
  });

  test('of a CA holds for what it issues', () => {
    assert.equal(
      under({ extensions: [...ext.caExtensions(), ext.extKeyUsage([ext.serverAuth])] }),
      'ca_extended_key_usage',
    );
    assert.equal(under({ extensions: [...ext.caExtensions(), ext.extKeyUsage([ext.anyPurpose])] }), 'good');
  });

  test('is asked for the purpose that the caller has', () => {
    const server = leaf(issuing, { extensions: [ext.extKeyUsage([ext.serverAuth])] });
    assert.equal(verdict([server, issuing], anchor, { purpose: ext.serverAuth }), 'good');
    assert.equal(verdict([server, issuing], anchor, { purpose: 'any' }), 'good');
  });
});

describe('critical extensions (RFC 5280 6.1.4 (o), 6.1.5 (f))', () => {
  const strange = ext.extension('1.2.3.4.5', der.nothing(), true);

  test('that are unknown refuse, in a leaf and in a CA', () => {
    assert.equal(of({ extensions: [...ext.deviceExtensions(), strange] }), 'critical_extension');
    assert.equal(under({ extensions: [...ext.caExtensions(), strange] }), 'critical_extension');
    const result = judge([leaf(issuing, { extensions: [strange] }), issuing], anchor);
    assert.ok(!result.ok && result.failures[0].reason === 'critical_ext_unknown');
  });

  test('that are unknown in a certificate of no path do not', () => {
    const unused = mint({ subject: 'CN=other', key: keyNumber(5), by: root, extensions: [strange] });
    assert.equal(verdict([device, unused, issuing], anchor), 'good');
  });

  test('that are known are processed', () => {
    const known = [ext.subjectAltName([{ dns: 'a.example' }], true), ext.extKeyUsage([ext.clientAuth], true)];
    assert.equal(of({ extensions: [...known, ext.certificatePolicies(['1.2.3'], true)] }), 'good');
  });

  test('that are unknown and not critical are passed over', () => {
    assert.equal(of({ extensions: [ext.extension('1.2.3.4.5', Buffer.from('anything'))] }), 'good');
  });
});

describe('signatures (RFC 5280 6.1.3 (a)(1))', () => {
  test('of another key with the same name refuse', () => {
    const impostor = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(6), extensions: ext.caExtensions() });
    assert.equal(verdict([leaf(impostor), issuing], anchor), 'signature_invalid');
    const root2 = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(7), extensions: ext.caExtensions() });
    const result = judge([leaf(root2)], anchor);
    assert.ok(!result.ok);
    const [{ detail, anchor: name, signaturesVerified }] = result.failures;
    assert.deepEqual([detail, name, signaturesVerified], ['signature_invalid', 'acme', false]);
  });

  test('whose algorithm is refused are named', () => {
    const md2 = { identifier: der.sequence(der.oid('1.2.840.113549.1.1.2')), sign: () => Buffer.from([0]) };
    const made = leaf(issuing, { algorithm: md2 });
    assert.equal(reason([made, issuing], anchor), 'weak_signature signature_algorithm');
  });

  test('whose algorithm differs inside and outside refuse', () => {
    const other = der.sequence(der.oid('1.2.840.10045.4.3.3'));
    assert.equal(
      reason([leaf(issuing, { innerAlgorithm: other }), issuing], anchor),
      'profile_violation signature-algorithm-agrees',
    );
  });
});

describe('the form of a certificate', () => {
  const form = (options: MintOptions): string => reason([leaf(issuing, options), issuing], anchor);

  test('serial numbers are not zero and have at most 20 octets (RFC 5280 4.1.2.2)', () => {
    assert.equal(form({ serial: 0 }), 'profile_violation serial-number');
    assert.equal(form({ serial: (1n << 159n) - 1n }), 'good');
    assert.equal(form({ serial: 1n << 159n }), 'profile_violation serial-number');
  });

  test('negative serial numbers are borne with, as the RFC asks of those who verify', () => {
    const made = leaf(issuing, { serial: -5 });
    const result = judge([made, issuing], anchor);
    assert.ok(result.ok && result.warnings.some(({ rule }) => rule === 'serial-number-negative'));
  });

  test('no extension occurs twice (4.2)', () => {
    const twice = [ext.extKeyUsage([ext.clientAuth]), ext.extKeyUsage([ext.serverAuth])];
    assert.equal(form({ extensions: twice }), 'profile_violation duplicate-extension');
    const unknown = ext.extension('1.2.3', der.nothing());
    assert.equal(form({ extensions: [unknown, unknown] }), 'profile_violation duplicate-extension');
  });

  test('version 1 may end a path, but not with extensions; unique identifiers need version 2', () => {
    assert.equal(form({ version: 1, extensions: null }), 'good');
    assert.equal(form({ version: 1, extensions: ext.deviceExtensions() }), 'profile_violation version-fits');
    assert.equal(form({ version: 2, extensions: ext.deviceExtensions() }), 'profile_violation version-fits');
    assert.equal(form({ version: 1, extensions: null, uniqueId: true }), 'profile_violation version-fits');
    assert.equal(form({ version: 2, extensions: null, uniqueId: true }), 'good');
  });

  test('an empty subject needs a critical subjectAltName (4.1.2.6)', () => {
    const san = [{ dns: 'a.example' }];
    assert.equal(form({ subject: '', extensions: [ext.subjectAltName(san, true)] }), 'good');
    assert.equal(form({ subject: '', extensions: [ext.subjectAltName(san)] }), 'profile_violation subject-name');
    assert.equal(form({ subject: '', extensions: [] }), 'profile_violation subject-name');
  });

  test('key identifiers and access descriptions are never critical (4.2.1.1, 4.2.1.2)', () => {
    const id = Buffer.from([1]);
    assert.equal(form({ extensions: [ext.authorityKeyIdentifier(id, true)] }), 'profile_violation never-critical');
    assert.equal(form({ extensions: [ext.subjectKeyIdentifier(id, true)] }), 'profile_violation never-critical');
  });

  test('key identifiers that are missing are only warned of (4.2.1.1, 4.2.1.2)', () => {
    const result = judge([device, issuing], anchor);
    assert.ok(result.ok);
    assert.deepEqual(
      result.warnings.map(({ rule, fingerprint }) => [rule, fingerprint]),
      [issuing, device].map((minted) => ['key-identifiers', minted.certificate.fingerprint]),
    );
  });

  test('only CAs constrain, sign certificates or have a path length (4.2.1.9, 4.2.1.10)', () => {
    const constraints = ext.nameConstraints({ permitted: [{ dns: 'example' }] });
    assert.equal(form({ extensions: [constraints] }), 'profile_violation ca-only-extensions');
    const signs = [ext.basicConstraints(false), ext.keyUsage(['digitalSignature', 'keyCertSign'])];
    assert.equal(form({ extensions: signs }), 'profile_violation cert-sign-only-ca');
    const long = ext.extension('basicConstraints', der.sequence(der.integer(0)));
    assert.equal(form({ extensions: [long] }), 'profile_violation cert-sign-only-ca');
  });

  test('dNSNames are host names (4.2.1.6)', () => {
    for (const dns of ['a_b.example', '127.0.0.1', 'a..b', '.a', '', 'a b', '*.*.a', 'a.*', `${'x'.repeat(64)}.a`])
      assert.equal(form({ extensions: [ext.subjectAltName([{ dns }])] }), 'profile_violation dns-name-syntax', dns);
    for (const dns of ['a.example', '*.example', '00a0bc123456.hnb.acme.example', 'localhost', 'x1', '1.example'])
      assert.equal(form({ extensions: [ext.subjectAltName([{ dns }])] }), 'good', dns);
  });

  test('a certificate that cannot be read is named by its field', () => {
    const bad = leaf(issuing, { extensions: [ext.extKeyUsage([])] });
    const result = judge([bad, issuing], anchor);
    assert.ok(!result.ok);
    assert.equal(result.failures[0].detail, 'malformed_certificate');
    assert.match(result.failures[0].message, /certificate\.tbsCertificate\.extensions\.extKeyUsage: names no purpose/);
  });
});

test('nothing, and more than 100 certificates, are refused at once', () => {
  assert.equal(verdict([], anchor), 'empty_chain');
  const hundred = [device, issuing, ...Array<Minted>(98).fill(issuing)];
  assert.equal(verdict(hundred, anchor), 'good');
  assert.equal(verdict([...hundred, issuing], anchor), 'too_many_certificates');
  const rubbish = Array<Minted>(101).fill({ ...issuing, der: Buffer.from('rubbish') });
  assert.equal(verdict(rubbish, anchor), 'too_many_certificates');
});

test('every failure carries a clause and a message without control characters', () => {
  const evil = leaf(mint({ subject: 'CN=a\x1b[31m\r\nb', key: keyNumber(9), extensions: ext.caExtensions() }));
  const result = judge([evil], anchor, { at: now });
  assert.ok(!result.ok);
  for (const { clause, message } of result.failures) {
    assert.match(clause ?? '', /RFC/);
    assert.match(message, /^[\x20-\x7e]+$/);
  }
});
