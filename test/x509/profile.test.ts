import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ProfileName,
  pathFindings,
  profileRules,
  profiles,
  type RuleLevel,
  withLevels,
} from '../../src/x509/profile.ts';
import * as der from './der-writer.ts';
import { anchorOf, judge, leveled, reason } from './judging.ts';
import { algorithms, attribute, keyNumber, type Minted, type MintOptions, mint, newKey } from './minting.ts';
import * as ext from './minting-extensions.ts';

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const rsaRoot = mint({ subject: 'O=Acme/CN=RSA Root', key: keyNumber(0, 'rsa-2048'), extensions: ext.caExtensions() });

interface Case {
  readonly leaf?: MintOptions;
  readonly ca?: MintOptions;
  readonly by?: Minted;
}

function chainOf({ leaf = {}, ca = {}, by = root }: Case): Minted[] {
  const extensions = ext.caExtensions(0);
  const issuing = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(1), by, extensions, ...ca });
  const pointer = der.sequence(
    der.sequence(der.explicit(0, der.explicit(0, ext.generalName({ uri: 'http://x.example/' })))),
  );
  const usual = ext.deviceExtensions(ext.extension('cRLDistributionPoints', pointer));
  return [mint({ subject: 'O=Acme/CN=1', key: keyNumber(2), by: issuing, extensions: usual, ...leaf }), issuing];
}

const anchors = (profile: ProfileName) => [
  anchorOf(root, { profile: profiles[profile] }),
  anchorOf(rsaRoot, { profile: profiles[profile], name: 'rsa' }),
];
const hems = (made: Case): string => reason(chainOf(made), anchors('hems'));
const rfc = (made: Case): string => reason(chainOf(made), anchors('rfc5280'));
const warnings = (made: Case): string[] => {
  const result = judge(chainOf(made), anchors('hems'));
  assert.ok(result.ok, result.ok ? '' : result.failures[0].message);
  return result.warnings.map(({ rule }) => rule);
};

const leafWith = (...extensions: Uint8Array[]): Case => ({ leaf: { extensions } });

/** Refused by `hems`, with this reason and rule; the RFC alone accepts it. */
function onlyHems(expected: string, made: Case): void {
  assert.deepEqual([hems(made), rfc(made)], [expected, 'good']);
}

