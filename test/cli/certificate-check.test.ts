import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hems } from '../integration/command.ts';
import { keyNumber, type Minted, mint } from '../x509/minting.ts';
import * as ext from '../x509/minting-extensions.ts';
import { answerOf, files, pem } from './certificate-files.ts';

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const issuing = mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(1), by: root, extensions: ext.caExtensions() });
const name = '00a0bc123456.hnb.acme.example';
const cellExtensions = ext.deviceExtensions(ext.subjectAltName([{ dns: name }]));
const cell = mint({ subject: 'O=Acme/CN=cell', key: keyNumber(2), by: issuing, extensions: cellExtensions });
const person = mint({ subject: 'CN=person', key: keyNumber(2), by: issuing, extensions: ext.deviceExtensions() });
const stranger = mint({ subject: 'CN=Stranger', key: keyNumber(7), extensions: ext.caExtensions() });

describe('hems certificate check: a good chain', () => {
  test('is valid, with its path, and tells the identity apart from it', async (t) => {
    const ended = await files(t).check([root], [cell, issuing], '--json');
    assert.equal(ended.code, 0, ended.stderr);
    const { valid, path, reasons, identity } = answerOf(ended);
    assert.deepEqual([valid, reasons], [true, []]);
    assert.deepEqual(
      path.map(({ role, fingerprint }) => [role, fingerprint]),
      [
        ['leaf', cell.certificate.fingerprint],
        ['ca', issuing.certificate.fingerprint],
        ['anchor', root.certificate.fingerprint],
      ],
    );
    assert.deepEqual(identity, { rule: 'san-dns-hnb', kind: 'hnb-fqdn', value: name, oui: '00A0BC' });
  });

  test('needs no identity of a femtocell', async (t) => {
    const ended = await files(t).check([root], [person, issuing], '--json');
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(answerOf(ended).identity, null);
  });

  test('may be unordered, repeated, with unrelated certificates and the root itself, in PEM with text around', async (t) => {
    const f = files(t);
    const chain = `a note\n${pem(cell, stranger, root, issuing, issuing)}and another\n`;
    assert.equal((await f.check([stranger, root], f.file('chain.pem', chain))).code, 0);
  });

  test('may be in DER, and come by standard input', async (t) => {
    const f = files(t);
    const leaf = mint({ key: keyNumber(2), by: root, extensions: ext.deviceExtensions() });
    assert.equal((await f.check(f.file('root.der', root.der), f.file('leaf.der', leaf.der))).code, 0);
    const piped = await hems(['certificate', 'check', '--trust', f.file('r.pem', pem(root)), '--chain', '-'], {
      program: ['sh', '-c', `"${process.execPath}" src/cli/main.ts "$@" < ${f.file('l.pem', pem(leaf))}`, 'sh'],
    });
    assert.equal(piped.code, 0, piped.stderr);
  });

  test('may end at an anchor that is not self-signed; ten certificates work', async (t) => {
    const f = files(t);
    assert.equal((await f.check([issuing], [cell])).code, 0);
    const cas: Minted[] = [];
    for (let i = 0; i < 8; i++)
      cas.push(
        mint({ subject: `CN=CA ${i}`, key: keyNumber(20 + i), by: cas.at(-1) ?? root, extensions: ext.caExtensions() }),
      );
    const leaf = mint({ key: keyNumber(2), by: cas.at(-1) as Minted, extensions: ext.deviceExtensions() });
    const ended = await f.check([root], [leaf, ...cas, root], '--json');
    assert.equal(answerOf(ended).path.length, 10);
  });

  test('says to people that revocation was not looked at', async (t) => {
    const ended = await files(t).check([root], [cell, issuing]);
    assert.match(ended.stdout, /^valid at 2026-06-01T12:00:00.000Z under the profile hems/);
    assert.match(ended.stdout, /Revocation was not looked at/);
    assert.match(ended.stdout, new RegExp(name));
  });
});

