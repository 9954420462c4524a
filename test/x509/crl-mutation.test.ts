import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type CertificateList, listedCertificates, lookUp, parseCrl } from '../../src/x509/crl.ts';
import { readCrlInPieces } from '../../src/x509/crl-stream.ts';
import { DerError } from '../../src/x509/der.ts';
import { ask, device, issuing, root, say } from './crl-judging.ts';
import {
  cRLNumber,
  deltaCRLIndicator,
  distributionPoints,
  type EntryOptions,
  hours,
  mintCrl,
  mintCrlDer,
  scope,
  unknownExtension,
} from './crl-minting.ts';
import * as der from './der-writer.ts';
import { attribute, keyNumber, mint, name } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { mutated } from './mutating.ts';

/** A CRL with every field that is read, so that mutations reach every reader. */
const everything = mintCrlDer({
  by: issuing,
  entries: [
    { serial: 1 },
    { serial: -200, reason: 'superseded' },
    { serial: (1n << 158n) + 3n, reason: 'keyCompromise' },
    { serial: 4, issuer: name('C=DE/O=Ü/CN=CA') },
    { serial: 5, extensions: [ext.extension('2.5.29.24', der.tlv(0x18, Buffer.from('20200101000000Z')))] },
    { serial: 6, extensions: [unknownExtension(false)], revokedAt: new Date('2055-01-01T00:00:00Z') },
  ],
  extensions: [
    ext.authorityKeyIdentifier(Buffer.from([1, 2, 3])),
    ext.extension('issuerAltName', der.sequence(ext.generalName({ dns: 'a.example' }))),
    cRLNumber(12),
    deltaCRLIndicator(10),
    scope({
      names: [{ uri: 'http://a.example/' }, { directory: root.subject }],
      reasons: ['superseded'],
      indirect: true,
    }),
    distributionPoints([{ relative: attribute('CN', der.utf8('x')), issuer: root.subject }], 'freshestCRL'),
    ext.extension(
      'authorityInfoAccess',
      der.sequence(der.sequence(der.oid('1.3.6.1.5.5.7.48.2'), ext.generalName({ uri: 'http://x.example/' }))),
    ),
    unknownExtension(true),
  ],
});

/** Reads it whole and in pieces; both must agree, and fail with an error that names a field if at all. */
function readAnyhow(bytes: Uint8Array): CertificateList | undefined {
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      assert.match(error.field, /^[A-Za-z0-9.[\]-]+$/);
      return undefined;
    }
  };
  const whole = attempt(() => parseCrl(bytes));
  const pieces = attempt(() => {
    const reading = readCrlInPieces({ total: bytes.length, signers: [issuing.certificate] });
    for (let at = 0; at < bytes.length; at += 37) reading.push(bytes.subarray(at, at + 37));
    return reading.finish();
  });
  assert.equal(whole === undefined, pieces === undefined);
  if (whole !== undefined) assert.equal(pieces?.fingerprint, whole.fingerprint);
  return whole;
}

describe('reading CRLs that nobody should have written', () => {
  test('a mutated one is read, or refused with an error that names a field, and nothing else', () => {
    fc.assert(
      fc.property(mutated(everything), (bytes) => {
        const crl = readAnyhow(bytes);
        if (crl !== undefined)
          for (const { serialNumber, certificateIssuer } of listedCertificates(crl))
            assert.ok(lookUp(crl.entries, serialNumber, certificateIssuer));
      }),
      { numRuns: 4000 },
    );
  });

  test('each octet in turn, and every shorter one', () => {
    assert.ok(readAnyhow(everything));
    for (let i = 0; i < everything.length; i++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const bytes = Uint8Array.from(everything);
        bytes[i] = (bytes[i] ?? 0) ^ flip;
        readAnyhow(bytes);
      }
    for (let length = 0; length < everything.length; length++)
      assert.equal(readAnyhow(everything.subarray(0, length)), undefined);
  });

  test('any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readAnyhow(bytes)),
      { numRuns: 2000 },
    );
  });

  test('DER of the right shape and any content, as extension of the list or of an entry', () => {
    const tag = fc.constantFrom(1, 2, 3, 4, 5, 6, 10, 12, 19, 22, 23, 24, 30, 0x80, 0x82, 0x86);
    const { tree } = fc.letrec<{ tree: Uint8Array }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.tuple(tag, fc.uint8Array({ maxLength: 12 })).map(([t, bytes]) => der.tlv(t, bytes)),
        fc
          .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa3), fc.array(tie('tree'), { maxLength: 5 }))
          .map(([t, parts]) => der.tlv(t, ...parts)),
      ),
    }));
    const oids = ['35', '18', '20', '27', '28', '46', '21', '24', '29'].map((last) => `2.5.29.${last}`);
    fc.assert(
      fc.property(tree, fc.constantFrom(...oids), fc.boolean(), (value, oid, critical) => {
        const extension = ext.extension(oid, value, critical);
        readAnyhow(mintCrlDer({ by: issuing, extensions: [extension] }));
        readAnyhow(mintCrlDer({ by: issuing, entries: [{ serial: 1, extensions: [extension] }] }));
      }),
      { numRuns: 800 },
    );
  });
});