describe('the profile hems', () => {
  test('accepts the device of the profile without a warning', () => assert.deepEqual(warnings({}), []));

  test('wants version 3 (TS 33.310 6.1.1)', () => {
    onlyHems('profile_violation version-3', { leaf: { version: 1, extensions: null } });
  });

  test('refuses SHA-1 and MD5, in the leaf and in a CA', () => {
    onlyHems('weak_signature signature-hash', { leaf: { algorithm: algorithms['ecdsa-sha1'] } });
    onlyHems('weak_signature signature-hash', { ca: { algorithm: algorithms['ecdsa-sha1'] } });
    const ca = { key: keyNumber(1, 'rsa-2048') };
    onlyHems('weak_signature signature-hash', { ca, leaf: { algorithm: algorithms['rsa-md5'] } });
  });

  test('wants RSA keys of 2048 bits with an exponent of 65537 or more', () => {
    onlyHems('weak_key rsa-key-size', { leaf: { key: newKey('rsa-1024') } });
    onlyHems('weak_key rsa-key-size', { ca: { key: newKey('rsa-1024') } });
    onlyHems('weak_key rsa-exponent', { leaf: { key: newKey('rsa-2048', 3) } });
    assert.equal(hems({ leaf: { key: keyNumber(3, 'rsa-2048') } }), 'good');
  });

  test('wants EC keys on P-256, P-384 or P-521', () => {
    const spki = der.sequence(
      der.sequence(der.oid('1.2.840.10045.2.1'), der.oid('1.3.132.0.10')),
      der.bits(Buffer.alloc(65, 4)),
    );
    const key = { ...keyNumber(2), spki };
    assert.equal(hems({ leaf: { key } }), 'weak_key ec-curve');
    for (const kind of ['P-384', 'P-521'] as const) assert.equal(hems({ leaf: { key: newKey(kind) } }), 'good');
  });

  test('refuses kinds of key that no signature here is made with', () => {
    const spki = der.sequence(der.sequence(der.oid('1.2.840.10046.2.1')), der.bits(Buffer.from([1])));
    assert.equal(hems({ leaf: { key: { ...keyNumber(2), spki } } }), 'weak_key key-algorithm');
  });

  test('wants keyUsage with digitalSignature in a device certificate', () => {
    onlyHems('purpose_invalid device-key-usage', leafWith(ext.extKeyUsage([ext.clientAuth])));
    onlyHems('purpose_invalid key-usage', leafWith(ext.keyUsage(['keyEncipherment'])));
    assert.equal(hems(leafWith(ext.keyUsage(['digitalSignature']))), 'good');
  });

  test('wants clientAuth by name, where there is an extendedKeyUsage', () => {
    const any = [ext.keyUsage(['digitalSignature']), ext.extKeyUsage([ext.anyPurpose])];
    onlyHems('purpose_invalid extended-key-usage-by-name', leafWith(...any));
  });

  test('refuses a CA certificate as a device', () => {
    const made = [ext.basicConstraints(true), ext.keyUsage(['digitalSignature', 'keyCertSign'])];
    onlyHems('profile_violation device-is-no-ca', leafWith(...made));
  });

  test('refuses critical extensions that it does not mention', () => {
    onlyHems(
      'profile_violation unmentioned-critical',
      leafWith(...ext.deviceExtensions(ext.certificatePolicies(['1.2.3'], true))),
    );
    assert.equal(hems(leafWith(...ext.deviceExtensions(ext.subjectAltName([{ dns: 'a.example' }], true)))), 'good');
    const constraints = ext.nameConstraints({ permitted: [{ dns: 'example' }] });
    assert.equal(hems({ ca: { extensions: [...ext.caExtensions(0), constraints] } }), 'good');
  });

  test('refuses negative serial numbers', () => {
    onlyHems('profile_violation serial-number-negative', { leaf: { serial: -1 } });
  });

  test('holds a common name that reads as a host name to the dNSName constraints', () => {
    const constraints = ext.nameConstraints({ permitted: [{ dns: 'acme.example' }] });
    const ca = { extensions: [...ext.caExtensions(0), constraints] };
    onlyHems('chain_untrusted name_not_permitted', { ca, leaf: { subject: 'O=x/CN=00a0bc123456.hnb.other.example' } });
    assert.equal(hems({ ca, leaf: { subject: 'O=x/CN=00a0bc123456.hnb.acme.example' } }), 'good');
    assert.equal(hems({ ca, leaf: { subject: 'O=x/CN=00A0BC-Femto-123' } }), 'good');
    assert.equal(hems({ ca, leaf: { subject: 'O=x/CN=1.2.3.4' } }), 'good');
  });

  test('only warns of what devices in the field lack', () => {
    assert.deepEqual(warnings(leafWith(...ext.deviceExtensions())), ['crl-distribution-points']);
    const plain = [ext.keyUsage(['digitalSignature'], false)];
    assert.deepEqual(warnings(leafWith(...plain)), ['device-key-usage-critical', 'crl-distribution-points']);
    assert.deepEqual(warnings({ ca: { extensions: ext.caExtensions() } }), ['issuing-ca-path-length']);
    assert.deepEqual(warnings({ ca: { extensions: [ext.basicConstraints(true, 0, false)] } }), [
      'ca-basic-constraints-critical',
      'ca-key-usage',
    ]);
  });

  test('only warns of names of another form or another string type', () => {
    assert.deepEqual(warnings({ leaf: { subject: 'CN=1' } }), ['subject-name-form']);
    assert.deepEqual(warnings({ leaf: { subject: 'CN=1/OU=servers/DC=acme/DC=example' } }), []);
    const printable = der.sequence(
      der.set(attribute('O', der.printable('Acme'))),
      der.set(attribute('CN', der.printable('1'))),
    );
    assert.deepEqual(warnings({ leaf: { subject: printable } }), ['subject-name-form']);
  });

  test('only warns of a key certified by a weaker one, and of Ed25519', () => {
    assert.deepEqual(warnings({ by: rsaRoot }), ['issuer-key-strength']);
    assert.deepEqual(warnings({ leaf: { key: newKey('ed25519') } }), ['key-algorithm-mentioned']);
  });

  test('reads a leading dot of a dNSName constraint as subdomains, with a warning; the RFC alone refuses', () => {
    const constraints = ext.nameConstraints({ permitted: [{ dns: '.acme.example' }] });
    const of = (dns: string): Case => ({
      ca: { extensions: [...ext.caExtensions(0), constraints] },
      leaf: { extensions: ext.deviceExtensions(ext.subjectAltName([{ dns }])) },
    });
    assert.deepEqual(warnings(of('x.acme.example')), ['dns-constraint-leading-dot', 'crl-distribution-points']);
    assert.equal(hems(of('acme.example')), 'chain_untrusted name_not_permitted');
    assert.equal(rfc(of('x.acme.example')), 'chain_untrusted name_constraint_unsupported');
  });
});

