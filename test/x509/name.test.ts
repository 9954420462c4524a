import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openDer, take } from '../../src/x509/der.ts';
import { attributeValues, isWithin, type Name, nameOf, namesEqual, nameToString } from '../../src/x509/name.ts';
import { commonName } from '../../src/x509/oids.ts';
import { prepare } from '../../src/x509/string-preparation.ts';
import * as der from './der-writer.ts';
import { attribute, name } from './minting.ts';

const read = (bytes: Uint8Array): Name => nameOf(take(openDer(bytes, 'name'), 'name'));
const of = (text: string): Name => read(name(text));
const cn = (value: Uint8Array): Name => read(der.sequence(der.set(attribute('CN', value))));
const bmp = (text: string): Uint8Array => der.tlv(0x1e, Buffer.from(text, 'utf16le').swap16());

describe('comparing names (RFC 5280 7.1)', () => {
  const equal = (a: Name, b: Name): void => assert.ok(namesEqual(a, b) && namesEqual(b, a));
  const different = (a: Name, b: Name): void => assert.ok(!namesEqual(a, b) && !namesEqual(b, a));

  test('ignores case', () => equal(of('O=Acme/CN=Root CA'), of('O=ACME/CN=rOOT ca')));

  test('ignores case beyond ASCII', () => {
    equal(cn(der.utf8('STRASSE ÄÖÜ Σίσυφος')), cn(der.utf8('straße äöü ΣΊΣΥΦΟΣ')));
  });

  test('ignores space at the ends and how much of it is between words', () => {
    equal(of('CN=Root  \t CA'), of('CN= Root CA '));
    different(of('CN=Root CA'), of('CN=RootCA'));
  });

  test('ignores which string type a value is encoded in', () => {
    equal(cn(der.printable('Root')), cn(der.utf8('ROOT')));
    equal(cn(bmp('Rööt')), cn(der.utf8('rööt')));
    equal(cn(der.tlv(0x14, Buffer.from('R\xf6\xf6t', 'latin1'))), cn(der.utf8('Rööt')));
  });

  test('ignores what has no meaning: soft hyphens, joiners, compatibility forms', () => {
    equal(cn(der.utf8('Ro\u00adot\u200d')), cn(der.utf8('Root')));
    equal(cn(der.utf8('Ｒｏｏｔ')), cn(der.utf8('Root')));
    equal(cn(der.utf8('e\u0301')), cn(der.utf8('é')));
  });

  test('minds the order of relative names, their number and the attribute types', () => {
    different(of('O=Acme/CN=Root'), of('CN=Root/O=Acme'));
    different(of('O=Acme/CN=Root'), of('CN=Root'));
    different(of('O=Root'), of('CN=Root'));
    different(of('CN=Root'), of('CN=Root/CN=Root'));
  });

  test('ignores the order of attributes inside one relative name', () => {
    const [o, c] = [attribute('O', der.utf8('Acme')), attribute('CN', der.utf8('Root'))];
    equal(read(der.sequence(der.set(o, c))), read(der.sequence(der.set(c, o))));
    different(read(der.sequence(der.set(o, c))), read(der.sequence(der.set(o), der.set(c))));
    different(read(der.sequence(der.set(o, c))), read(der.sequence(der.set(o, o))));
  });

  test('cannot be led astray by separators inside values', () => {
    const [a, b] = [attribute('O', der.utf8('x')), attribute('CN', der.utf8('y'))];
    different(read(der.sequence(der.set(a, b))), cn(der.utf8('x"+2.5.4.3="y')));
  });

  test('compares values of other types octet by octet', () => {
    equal(cn(der.bits(Buffer.from([1]))), cn(der.bits(Buffer.from([1]))));
    different(cn(der.bits(Buffer.from([1]))), cn(der.bits(Buffer.from([2]))));
    different(cn(der.octets(Buffer.from('Root'))), cn(der.utf8('Root')));
  });

  test('agrees with the subtree relation for whole names', () => {
    const text = fc.stringMatching(/^[aAbB ]{0,3}$/);
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), fc.array(text, { maxLength: 3 }), (a, b) => {
        const [x, y] = [a, b].map((parts) => of(parts.map((p) => `CN=${p}`).join('/'))) as [Name, Name];
        assert.equal(namesEqual(x, y), isWithin(x, y) && isWithin(y, x));
      }),
    );
  });
});

describe('subtrees of names', () => {
  test('are what begins with the same relative names', () => {
    assert.ok(isWithin(of('C=DE/O=Acme/CN=1'), of('C=DE/O=ACME')));
    assert.ok(isWithin(of('C=DE/O=Acme'), of('C=DE/O=Acme')));
    assert.ok(isWithin(of('C=DE'), of('')));
    assert.ok(!isWithin(of('C=DE'), of('C=DE/O=Acme')));
    assert.ok(!isWithin(of('O=Acme/C=DE'), of('C=DE')));
  });
});

describe('string preparation (RFC 4518)', () => {
  test('does not sort what takes long to sort', () => {
    const marks = '\u0316\u0301'.repeat(20_000);
    const start = process.cpuUsage();
    assert.equal(prepare(marks), marks);
    assert.ok(process.cpuUsage(start).user < 50_000);
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
        assert.equal(prepare(prepare(text)), prepare(text));
      }),
      { numRuns: 200 },
    );
  });
});

describe('printing names (RFC 4514)', () => {
  test('most specific attribute first, types by name or number', () => {
    assert.equal(nameToString(of('C=DE/O=Acme/CN=Root')), 'CN=Root,O=Acme,C=DE');
    assert.equal(nameToString(of('DC=example/DC=acme/CN=x')), 'CN=x,DC=acme,DC=example');
    const [o, c] = [attribute('O', der.utf8('Acme')), attribute('CN', der.utf8('Root'))];
    assert.equal(nameToString(read(der.sequence(der.set(o, c)))), 'O=Acme+CN=Root');
    assert.equal(nameToString(read(der.sequence(der.set(attribute('1.2.3.4', der.utf8('x')))))), '1.2.3.4=#0c0178');
    assert.equal(nameToString(of('')), '');
  });

  test('escapes what has a meaning there', () => {
    assert.equal(nameToString(cn(der.utf8('a,b+c"d\\e<f>g;h'))), 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h');
    assert.equal(nameToString(cn(der.utf8('#x '))), 'CN=\\#x\\ ');
  });

  test('escapes what would act on a terminal, a log or a reader', () => {
    const nasty = 'a\0b\x1b[2Jc\r\nd\u202ee\u2028f\u200bg\u007f\u009bh';
    const text = nameToString(cn(der.utf8(nasty)));
    assert.match(text, /^[\x20-\x7e]+$/);
    assert.equal(text, 'CN=a\\00b\\1B[2Jc\\0D\\0Ad\\E2\\80\\AEe\\E2\\80\\A8f\\E2\\80\\8Bg\\7F\\C2\\9Bh');
  });

  test('never prints a control or a bidirectional character, and stays short', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (value) => {
        const text = nameToString(cn(der.utf8(value.toWellFormed())));
        assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
    const long = nameToString(of([...Array(3000).keys()].map((i) => `OU=${'x'.repeat(20)}${i}`).join('/')));
    assert.ok(long.length < 1000 && long.endsWith(',…'));
    assert.ok(nameToString(cn(der.utf8('x'.repeat(65_536)))).length < 300);
  });
});

test('values are found by type, in the order encoded', () => {
  assert.deepEqual(attributeValues(of('CN=a/O=b/CN=c'), commonName), ['a', 'c']);
  assert.deepEqual(attributeValues(cn(der.bits(Buffer.from([1]))), commonName), []);
});
