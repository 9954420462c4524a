import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CertificateList, listedCertificates, lookUp } from '../../src/x509/crl.ts';
import { openDer } from '../../src/x509/der.ts';
import { readName } from '../../src/x509/name.ts';
import {
  cRLNumber,
  deltaCRLIndicator,
  distributionPoints,
  type EntryOptions,
  hours,
  mintCrl,
  scope,
  unknownExtension,
} from './crl-minting.ts';
import * as der from './der-writer.ts';
import { keyNumber, mint, name } from './minting.ts';
import * as ext from './minting-extensions.ts';

const ca = mint({ subject: 'O=Acme/CN=CA', key: keyNumber(0), extensions: ext.caExtensions() });
const nameFrom = (bytes: Uint8Array) => readName(openDer(bytes, 'name'), 'name');
const other = nameFrom(name('O=Other/CN=CA'));

function look(crl: CertificateList, serial: number | bigint, issuer = crl.issuer) {
  const hex = serial < 0 ? `-${(-serial).toString(16)}` : serial.toString(16);
  const found = lookUp(crl.entries, hex, issuer);
  return found && `${found.reason} ${found.revokedAt.toISOString()}`;
}

describe('reading a CRL', () => {
  test('version 1 without entries and without nextUpdate', () => {
    const crl = mintCrl({ by: ca, version: 1, nextUpdate: null });
    assert.equal(crl.version, 1);
    assert.equal(crl.nextUpdate, undefined);
    assert.equal(crl.entries.table.count, 0);
    assert.equal(look(crl, 1), undefined);
  });

  test('every field of version 2', () => {
    const crl = mintCrl({
      by: ca,
      thisUpdate: new Date('2049-12-31T23:59:59Z'),
      nextUpdate: new Date('2050-01-01T00:00:00Z'),
      entries: [{ serial: 5 }],
      extensions: [
        ext.authorityKeyIdentifier(Buffer.from([1, 2])),
        cRLNumber((1n << 159n) - 1n),
        deltaCRLIndicator(3),
        scope({ names: [{ uri: 'http://a.example/1.crl' }], user: true, reasons: ['keyCompromise', 'aACompromise'] }),
        distributionPoints([{ names: [{ uri: 'http://a.example/d.crl' }] }], 'freshestCRL'),
        unknownExtension(true),
        ext.extension('1.2.3.5', der.nothing()),
      ],
    });
    assert.equal(crl.thisUpdate.toISOString(), '2049-12-31T23:59:59.000Z');
    assert.equal(crl.nextUpdate?.toISOString(), '2050-01-01T00:00:00.000Z');
    const { extensions } = crl;
    assert.equal(extensions.cRLNumber, (1n << 159n) - 1n);
    assert.equal(extensions.deltaCRLIndicator, 3n);
    assert.deepEqual(extensions.unknownCritical, ['1.2.3.4']);
    assert.equal(extensions.freshestCRL?.length, 1);
    const idp = extensions.issuingDistributionPoint;
    assert.deepEqual(idp?.onlySomeReasons, ['keyCompromise', 'aACompromise']);
    assert.equal(idp?.onlyContainsUserCerts, true);
    assert.equal(idp?.onlyContainsCACerts, false);
    assert.equal(idp?.indirectCRL, false);
  });

  test('reasons, dates and serial numbers of every form', () => {
    const entries: EntryOptions[] = [
      { serial: 0 },
      { serial: 0x7f, reason: 'keyCompromise' },
      { serial: 0x80, reason: 'certificateHold' },
      { serial: -128, reason: 'superseded' },
      { serial: -1 },
      { serial: 0xff },
      { serial: 1n << 159n, reason: 'removeFromCRL' },
      { serial: (1n << 300n) + 7n, revokedAt: new Date('2050-02-03T04:05:06Z') },
      { serial: 0x0100, revokedAt: new Date('1950-01-01T00:00:00Z') },
      { serial: 0x0101, revokedAt: new Date('2000-02-29T23:59:59Z'), reason: 0 },
      { serial: 0x0102, revokedAt: new Date('2049-12-31T00:00:00Z') },
      { serial: 0x0103, reason: 7 },
      { serial: 0x0104, reason: 99 },
      { serial: 0x0105, extensions: [ext.extension('2.5.29.24', der.tlv(0x18, Buffer.from('20200101000000Z')))] },
    ];
    const crl = mintCrl({ by: ca, entries });
    const usual = hours(-100).toISOString();
    assert.equal(look(crl, 0), `unspecified ${usual}`);
    assert.equal(look(crl, 0x7f), `keyCompromise ${usual}`);
    assert.equal(look(crl, 0x80), `certificateHold ${usual}`);
    assert.equal(look(crl, -128), `superseded ${usual}`);
    assert.equal(look(crl, -1), `unspecified ${usual}`);
    assert.equal(look(crl, 1n << 159n), `removeFromCRL ${usual}`);
    assert.equal(look(crl, (1n << 300n) + 7n), 'unspecified 2050-02-03T04:05:06.000Z');
    assert.equal(look(crl, 0x0100), 'unspecified 1950-01-01T00:00:00.000Z');
    assert.equal(look(crl, 0x0101), 'unspecified 2000-02-29T23:59:59.000Z');
    assert.equal(look(crl, 0x0102), 'unspecified 2049-12-31T00:00:00.000Z');
    for (const serial of [0x0103, 0x0104, 0x0105]) assert.equal(look(crl, serial), `unspecified ${usual}`);
    for (const serial of [1, 0x81, 0x100 + 0x7f, -127, -2, 7n, 1n << 158n]) assert.equal(look(crl, serial), undefined);
    const listed = [...listedCertificates(crl)].map(({ serialNumber }) => serialNumber);
    const written = entries.map(({ serial }) => BigInt(serial as number));
    assert.deepEqual(
      listed,
      written.map((serial) => (serial < 0n ? `-${(-serial).toString(16)}` : serial.toString(16))),
    );
  });

  test('every day of a century has its date, however it is written', () => {
    const days = [...Array(36_525).keys()].map((day) => new Date(Date.UTC(1950, 0, 1 + day, day % 24, day % 60, 59)));
    const crl = mintCrl({ by: ca, entries: days.map((revokedAt, serial) => ({ serial, revokedAt })) });
    const read = [...listedCertificates(crl)].map(({ revokedAt }) => revokedAt.getTime());
    // What is later than 2086 does not occur: UTCTime ends with 2049.
    assert.deepEqual(
      read,
      days.map((day) => day.getTime()),
    );
  });

  test('an entry of an indirect CRL belongs to the certificate issuer named last', () => {
    const entries = [
      { serial: 1 },
      { serial: 2, issuer: name('O=Other/CN=CA') },
      { serial: 3 },
      { serial: 1, reason: 'superseded' as const },
      { serial: 4, issuer: name('O=ACME/CN= ca') },
    ];
    const crl = mintCrl({ by: ca, entries });
    const where = (serial: number) => [look(crl, serial) !== undefined, look(crl, serial, other) !== undefined];
    assert.deepEqual([1, 2, 3, 4].map(where), [
      [true, true],
      [false, true],
      [false, true],
      // Compared as RFC 5280 7.1 compares names.
      [true, false],
    ]);
    assert.match(look(crl, 1, other) ?? '', /^superseded/);
    assert.equal(look(crl, 1, nameFrom(name('O=Third/CN=CA'))), undefined);
  });

  test('of two entries for one certificate the one that revokes holds', () => {
    const entries = [
      { serial: 1, reason: 'removeFromCRL' as const },
      { serial: 1, reason: 'keyCompromise' as const },
      { serial: 2, reason: 'superseded' as const },
      { serial: 2, reason: 'removeFromCRL' as const },
    ];
    const crl = mintCrl({ by: ca, entries });
    assert.match(look(crl, 1) ?? '', /^keyCompromise/);
    assert.match(look(crl, 2) ?? '', /^superseded/);
  });

  test('unknown entry extensions are remembered where they are critical', () => {
    const make = (critical: boolean): CertificateList =>
      mintCrl({ by: ca, entries: [{ serial: 1, extensions: [unknownExtension(critical)] }] });
    assert.deepEqual(make(true).entries.unknownCritical, ['1.2.3.4']);
    assert.deepEqual(make(false).entries.unknownCritical, []);
  });

  test('a list of many entries is looked up exactly', () => {
    const serials = [...Array(20_000).keys()].map((i) => (BigInt(i) << 100n) + BigInt(i * 7919));
    const crl = mintCrl({ by: ca, entries: serials.map((serial) => ({ serial })) });
    for (const serial of serials) {
      assert.ok(look(crl, serial));
      assert.equal(look(crl, serial + 1n), undefined);
    }
  });
});
