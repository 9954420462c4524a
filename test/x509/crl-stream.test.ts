import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CertificateList, listedCertificates, parseCrl } from '../../src/x509/crl.ts';
import { crlBlocks } from '../../src/x509/crl-file.ts';
import { crlLimits } from '../../src/x509/crl-frame.ts';
import { crlOfImage, imageBuffers, readCrlInPieces } from '../../src/x509/crl-stream.ts';
import { DerError, toHex } from '../../src/x509/der.ts';
import { PemError, writePem } from '../../src/x509/pem.ts';
import { device, issuing, root, say } from './crl-judging.ts';
import { cRLNumber, type EntryOptions, mintCrl, mintCrlDer, scope, unknownExtension } from './crl-minting.ts';
import { keyNumber, mint, name, newKey } from './minting.ts';
import * as ext from './minting-extensions.ts';

interface PieceOptions {
  readonly pieces?: number;
  readonly signers?: readonly { readonly certificate: ReturnType<typeof mint>['certificate'] }[];
  readonly total?: number;
}

/** Reads it in pieces of so many octets, all in memory that is written over, and through a copy as between threads. */
function readInPieces(
  der: Uint8Array,
  { pieces = 7, signers = [], total = der.length }: PieceOptions = {},
): CertificateList {
  const reading = readCrlInPieces({ total, signers: signers.map(({ certificate }) => certificate) });
  const piece = new Uint8Array(pieces);
  for (let at = 0; at < der.length; at += pieces) {
    const part = der.subarray(at, at + pieces);
    piece.fill(0xee);
    piece.set(part);
    reading.push(piece.subarray(0, part.length));
  }
  const image = reading.finish();
  return crlOfImage(structuredClone(image, { transfer: imageBuffers(image) as ArrayBuffer[] }));
}

const entries: EntryOptions[] = [
  { serial: 1 },
  { serial: -5, reason: 'superseded' },
  { serial: 1n << 150n, reason: 'keyCompromise' },
  { serial: 4, issuer: name('O=Other/CN=CA') },
  { serial: 1, extensions: [unknownExtension(true)] },
  { serial: 6, revokedAt: new Date('2051-01-01T00:00:00Z') },
];
const extensions = [cRLNumber(7), scope({ indirect: true })];
const everything = mintCrlDer({ by: issuing, entries, extensions });

/** All that is known of it, as text. */
function told(crl: CertificateList): string {
  const { signature, entries: list, ...rest } = crl;
  const { signed: _signed, verdicts: _verdicts, ...signing } = signature;
  const all = [...listedCertificates(crl)];
  return JSON.stringify(
    { ...rest, signing, issuers: list.issuers, critical: list.unknownCritical, all },
    (_, value) => {
      if (typeof value === 'bigint') return `${value}`;
      if (value?.type === 'Buffer') return Buffer.from(value.data).toString('hex');
      return value instanceof Uint8Array ? toHex(value) : value;
    },
  );
}

describe('a CRL that comes in pieces', () => {
  test('is the one that is read at once, however it is cut', () => {
    const whole = parseCrl(everything);
    for (let pieces = 1; pieces <= 200; pieces++) assert.equal(told(readInPieces(everything, { pieces })), told(whole));
    for (const der of [mintCrlDer({ by: issuing }), mintCrlDer({ by: issuing, version: 1, nextUpdate: null })])
      for (const pieces of [1, 50, 10_000]) assert.equal(told(readInPieces(der, { pieces })), told(parseCrl(der)));
  });

  test('a longer one too, with the entries cut anywhere', () => {
    const many = mintCrlDer({ by: issuing, entries: [...Array(5000).keys()].map((serial) => ({ serial })) });
    for (const pieces of [63, 1000, 65_536, many.length])
      assert.equal(told(readInPieces(many, { pieces })), told(parseCrl(many)));
  });

  test('its signature is verified on the way, with the keys of its issuer', () => {
    const keys = [newKey('rsa-2048'), newKey('P-384'), newKey('ed25519'), keyNumber(1)];
    for (const key of keys) {
      const ca = mint({ subject: 'O=Acme/CN=Issuing', key, by: root, extensions: ext.caExtensions(0) });
      const leaf = device([], { by: ca });
      const asking = { chain: [ca] };
      const good = readInPieces(mintCrlDer({ by: ca }), {
        signers: [root, mint({ subject: 'O=Acme/CN=Issuing', key: keyNumber(7) }), ca],
      });
      assert.deepEqual(
        [...good.signature.verdicts.values()],
        [key.publicKey.asymmetricKeyType === 'ec' ? 'bad' : 'key_mismatch', 'good'],
      );
      assert.equal(good.signature.signed, undefined);
      assert.equal(say(leaf, [good], asking), 'good');
      assert.equal(
        say(leaf, [readInPieces(mintCrlDer({ by: ca, forged: true }), { signers: [ca] })], asking),
        'unknown bad-signature',
      );
      assert.equal(say(leaf, [readInPieces(mintCrlDer({ by: ca }))], asking), 'unknown unauthorized-signer');
    }
  });

  test('one that is cut short, too long or broken is refused as when read at once', () => {
    const fault = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof DerError)) throw error;
        return `${error.field} ${error.fault}`;
      }
      return 'read';
    };
    for (let i = 0; i < everything.length; i += 1) {
      const flipped = Uint8Array.from(everything);
      flipped[i] = (flipped[i] ?? 0) ^ 0x81;
      const whole = fault(() => parseCrl(flipped));
      assert.equal(
        fault(() => readInPieces(flipped, { pieces: 31 })) === 'read',
        whole === 'read',
        `octet ${i}: ${whole}`,
      );
    }
    assert.match(
      fault(() => readInPieces(everything.subarray(0, -1), { total: everything.length })),
      /truncated/,
    );
    assert.match(
      fault(() => readInPieces(everything, { total: everything.length - 1 })),
      /certificateList/,
    );
    const announced = { total: crlLimits.bytes + 1, signers: [] };
    assert.match(
      fault(() => readCrlInPieces(announced).push(everything)),
      /^read$/,
    );
    assert.match(
      fault(() => readCrlInPieces(announced).push(new Uint8Array(70_000).fill(0x30))),
      /too_large/,
    );
  });
});

describe('a file of CRLs', () => {
  const one = mintCrlDer({ by: issuing });

  test('is DER, or PEM of any number', () => {
    assert.deepEqual(crlBlocks(one), [one]);
    const pem = Buffer.from(
      `text\n${writePem(one, 'X509 CRL')}${writePem(issuing.der, 'CERTIFICATE')}${writePem(everything, 'X509 CRL')}`,
    );
    assert.deepEqual(crlBlocks(pem).map(Buffer.from), [Buffer.from(one), Buffer.from(everything)]);
    assert.equal(crlBlocks(Buffer.from(writePem(one, 'CRL'))).length, 1);
    assert.throws(() => crlBlocks(Buffer.from('')), PemError);
    assert.throws(() => crlBlocks(Buffer.from(writePem(issuing.der, 'CERTIFICATE'))), PemError);
    assert.ok(mintCrl({ by: issuing }));
  });
});
