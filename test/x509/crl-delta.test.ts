import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, device, issuing, say } from './crl-judging.ts';
import {
  cRLNumber,
  deltaCRLIndicator,
  type EntryOptions,
  hours,
  mintCrl,
  scope,
  unknownExtension,
} from './crl-minting.ts';
import { keyNumber } from './minting.ts';
import * as ext from './minting-extensions.ts';

const listed = [{ serial: 1000 }];

describe('a delta CRL', () => {
  const leaf = device();
  const base = (entries: EntryOptions[] = [], number = 10, more: Uint8Array[] = []) =>
    mintCrl({ by: issuing, thisUpdate: hours(-5), entries, extensions: [cRLNumber(number), ...more] });
  interface Delta {
    readonly from?: number;
    readonly number?: number;
    readonly by?: typeof issuing;
    readonly more?: Uint8Array[];
    readonly nextUpdate?: Date;
    readonly forged?: boolean;
  }
  const delta = (entries: EntryOptions[], { from = 10, number = 12, by = issuing, more = [], ...rest }: Delta = {}) =>
    mintCrl({ by, entries, ...rest, extensions: [cRLNumber(number), deltaCRLIndicator(from), ...more] });

  test('alone is no list at all', () => {
    assert.equal(say(leaf, [delta([])]), 'unknown no-pointer');
    assert.equal(say(leaf, [delta(listed)]), 'unknown no-pointer');
  });

  test('adds to its base and takes back from it', () => {
    assert.equal(say(leaf, [base(), delta(listed)]), 'revoked unspecified');
    assert.equal(say(leaf, [base(), delta([])]), 'good');
    const held = base([{ serial: 1000, reason: 'certificateHold' }]);
    assert.equal(say(leaf, [held, delta([])]), 'revoked certificateHold');
    assert.equal(say(leaf, [held, delta([{ serial: 1000, reason: 'removeFromCRL' }])]), 'good');
    assert.equal(say(leaf, [held, delta([{ serial: 1000, reason: 1 }])]), 'revoked keyCompromise');
    assert.equal(say(leaf, [base(), delta(listed)], { useDeltas: false }), 'good');
  });

  test('fits a base that is no older than its own and older than itself', () => {
    assert.equal(say(leaf, [base([], 11), delta(listed)]), 'revoked unspecified');
    assert.equal(say(leaf, [base([], 9), delta(listed)]), 'good');
    assert.equal(say(leaf, [base([], 12), delta(listed)]), 'good');
    assert.equal(say(leaf, [mintCrl({ by: issuing }), delta(listed)]), 'good');
  });

  test('has the scope and the key of its base', () => {
    const user = scope({ user: true });
    assert.equal(say(leaf, [base([], 10, [user]), delta(listed, { more: [user] })]), 'revoked unspecified');
    assert.equal(say(leaf, [base([], 10, [user]), delta(listed)]), 'good');
    assert.equal(say(leaf, [base(), delta(listed, { more: [user] })]), 'good');
    const key = (id: number) => ext.authorityKeyIdentifier(Buffer.from([id]));
    assert.equal(say(leaf, [base([], 10, [key(1)]), delta(listed, { more: [key(1)] })]), 'revoked unspecified');
    assert.equal(say(leaf, [base([], 10, [key(1)]), delta(listed, { more: [key(2)] })]), 'good');
    assert.equal(say(leaf, [base(), delta(listed, { forged: true })]), 'good');
    const stranger = { ...issuing, key: keyNumber(9) };
    assert.equal(say(leaf, [base(), delta(listed, { by: stranger })]), 'good');
  });

  test('a current one makes a stale base current; a stale one is left out', () => {
    const old = mintCrl({ by: issuing, thisUpdate: hours(-50), nextUpdate: hours(-2), extensions: [cRLNumber(10)] });
    assert.equal(say(leaf, [old]), 'unknown stale');
    assert.deepEqual(ask(leaf, [old, delta([])]).status, {
      kind: 'good',
      thisUpdate: hours(-1),
      nextUpdate: hours(24),
    });
    assert.equal(say(leaf, [old, delta([], { nextUpdate: hours(-0.5) })]), 'unknown stale');
    const late = { nextUpdate: hours(-0.5) };
    assert.equal(say(leaf, [base(), delta([{ serial: 1000, reason: 'certificateHold' }], late)]), 'good');
    const held = base([{ serial: 1000, reason: 'certificateHold' }]);
    assert.equal(
      say(leaf, [held, delta([{ serial: 1000, reason: 'removeFromCRL' }], late)]),
      'revoked certificateHold',
    );
    // As with complete lists: what was revoked for good stays so.
    assert.equal(say(leaf, [base(), delta(listed, late)]), 'revoked unspecified');
  });

  test('the newest that fits is used', () => {
    const older = mintCrl({
      by: issuing,
      thisUpdate: hours(-3),
      entries: [{ serial: 1000, reason: 'certificateHold' }],
      extensions: [cRLNumber(11), deltaCRLIndicator(10)],
    });
    assert.equal(say(leaf, [base(), older]), 'revoked certificateHold');
    assert.equal(say(leaf, [base(), older, delta([{ serial: 1000, reason: 'removeFromCRL' }])]), 'good');
  });

  test('with an unknown critical extension it revokes, and takes nothing back', () => {
    const more = [unknownExtension(true)];
    assert.equal(say(leaf, [base(), delta(listed, { more })]), 'revoked unspecified');
    assert.equal(say(leaf, [base(), delta([], { more })]), 'good');
    const held = base([{ serial: 1000, reason: 'certificateHold' }]);
    const back = delta([{ serial: 1000, reason: 'removeFromCRL' }], { more });
    assert.equal(say(leaf, [held, back]), 'revoked certificateHold');
  });
});
