import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCrl } from '../../src/x509/crl.ts';
import { crlLimits } from '../../src/x509/crl-frame.ts';
import { DerError } from '../../src/x509/der.ts';
import { certificateIssuer, cRLNumber, type EntryOptions, entry, hours, mintCrlDer } from './crl-minting.ts';
import * as der from './der-writer.ts';
import { algorithms, keyNumber, mint } from './minting.ts';
import * as ext from './minting-extensions.ts';

const ca = mint({ subject: 'O=Acme/CN=CA', key: keyNumber(0), extensions: ext.caExtensions() });
/** The field and the fault at which reading stops. */
function refusal(bytes: Uint8Array): string {
  try {
    parseCrl(bytes);
  } catch (error) {
    assert.ok(error instanceof DerError, String(error));
    return `${error.field} ${error.fault}`;
  }
  return 'read';
}

const refusedEntry = (written: EntryOptions | Uint8Array, version: 1 | 2 = 2): string =>
  refusal(mintCrlDer({ by: ca, version, entries: [{ serial: 1 }, written] }));

describe('refusing what is no CRL, by the name of the field', () => {
  test('the frame', () => {
    const good = mintCrlDer({ by: ca, entries: [{ serial: 1 }], extensions: [cRLNumber(1)] });
    assert.equal(refusal(good), 'read');
    assert.equal(refusal(Buffer.concat([good, Buffer.from([0])])), 'certificateList trailing_data');
    assert.equal(refusal(good.subarray(0, -1)), 'certificateList.certificateList truncated');
    assert.equal(refusal(Buffer.from('')), 'certificateList.certificateList missing');
    assert.equal(refusal(ca.der), 'certificateList.tbsCertList.signature tag');
    assert.equal(
      refusal(mintCrlDer({ by: ca, thisUpdate: der.printable('now') })),
      'certificateList.tbsCertList.thisUpdate tag',
    );
    assert.equal(
      refusal(mintCrlDer({ by: ca, nextUpdate: der.tlv(0x17, Buffer.from('2601010000Z')) })),
      'certificateList.tbsCertList.nextUpdate value',
    );
    assert.equal(
      refusal(mintCrlDer({ by: ca, version: 1, extensions: [cRLNumber(1)] })),
      'certificateList.tbsCertList.crlExtensions value',
    );
  });

  test('a version other than 2', () => {
    const tbs = (version: number): Uint8Array =>
      der.sequence(der.integer(version), algorithms['ecdsa-sha256'].identifier, ca.subject, der.time(hours(-1)));
    const list = (version: number): Uint8Array =>
      der.sequence(tbs(version), algorithms['ecdsa-sha256'].identifier, der.bits(Buffer.from([1])));
    assert.equal(refusal(list(1)), 'read');
    for (const version of [0, 2, -1]) assert.match(refusal(list(version)), /tbsCertList.version value/);
  });

  test('entries', () => {
    const at = 'certificateList.tbsCertList.revokedCertificates[1]';
    const { sequence, integer, time } = der;
    assert.equal(refusedEntry(sequence()), `${at}.userCertificate missing`);
    assert.equal(refusedEntry(sequence(integer(1))), `${at}.revocationDate missing`);
    assert.equal(refusedEntry({ serial: Buffer.from([0, 1]) }), `${at}.userCertificate value`);
    assert.equal(refusedEntry({ serial: Buffer.from([]) }), `${at}.userCertificate value`);
    assert.equal(refusedEntry({ serial: Buffer.alloc(129, 1) }), `${at}.userCertificate too_large`);
    assert.equal(refusedEntry({ serial: 1, revokedAt: der.nothing() }), `${at}.revocationDate tag`);
    for (const text of [
      '260229000000Z',
      '261301000000Z',
      '260101240000Z',
      '260101000060Z',
      '260101000000+',
      '2601010000Z',
    ])
      assert.match(refusedEntry({ serial: 1, revokedAt: der.tlv(0x17, Buffer.from(text)) }), /revocationDate value/);
    // Empty, it says nothing; some issuers write it.
    assert.equal(refusedEntry(sequence(integer(1), time(hours(0)), der.sequence())), 'read');
    assert.equal(refusedEntry(sequence(integer(1), time(hours(0)), der.nothing())), `${at}.crlEntryExtensions tag`);
    assert.equal(refusedEntry({ serial: 1, reason: 1 }, 1), `${at}.crlEntryExtensions value`);
    const twice = [ext.extension('1.2.3', der.nothing()), ext.extension('1.2.3', der.nothing())];
    assert.equal(refusedEntry({ serial: 1, extensions: twice }), `${at}.crlEntryExtensions.extension.1.2.3 duplicate`);
    const reason = ext.extension('2.5.29.21', der.integer(1));
    assert.equal(refusedEntry({ serial: 1, extensions: [reason] }), `${at}.crlEntryExtensions.reasonCode tag`);
    const nobody = certificateIssuer({ dns: 'a.example' });
    assert.equal(refusedEntry({ serial: 1, extensions: [nobody] }), `${at}.crlEntryExtensions.certificateIssuer value`);
    const truncated = entry({ serial: 1 });
    truncated[1] = (truncated[1] ?? 0) + 1;
    assert.match(refusedEntry(truncated), /revokedCertificates\[1\] truncated/);
  });

  test('extensions', () => {
    const at = 'certificateList.tbsCertList.crlExtensions';
    const refused = (...extensions: readonly Uint8Array[]): string => refusal(mintCrlDer({ by: ca, extensions }));
    assert.equal(refused(cRLNumber(-1)), `${at}.cRLNumber value`);
    assert.equal(refused(cRLNumber(1n << 600n)), `${at}.cRLNumber too_large`);
    assert.match(refused(cRLNumber(1), cRLNumber(1)), /2\.5\.29\.20|cRLNumber.* duplicate/);
    assert.match(
      refused(ext.extension('2.5.29.28', der.sequence(der.implicit(9, Buffer.from([255]))))),
      /trailing_data/,
    );
    assert.match(refused(ext.extension('2.5.29.28', der.integer(1))), /issuingDistributionPoint tag/);
  });

  test('size', () => {
    const der32 = mintCrlDer({ by: ca, entries: [{ serial: 1 }] });
    assert.throws(() => parseCrl(der32, { ...crlLimits, bytes: der32.length - 1 }), /certificateList: .* at most/);
    assert.equal(crlLimits.bytes, 64 * 1024 * 1024);
  });
});
