import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  collect,
  constructed,
  content,
  DerError,
  type DerFault,
  enter,
  expect,
  finish,
  more,
  nextTag,
  openDer,
  openSequence,
  optional,
  take,
  tags,
  whole,
} from '../../src/x509/der.ts';

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

function refuses(fault: DerFault, field: string, read: () => unknown): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof DerError);
    assert.deepEqual([error.fault, error.field], [fault, field]);
    assert.ok(error.message.startsWith(`${field}: `));
    return true;
  });
}

describe('reading DER elements', () => {
  test('gives views into the bytes, not copies', () => {
    const bytes = hex('30 06 02 01 05 04 01 aa');
    const list = openSequence(openDer(bytes, 'thing'), 'list');
    const number = expect(list, tags.integer, 'number');
    const text = take(list, 'text');
    finish(list);
    assert.deepEqual([...content(number)], [5]);
    assert.deepEqual([...whole(text)], [4, 1, 0xaa]);
    assert.equal(content(text).buffer, bytes.buffer);
  });

  test('reads long lengths in their fewest octets', () => {
    const body = Buffer.alloc(300, 7);
    const element = take(openDer(Buffer.concat([hex('04 82 01 2c'), body]), 'thing'), 'octets');
    assert.equal(content(element).length, 300);
    const short = take(openDer(Buffer.concat([hex('04 81 80'), body.subarray(0, 128)]), 'thing'), 'octets');
    assert.equal(content(short).length, 128);
  });

  for (const [what, bytes, fault] of [
    ['a length of BER in more octets than needed', '04 81 7f', 'length'],
    ['a length with leading zeros', '04 82 00 80', 'length'],
    ['an indefinite length', '24 80 04 00 00 00', 'length'],
    ['a length of five octets', '04 85 00 00 00 00 01 00', 'length'],
    ['a length of 126 octets', `04 fe ${'01'.repeat(126)}`, 'length'],
    ['an element longer than what holds it', '04 03 01 02', 'truncated'],
    ['a length cut off', '04 82 01', 'truncated'],
    ['an element without length', '04', 'truncated'],
    ['a tag number above 30', '1f 81 00 00', 'tag'],
    ['the end-of-contents octets', '00 00', 'tag'],
    ['nothing where something must be', '', 'missing'],
  ] as const)
    test(`refuses ${what}`, () => refuses(fault, 'thing.octets', () => take(openDer(hex(bytes), 'thing'), 'octets')));

  test('names the whole way to a field that is wrong', () => {
    const list = openSequence(openDer(hex('30 04 30 02 05 00'), 'certificate'), 'tbsCertificate');
    const validity = openSequence(list, 'validity');
    refuses('tag', 'certificate.tbsCertificate.validity.notBefore', () => expect(validity, tags.utcTime, 'notBefore'));
    take(validity, 'notBefore');
    refuses('missing', 'certificate.tbsCertificate.validity.notAfter', () => take(validity, 'notAfter'));
  });

  test('refuses what is left over', () => {
    const outside = openDer(hex('05 00 05 00'), 'thing');
    take(outside, 'nothing');
    refuses('trailing_data', 'thing', () => finish(outside));
  });

  test('takes an optional element only where its tag comes next', () => {
    const list = openSequence(openDer(hex('30 04 a0 02 05 00'), 'thing'), 'list');
    assert.equal(optional(list, constructed(1), 'one'), undefined);
    assert.equal(nextTag(list), 0xa0);
    assert.equal(optional(list, constructed(0), 'zero')?.tag, 0xa0);
    assert.deepEqual([nextTag(list), more(list)], [-1, false]);
  });

  test('bounds bytes, depth and the entries of a list', () => {
    refuses('too_large', 'thing', () => openDer(Buffer.alloc(11), 'thing', { bytes: 10, depth: 1 }));
    const nested = openDer(hex('30 04 30 02 05 00'), 'thing', { bytes: 10, depth: 1 });
    const outer = openSequence(nested, 'outer');
    refuses('too_deep', 'thing.outer.inner', () => openSequence(outer, 'inner'));
    const list = openSequence(openDer(hex('30 06 05 00 05 00 05 00'), 'thing'), 'list');
    refuses('too_many', 'thing.list', () => collect(list, (cursor) => take(cursor, 'entry'), 2));
  });

  test('opens DER that lies in a string', () => {
    const holder = take(openDer(hex('03 04 00 02 01 05'), 'thing'), 'bits');
    const inside = enter(holder, 1);
    assert.equal(take(inside, 'number').tag, tags.integer);
    finish(inside);
  });
});
