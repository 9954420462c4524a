import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DerError, openDer, take } from '../../src/x509/der.ts';
import { stringOf } from '../../src/x509/der-strings.ts';
import { timeOf } from '../../src/x509/der-times.ts';
import {
  bitStringOf,
  booleanOf,
  checkNull,
  flag,
  integerHex,
  namedBits,
  octetsOfBitString,
  oidOf,
  smallInteger,
} from '../../src/x509/der-values.ts';
import * as der from './der-writer.ts';

const element = (bytes: Uint8Array) => take(openDer(bytes, 'thing'), 'field');
const hex = (text: string) => element(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function refused(read: () => unknown): void {
  assert.throws(read, (error) => error instanceof DerError && error.fault === 'value' && error.field === 'thing.field');
}

describe('BOOLEAN', () => {
  test('is 00 or FF in one octet', () => {
    assert.equal(booleanOf(hex('01 01 00')), false);
    assert.equal(booleanOf(hex('01 01 ff')), true);
    for (const wrong of ['01 01 01', '01 00', '01 02 ff ff']) refused(() => booleanOf(hex(wrong)));
  });

  test('with a default is not encoded when it is the default', () => {
    assert.equal(flag(openDer(Buffer.from('0101ff', 'hex'), 'thing'), 'field'), true);
    assert.equal(flag(openDer(Buffer.from('0500', 'hex'), 'thing'), 'field'), false);
    refused(() => flag(openDer(Buffer.from('010100', 'hex'), 'thing'), 'field'));
  });
});

describe('INTEGER', () => {
  test('reads back what was written, whatever its size and sign', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
        const text = integerHex(element(der.integer(value)));
        assert.equal(text, value < 0n ? `-${(-value).toString(16)}` : value.toString(16));
      }),
    );
  });

  test('is refused when not in its fewest octets, or empty', () => {
    for (const wrong of ['02 00', '02 02 00 01', '02 02 ff 80', '02 03 00 00 80'])
      refused(() => integerHex(hex(wrong)));
    assert.equal(integerHex(hex('02 02 00 80')), '80');
    assert.equal(integerHex(hex('02 01 80')), '-80');
    assert.equal(integerHex(hex('02 01 00')), '0');
  });

  test('as a count is not negative, and cut at what no path reaches', () => {
    assert.equal(smallInteger(hex('02 01 7f')), 127);
    assert.equal(smallInteger(hex('02 04 7f ff ff ff')), 2 ** 31 - 1);
    assert.equal(smallInteger(hex('02 09 00 ff ff ff ff ff ff ff ff')), 2 ** 31 - 1);
    refused(() => smallInteger(hex('02 01 ff')));
  });
});

describe('BIT STRING', () => {
  test('starts with the count of unused bits, which are zero', () => {
    assert.deepEqual(bitStringOf(hex('03 02 07 80')), { bytes: Buffer.from([0x80]), unusedBits: 7 });
    for (const wrong of ['03 00', '03 01 01', '03 02 08 00', '03 02 07 81']) refused(() => bitStringOf(hex(wrong)));
    assert.equal(bitStringOf(hex('03 01 00')).bytes.length, 0);
  });

  test('of keys and signatures is whole octets', () => {
    assert.deepEqual([...octetsOfBitString(hex('03 03 00 01 02'))], [1, 2]);
    refused(() => octetsOfBitString(hex('03 02 01 80')));
  });

  test('of names lists the bits that are set', () => {
    assert.deepEqual(namedBits(hex('03 02 05 a0')), [0, 2]);
    assert.deepEqual(namedBits(hex('03 03 07 00 80')), [8]);
    assert.deepEqual(namedBits(hex('03 01 00')), []);
  });
});

describe('OBJECT IDENTIFIER', () => {
  test('reads back what was written', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 128n });
    const first = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant(2n), arc),
    );
    fc.assert(
      fc.property(first, fc.array(arc, { maxLength: 2 }), (start, rest) => {
        const text = [...start, ...rest].join('.');
        assert.equal(oidOf(element(der.oid(text))), text);
      }),
    );
  });

  test('is refused when empty, cut, padded or endless', () => {
    for (const wrong of ['06 00', '06 01 80', '06 03 2a 80 01', '06 02 2a 81', `06 41 ${'2a'.repeat(65)}`])
      refused(() => oidOf(hex(wrong)));
  });
});