describe('hems certificate check: a chain that is refused', () => {
  test('has one reason for each path tried, the most telling first', async (t) => {
    const late = { notAfter: new Date('2021-01-01T00:00:00Z') };
    const crossed = mint({
      subject: 'O=Acme/CN=Issuing',
      key: keyNumber(1),
      by: stranger,
      extensions: ext.caExtensions(),
      ...late,
    });
    const leaf = mint({ key: keyNumber(2), by: issuing, extensions: ext.deviceExtensions(), ...late });
    const ended = await files(t).check([root, stranger], [leaf, issuing, crossed], '--json');
    assert.equal(ended.code, 1);
    const { valid, path, reasons, identity } = answerOf(ended);
    assert.deepEqual([valid, path, identity], [false, [], null]);
    assert.deepEqual(
      reasons.map(({ reason, detail, clause }) => [reason, detail, clause]),
      [
        ['cert_expired', 'expired', 'RFC 5280 6.1.3 (a)(2)'],
        ['cert_expired', 'expired', 'RFC 5280 6.1.3 (a)(2)'],
      ],
    );
    assert.notEqual(reasons[0]?.message, reasons[1]?.message);
  });

  test('by a stranger, without its intermediate, or at another time', async (t) => {
    const f = files(t);
    const first = async (...args: Parameters<typeof f.check>): Promise<string> => {
      const ended = await f.check(...args, '--json');
      assert.equal(ended.code, 1, ended.stderr);
      return answerOf(ended).reasons[0]?.detail ?? '';
    };
    assert.equal(await first([stranger], [cell, issuing]), 'no_anchor');
    assert.equal(await first([root], [cell]), 'issuer_missing');
    assert.equal(await first([root], [cell, issuing], '--at', '2050-01-01'), 'anchor_expired');
    assert.equal(await first([root], [cell, issuing], '--max-depth', '0'), 'max_depth');
    assert.equal(await first([root], [cell, issuing], '--require-explicit-policy'), 'policy');
  });

  test('of 101 certificates is refused unread', async (t) => {
    const f = files(t);
    const junk = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'.repeat(99);
    const last = await f.check([root], f.file('101.pem', pem(cell, issuing) + junk), '--json');
    assert.deepEqual([last.code, answerOf(last).reasons.map(({ detail }) => detail)], [1, ['too_many_certificates']]);
    const most = await f.check([root], f.file('100.pem', pem(cell, issuing) + junk.slice(0, -junk.length / 99)));
    assert.equal(most.code, 0);
  });

  test('has strangers’ text escaped in it', async (t) => {
    const evil = mint({ subject: 'CN=\u001b[2J\u202eevil', key: keyNumber(3), extensions: ext.deviceExtensions() });
    const { code, stdout } = await files(t).check([root], [evil]);
    assert.equal(code, 1);
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});

describe('hems certificate check: profile and inputs', () => {
  const bare = mint({ key: keyNumber(2), by: root, extensions: [] });
  const policy = '1.3.6.1.4.1.99999.1';
  const withPolicy = mint({
    key: keyNumber(2),
    by: root,
    extensions: ext.deviceExtensions(ext.certificatePolicies([policy])),
  });

  test('the default profile is that of femtocells, rfc5280 is the RFC alone', async (t) => {
    const f = files(t);
    const refused = await f.check([root], [bare], '--json');
    assert.equal(refused.code, 1);
    assert.equal(answerOf(refused).reasons[0]?.rule, 'device-key-usage');
    assert.equal((await f.check([root], [bare], '--profile', 'rfc5280', '--offline')).code, 0);
  });

  test('policies may be named, more than one of them', async (t) => {
    const f = files(t);
    const explicit = ['--require-explicit-policy', '--inhibit-policy-mapping', '--inhibit-any-policy'];
    assert.equal((await f.check([root], [withPolicy], '--policy-oid', '1.2.3', ...explicit)).code, 1);
    const both = ['--policy-oid', '1.2.3', '--policy-oid', policy];
    assert.equal((await f.check([root], [withPolicy], ...both, ...explicit)).code, 0);
  });

  test('an expired anchor is accepted only when it is said so', async (t) => {
    const f = files(t);
    const old = mint({
      subject: 'CN=Old',
      key: keyNumber(4),
      extensions: ext.caExtensions(),
      notAfter: new Date('2021-01-01T00:00:00Z'),
    });
    const leaf = mint({ key: keyNumber(2), by: old, extensions: ext.deviceExtensions() });
    assert.equal((await f.check([old], [leaf])).code, 1);
    assert.equal((await f.check([old], [leaf], '--accept-expired-anchor')).code, 0);
  });
});

describe('hems certificate check: what it cannot work with ends with exit code 2', () => {
  test('a file that is not there, holds no certificate, or a broken one', async (t) => {
    const f = files(t);
    const broken = pem(cell).replace('MII', 'M*I');
    const badTrust = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';
    for (const [trust, chain] of [
      ['/nowhere.pem', [cell]],
      [[root], '/nowhere.pem'],
      [f.file('empty.pem', ''), [cell]],
      [[root], f.file('text.pem', 'no certificate')],
      [[root], f.file('broken.pem', broken)],
      [f.file('trust.pem', badTrust), [cell]],
    ] as const) {
      const { code, stderr, stdout } = await f.check(trust, chain, '--json');
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, /^hems: .*\.pem/);
    }
  });

  test('an option that is missing, unknown or out of bounds', async (t) => {
    const f = files(t);
    for (const more of [
      ['--at', 'yesterday'],
      ['--at', '2026-02-30'],
      ['--profile', 'webpki'],
      ['--max-depth', '-1'],
      ['--policy-oid', 'any'],
      ['--nonsense'],
    ])
      assert.equal((await f.check([root], [cell, issuing], ...more)).code, 2, more.join(' '));
    assert.equal((await hems(['certificate', 'check', '--chain', f.file('c.pem', pem(cell))])).code, 2);
  });
});

test('judging a chain loads no server, no database and no minting', async (t) => {
  const f = files(t);
  const args = ['certificate', 'check', '--trust', f.file('r.pem', pem(root)), '--chain', f.file('c.pem', pem(cell))];
  const { stderr } = await hems(args, {
    program: [process.execPath, '--import', new URL('loaded-modules.ts', import.meta.url).href, 'src/cli/main.ts'],
  });
  const loaded = stderr.split('\n').filter((line) => line.startsWith('loaded '));
  assert.ok(
    loaded.some((line) => line.includes('/src/x509/path.ts')),
    stderr,
  );
  const heavy = loaded.filter((line) => /node_modules\/(?!commander)|src\/(southbound|northbound|app)/.test(line));
  assert.deepEqual(heavy, []);
});