test('every finding of a path is told, not only the first that refuses', () => {
  const [leaf, issuing] = chainOf({ leaf: { serial: -1, extensions: [], algorithm: algorithms['ecdsa-sha1'] } });
  const list = [leaf, issuing].flatMap((minted) => minted?.certificate ?? []);
  const found = [...pathFindings(profiles.hems, list, root.certificate, ext.clientAuth)];
  assert.deepEqual(
    found.map(({ rule, level, certificate }) => [rule.name, level, certificate === leaf?.certificate]),
    [
      ['signature-hash', 'refuse', true],
      ['serial-number-negative', 'refuse', true],
      ['device-key-usage', 'refuse', true],
      ['crl-distribution-points', 'warn', true],
    ],
  );
});

describe('profiles as data', () => {
  test('every rule has a name of its own, a clause, a summary and a level in each profile', () => {
    const names = profileRules.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, clause, summary, levels } of profileRules) {
      assert.match(name, /^[a-z0-9-]+$/);
      assert.match(clause, /^(RFC|TS) \d/);
      assert.ok(summary.length > 10);
      for (const level of Object.values(levels)) assert.ok(['refuse', 'warn', 'off'].includes(level));
    }
  });

  test('levels are changed for one anchor and no other', () => {
    const legacy = leveled(profiles.hems, { 'signature-hash': 'warn', 'rsa-key-size': 'off' });
    const sha1: Case = { leaf: { algorithm: algorithms['ecdsa-sha1'] } };
    const result = judge(chainOf(sha1), anchorOf(root, { profile: legacy }));
    assert.ok(result.ok && result.warnings.some(({ rule }) => rule === 'signature-hash'));
    assert.equal(hems(sha1), 'weak_signature signature-hash');
    const strict = leveled(profiles.hems, { 'crl-distribution-points': 'refuse' });
    assert.equal(
      reason(chainOf(leafWith(...ext.deviceExtensions())), anchorOf(root, { profile: strict })),
      'profile_violation crl-distribution-points',
    );
  });

  test('an unknown rule is named, not ignored', () => {
    const result = withLevels(profiles.hems, { 'no-such-rule': 'off', 'version-3': 'off' });
    assert.deepEqual(result, { ok: false, unknownRules: ['no-such-rule'] });
  });

  test('a profile that does not know a rule refuses by it', () => {
    const empty = { name: 'empty', levels: new Map<string, RuleLevel>() };
    assert.match(reason(chainOf({}), anchorOf(root, { profile: empty })), /^profile_violation /);
  });
});