test('NULL has no content', () => {
  checkNull(hex('05 00'));
  refused(() => checkNull(hex('05 01 00')));
});

describe('times', () => {
  const utc = (text: string) => timeOf(element(der.tlv(0x17, Buffer.from(text))));
  const general = (text: string) => timeOf(element(der.tlv(0x18, Buffer.from(text))));

  test('UTCTime means 1950 to 2049', () => {
    assert.equal(utc('500101000000Z').toISOString(), '1950-01-01T00:00:00.000Z');
    assert.equal(utc('491231235959Z').toISOString(), '2049-12-31T23:59:59.000Z');
  });

  test('GeneralizedTime reaches from year 0 to 9999', () => {
    assert.equal(general('99991231235959Z').toISOString(), '9999-12-31T23:59:59.000Z');
    assert.equal(general('00010101000000Z').getUTCFullYear(), 1);
    assert.equal(general('20240229120000Z').toISOString(), '2024-02-29T12:00:00.000Z');
  });

  test('have seconds, end in Z, and carry no fraction and no offset', () => {
    for (const wrong of ['2401010000Z', '240101000000', '240101000000+0000', '240101000000z', '', '24010100000 Z'])
      refused(() => utc(wrong));
    for (const wrong of [
      '20240101000000.5Z',
      '202401010000Z',
      '20240101000000+0100',
      '2024010100000',
      '+0240101000000Z',
    ])
      refused(() => general(wrong));
  });

  test('are of the calendar', () => {
    for (const wrong of ['20230229000000Z', '20240431000000Z', '20241301000000Z', '20240001000000Z', '20240100000000Z'])
      refused(() => general(wrong));
    for (const wrong of ['20240101240000Z', '20240101006000Z', '20240101000060Z']) refused(() => general(wrong));
  });

  test('are refused in any other type', () => {
    assert.throws(() => timeOf(element(der.utf8('20240101000000Z'))), DerError);
  });
});

describe('strings', () => {
  const string = (tag: number, bytes: Uint8Array) => stringOf(element(der.tlv(tag, bytes)));

  test('are read in every type that names use', () => {
    assert.equal(string(0x0c, Buffer.from('Füße ✓')), 'Füße ✓');
    assert.equal(string(0x13, Buffer.from("Acme (Femto) + Co. 'x'=1?")), "Acme (Femto) + Co. 'x'=1?");
    assert.equal(string(0x13, Buffer.from('AT&T *')), 'AT&T *');
    assert.equal(string(0x12, Buffer.from('0123 4')), '0123 4');
    assert.equal(string(0x16, Buffer.from('a@b.example')), 'a@b.example');
    assert.equal(string(0x14, Buffer.from([0x46, 0xfc])), 'Fü');
    assert.equal(string(0x1a, Buffer.from('~ok')), '~ok');
    assert.equal(string(0x1e, Buffer.from([0x20, 0xac])), '€');
    assert.equal(string(0x1c, Buffer.from([0, 1, 0xf4, 0xa9])), '💩');
  });

  test('are refused outside the alphabet of their type', () => {
    refused(() => string(0x13, Buffer.from('a@b')));
    refused(() => string(0x13, Buffer.from('a_b')));
    refused(() => string(0x12, Buffer.from('12a')));
    refused(() => string(0x16, Buffer.from([0x80])));
    refused(() => string(0x1a, Buffer.from('\n')));
    refused(() => string(0x1e, Buffer.from([0x20])));
    refused(() => string(0x1e, Buffer.from([0xd8, 0x00])));
    refused(() => string(0x1c, Buffer.from([0, 0x11, 0, 0])));
    refused(() => string(0x04, Buffer.from('octets')));
  });

  test('in UTF-8 are refused when malformed, overlong or surrogate', () => {
    for (const wrong of [[0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff]])
      refused(() => string(0x0c, Buffer.from(wrong)));
  });
});
