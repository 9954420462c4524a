import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { certIdOf } from '../../src/x509/ocsp-cert-id.ts';
import { writeOcspRequest } from '../../src/x509/ocsp-request.ts';
import * as der from './der-writer.ts';
import { keyNumber, mint } from './minting.ts';
import { ca, device, single } from './ocsp-minting.ts';

describe('requests (RFC 6960 4.1)', () => {
  const id = (hash: 'sha1' | 'sha256') => certIdOf(device.certificate, ca.certificate, hash);

  test('one CertID, the nonce as an OCTET STRING in the OCTET STRING', () => {
    const bare = writeOcspRequest(id('sha1'));
    const withNonce = writeOcspRequest(id('sha1'), Buffer.alloc(32, 1));
    const answered = single().subarray(2);
    const certId = answered.subarray(0, 2 + (answered[1] ?? 0));
    assert.ok(Buffer.from(bare).includes(Buffer.from(certId)), 'the CertID of the answers');
    assert.ok(Buffer.from(withNonce).includes(Buffer.from([0x04, 0x22, 0x04, 0x20])));
    assert.ok(writeOcspRequest(id('sha256')).length > bare.length);
    assert.throws(() => writeOcspRequest(id('sha1'), Buffer.alloc(16)), RangeError);
  });

  test('serial numbers as they are: high bit, zero, negative, long', () => {
    for (const serial of [
      0n,
      1n,
      127n,
      128n,
      255n,
      256n,
      -1n,
      -128n,
      -129n,
      (1n << 159n) - 1n,
      1n << 158n,
      -(1n << 71n),
    ]) {
      const minted = mint({ subject: 'CN=d', key: keyNumber(11), by: ca, serial, extensions: [] });
      const request = writeOcspRequest(certIdOf(parseCertificate(minted.der), ca.certificate, 'sha1'));
      assert.ok(Buffer.from(request).includes(Buffer.from(der.integer(serial))), String(serial));
    }
  });
});