describe('the entries', () => {
  test('are exactly those that were written, for any serial numbers', () => {
    const serial = fc.oneof(fc.bigInt({ min: -300n, max: 300n }), fc.bigInt({ min: -(1n << 170n), max: 1n << 170n }));
    const hex = (value: bigint): string => (value < 0n ? `-${(-value).toString(16)}` : value.toString(16));
    fc.assert(
      fc.property(fc.array(serial, { maxLength: 60 }), fc.array(serial, { maxLength: 60 }), (written, others) => {
        const { entries, issuer } = mintCrl({ by: issuing, entries: written.map((one) => ({ serial: one })) });
        for (const value of [...written, ...others])
          assert.equal(lookUp(entries, hex(value), issuer) !== undefined, written.includes(value), hex(value));
      }),
      { numRuns: 150 },
    );
  });

  test('in an indirect list too, whichever issuers they have', () => {
    const issuers = [...Array(40).keys()].map((i) => mint({ subject: `O=Acme/CN=CA ${i}` }));
    const entries: EntryOptions[] = issuers.flatMap(({ subject }, i) => [
      { serial: i, issuer: subject },
      { serial: 1000 + i },
    ]);
    const crl = mintCrl({ by: issuing, entries });
    for (const [i, { certificate }] of issuers.entries())
      for (const [serial, own] of [i, 1000 + i, i + 1, 999 + i].map((s, n) => [s, n < 2] as const))
        assert.equal(lookUp(crl.entries, serial.toString(16), certificate.subject) !== undefined, own);
  });
});

describe('a mutation never turns revoked or unknown into good', () => {
  const leaf = device();
  const listing = mintCrlDer({ by: issuing, entries: [{ serial: 1000 }] });
  const silent = mintCrlDer({ by: issuing, entries: [{ serial: 1 }] });
  const verdict = (bytes: Uint8Array): string => {
    try {
      return say(leaf, [parseCrl(bytes)]);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      return 'unread';
    }
  };

  test('flipping any octet of a list that is signed makes it say nothing', () => {
    assert.match(verdict(listing), /^revoked/);
    assert.equal(verdict(silent), 'good');
    for (const original of [listing, silent])
      for (let i = 0; i < original.length; i++)
        for (const flip of [0x01, 0x80]) {
          const bytes = Uint8Array.from(original);
          bytes[i] = (bytes[i] ?? 0) ^ flip;
          assert.match(verdict(bytes), /^un/, `octet ${i}`);
        }
  });

  test('nor do edits of any kind', () => {
    fc.assert(
      fc.property(mutated(listing), (bytes) => {
        if (Buffer.compare(bytes, listing) !== 0) assert.match(verdict(bytes), /^un/);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('the work is bounded by counts', () => {
  const names = (from: number, count: number) =>
    [...Array(count).keys()].map((i) => ({ uri: `http://a.example/${from + i}.crl` }));

  test('a certificate with many points, and many lists of its issuer', () => {
    const points = [...Array(300).keys()].map((i) => ({ names: names(i, 1), reasons: ['superseded'] as const }));
    const leaf = device([distributionPoints(points)]);
    const crls = [...Array(400).keys()].map((i) =>
      mintCrl({ by: issuing, entries: [{ serial: i }], extensions: [scope({ names: names(1000 + i, 1) })] }),
    );
    assert.equal(say(leaf, crls), 'unknown out-of-scope');
    assert.ok(ask(leaf, crls).reports.length <= 400);
  });

  test('signers that are signed by signers', () => {
    const service = (i: number) =>
      mint({
        subject: `O=Acme/CN=Service ${i}`,
        key: keyNumber(30 + (i % 8)),
        by: root,
        serial: 500 + i,
        extensions: [
          ext.keyUsage(['cRLSign']),
          distributionPoints([{ names: names(i, 1), issuer: name(`O=Acme/CN=Service ${i + 1}`) }]),
        ],
      });
    const services = [...Array(12).keys()].map(service);
    const crls = services.map((by, i) =>
      mintCrl({ by, extensions: [scope({ names: names(i - 1, 1), indirect: true })], thisUpdate: hours(-1 - i) }),
    );
    const leaf = device([distributionPoints([{ names: names(-1, 1), issuer: services[0]!.subject }])]);
    assert.equal(say(leaf, crls, { signers: services }), 'unknown unauthorized-signer');
    assert.equal(say(leaf, crls.slice(0, 2), { signers: services, signerStatus: 'not-revoked' }), 'good');
  });

  test('keys without number under the name of the issuer', () => {
    const crowd = [...Array(200).keys()].map((i) =>
      mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(40 + (i % 4), 'P-521'), serial: i }),
    );
    const stranger = { key: keyNumber(60), subject: issuing.subject };
    const crl = mintCrl({ by: stranger });
    assert.equal(say(device(), [crl], { signers: crowd }), 'unknown bad-signature');
    assert.ok(crl.signature.verdicts.size <= 64);
  });
});
