import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { readListCsv } from '../../src/trust/revocation/list-csv.ts';
import { createOperatorList, distinguishedNameKey, type ListEntry } from '../../src/trust/revocation/operator-list.ts';
import { type Certificate, parseCertificate } from '../../src/x509/certificate.ts';
import { nameToString } from '../../src/x509/name.ts';
import { newCell, newPki, now } from './world.ts';

function read(text: string): readonly ListEntry[] {
  const result = readListCsv(text, now);
  assert.ok(result.ok, JSON.stringify(result));
  return result.entries;
}

function faults(text: string): readonly string[] {
  const result = readListCsv(text, now);
  assert.ok(!result.ok, 'it was taken');
  return result.faults.map(({ line, cause }) => `${line}: ${cause}`);
}

describe('the operator’s own list', () => {
  let leaf: Certificate;
  before(async () => {
    const cell = await newCell(await newPki(), { dnsNames: ['00a0bc000001.hnb.acme.example'] });
    leaf = parseCertificate(cell.chain[0]!);
  });

  function finds(csv: string, certificate = leaf): boolean {
    const list = createOperatorList();
    for (const entry of read(csv)) list.set(entry);
    return list.find(certificate, '00a0bc000001.hnb.acme.example')?.kind === 'revoked';
  }

  test('names a certificate by issuer and serial number, in any usual writing', () => {
    const serial = leaf.serialNumber;
    const colons = serial.toUpperCase().match(/../g)?.join(':') ?? '';
    assert.match(nameToString(leaf.issuer), /^CN=acme Issuing,O=acme$/);
    for (const issuer of [
      'CN=acme Issuing,O=acme',
      'O=acme, CN=acme Issuing',
      'O = acme, CN = ACME  issuing',
      '/O=acme/CN=acme Issuing',
    ])
      for (const number of [serial, serial.toUpperCase(), `0x${serial}`, `00${serial}`, colons])
        assert.ok(finds(`issuer,serial,reason\n"${issuer}",${number},keyCompromise\n`), `${issuer} ${number}`);
    assert.ok(!finds(`issuer,serial\n"CN=acme Issuing,O=other",${serial}\n`));
    assert.ok(!finds(`issuer,serial\n"CN=acme Issuing,O=acme",${serial}00\n`));
  });

  test('names it by fingerprint, with or without colons, or by what it proves', () => {
    const { fingerprint } = leaf;
    assert.ok(finds(`fingerprint\n${fingerprint}\n`));
    assert.ok(finds(`SHA256 fingerprint,reason\n${fingerprint.toUpperCase().match(/../g)?.join(':')},superseded\n`));
    assert.ok(finds('identity\n00A0BC000001.hnb.acme.example\n'));
    assert.ok(!finds('identity\n00A0BC000002.hnb.acme.example\n'));
    assert.ok(!finds(`fingerprint\n${'ab'.repeat(32)}\n`));
  });

  test('keeps reason, time and note; without them: unspecified, from now on', () => {
    const [full, bare] = read(
      'identity,reason,revoked_at,note\n' +
        '00a0bc000001.hnb.acme.example,Key_Compromise,2026-01-02T03:04:05Z,"stolen, van"\n' +
        '00a0bc000002.hnb.acme.example,,,\n',
    );
    assert.deepEqual(full, {
      kind: 'identity',
      key: '00a0bc000001.hnb.acme.example',
      reason: 'keyCompromise',
      revokedAt: new Date('2026-01-02T03:04:05Z'),
      note: 'stolen, van',
    });
    assert.deepEqual([bare?.reason, bare?.revokedAt, bare?.note], ['unspecified', now, undefined]);
  });

  test('takes no row of a file in which one is wrong, and says which and why', () => {
    assert.deepEqual(faults('identity,reason\nx,\n00a0bc000002.hnb.acme.example,because\n'), [
      '2: "x" is no device identity',
      '3: there is no reason "because" in RFC 5280 5.3.1',
    ]);
    assert.match(faults('serial\n1234\n')[0] ?? '', /^2: a serial number needs its issuer/);
    assert.match(faults('issuer,serial\n"CN=a",xyz\n')[0] ?? '', /^2: "xyz" is no serial number/);
    assert.match(faults('fingerprint\n1234\n')[0] ?? '', /^2: the fingerprint is not 64/);
    assert.match(faults('identity,fingerprint\na,b\n')[0] ?? '', /^2: names no certificate, or several/);
    assert.match(faults('identity,revoked_at\n00a0bc000001.hnb.acme.example,soon\n')[0] ?? '', /is no time/);
    assert.match(faults('device\nx\n')[0] ?? '', /^1: unknown column device; known are issuer/);
    assert.match(faults('identity\n')[0] ?? '', /no row/);
    assert.match(faults('')[0] ?? '', /no row/);
    assert.match(faults('identity\n"x\n')[0] ?? '', /^\d+: /);
  });

  test('two names with the same parts are one, others are not', () => {
    const key = distinguishedNameKey;
    assert.equal(key('CN=a\\, b,O=c'), key('O = c, CN = "a, b"'.replaceAll('"', '').replace('a,', 'a\\,')));
    assert.notEqual(key('CN=a,O=b'), key('CN=b,O=a'));
    assert.notEqual(key('CN=a'), key('CN=a,O=b'));
  });
});
