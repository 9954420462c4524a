import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rollbackOf } from '../../src/x509/crl-freshness.ts';
import { ask, device, issuing, root, say } from './crl-judging.ts';
import { cRLNumber, distributionPoints, hours, mintCrl, scope, unknownExtension } from './crl-minting.ts';
import * as der from './der-writer.ts';
import { mint, now } from './minting.ts';
import * as ext from './minting-extensions.ts';

const leaf = device();
const minutes = (count: number): Date => hours(count / 60);

describe('a complete CRL of the issuer', () => {
  test('says good of what it does not list, and revoked of what it lists', () => {
    const crl = mintCrl({ by: issuing, entries: [{ serial: 999 }] });
    const { status, reports } = ask(leaf, [crl]);
    assert.deepEqual(status, { kind: 'good', thisUpdate: crl.thisUpdate, nextUpdate: crl.nextUpdate });
    assert.deepEqual(
      reports.map(({ use, cause }) => [use, cause]),
      [['complete', undefined]],
    );
    const listing = mintCrl({
      by: issuing,
      entries: [{ serial: 1000, reason: 'keyCompromise', revokedAt: hours(-50) }],
    });
    assert.deepEqual(ask(leaf, [listing]).status, {
      kind: 'revoked',
      reason: 'keyCompromise',
      revokedAt: hours(-50),
      thisUpdate: listing.thisUpdate,
      nextUpdate: listing.nextUpdate,
    });
  });

  test('certificateHold is revoked while it is listed', () => {
    assert.equal(
      say(leaf, [mintCrl({ by: issuing, entries: [{ serial: 1000, reason: 6 }] })]),
      'revoked certificateHold',
    );
  });

  test('each certificate of the path is asked about under its own issuer', () => {
    const rootSays = mintCrl({ by: root, entries: [{ serial: 77 }, { serial: 1000 }] });
    const issuingSays = mintCrl({ by: issuing, entries: [{ serial: 77 }] });
    assert.equal(say(leaf, [rootSays, issuingSays], { index: 1 }), 'revoked unspecified');
    assert.equal(say(leaf, [rootSays, issuingSays], { index: 0 }), 'good');
    assert.throws(() => ask(leaf, [], { index: 2 }), RangeError);
  });

  test('names are compared as RFC 5280 7.1 compares them', () => {
    const crl = mintCrl({ by: issuing, issuer: mint({ subject: 'O=ACME/CN= issuing ' }).subject });
    assert.equal(say(leaf, [crl]), 'good');
  });

  test('nothing at hand is no answer', () => {
    assert.equal(say(leaf, []), 'unknown no-pointer');
    assert.equal(say(leaf, [mintCrl({ by: root })]), 'unknown no-pointer');
    const pointing = device([distributionPoints([{ names: [{ uri: 'http://a.example/' }] }])]);
    assert.equal(say(pointing, []), 'unknown not-fetched');
  });

  test('the newest of several counts, whatever the order', () => {
    const older = mintCrl({ by: issuing, thisUpdate: hours(-9), entries: [{ serial: 1000, reason: 6 }] });
    const newer = mintCrl({ by: issuing, thisUpdate: hours(-2) });
    assert.equal(say(leaf, [older, newer]), 'good');
    assert.equal(say(leaf, [newer, older, newer]), 'good');
    const broken = mintCrl({ by: issuing, thisUpdate: hours(-1), forged: true });
    assert.equal(say(leaf, [broken, older]), 'revoked certificateHold');
  });
});

describe('time', () => {
  const crl = mintCrl({ by: issuing, thisUpdate: now, nextUpdate: hours(24) });
  const when = (at: Date, options = {}): string => say(leaf, [crl], { at, ...options });

  test('from thisUpdate to nextUpdate, both included; five minutes of skew before, the grace after', () => {
    assert.equal(when(now), 'good');
    assert.equal(when(minutes(-5)), 'good');
    assert.equal(when(new Date(minutes(-5).getTime() - 1)), 'unknown not-yet-valid');
    assert.equal(when(now, { clockSkew: 0 }), 'good');
    assert.equal(when(minutes(-1), { clockSkew: 0 }), 'unknown not-yet-valid');
    assert.equal(when(hours(24)), 'good');
    assert.equal(when(new Date(hours(24).getTime() + 1)), 'unknown stale');
    assert.equal(when(hours(25), { grace: 3_600_000 }), 'good');
    assert.equal(when(hours(26), { grace: 3_600_000 }), 'unknown stale');
    assert.equal(when(new Date(Number.NaN)), 'unknown not-yet-valid');
  });

  test('a maximum age shortens, never lengthens', () => {
    assert.equal(when(hours(2), { maxAge: 3_600_000 }), 'unknown stale');
    assert.equal(when(hours(25), { maxAge: 100 * 3_600_000 }), 'unknown stale');
  });

  test('without nextUpdate a list is stale after its own maximum age', () => {
    const open = mintCrl({ by: issuing, thisUpdate: now, nextUpdate: null });
    assert.equal(say(leaf, [open], { at: hours(24) }), 'good');
    assert.equal(say(leaf, [open], { at: hours(25) }), 'unknown stale');
    assert.equal(say(leaf, [open], { at: hours(2), maxAgeWithoutNextUpdate: 3_600_000 }), 'unknown stale');
    assert.equal(ask(leaf, [open]).status.kind === 'good' && 'nextUpdate' in ask(leaf, [open]).status, false);
  });

  test('a stale list still revokes what it lists, but for a hold, which may have been lifted', () => {
    const entries = [
      { serial: 1000, reason: 'superseded' as const },
      { serial: 1001, reason: 'certificateHold' as const },
    ];
    const old = mintCrl({ by: issuing, thisUpdate: hours(-48), nextUpdate: hours(-24), entries });
    assert.equal(say(leaf, [old]), 'revoked superseded');
    assert.equal(say(device([], { serial: 1001 }), [old]), 'unknown stale');
    assert.equal(say(device([], { serial: 1002 }), [old]), 'unknown stale');
  });

  test('a list of the future says nothing', () => {
    const future = mintCrl({ by: issuing, thisUpdate: hours(1), entries: [{ serial: 1000 }] });
    assert.equal(say(leaf, [future]), 'unknown not-yet-valid');
  });

  test('a list that goes back is a rollback', () => {
    const numbered = (number: number | undefined, thisUpdate: Date) =>
      mintCrl({ by: issuing, thisUpdate, extensions: number === undefined ? [] : [cRLNumber(number)] });
    const goesBack = (before: [number | undefined, Date], next: [number | undefined, Date]): boolean =>
      rollbackOf(numbered(...next), {
        number: before[0] === undefined ? undefined : BigInt(before[0]),
        thisUpdate: before[1],
      }) !== undefined;
    const held: [number, Date] = [5, hours(-5)];
    assert.equal(goesBack(held, held), false);
    assert.equal(goesBack(held, [6, hours(-4)]), false);
    assert.equal(goesBack(held, [5, hours(-4)]), false);
    assert.equal(goesBack(held, [4, hours(-4)]), true);
    assert.equal(goesBack(held, [undefined, hours(-4)]), false, 'a CA may leave its numbers, and time goes on');
    assert.equal(goesBack(held, [undefined, hours(-6)]), true);
    assert.equal(goesBack(held, [6, hours(-6)]), true);
    assert.equal(goesBack(held, [5, hours(-6)]), true);
    assert.equal(goesBack([undefined, hours(-5)], [undefined, hours(-6)]), true);
    assert.equal(goesBack([undefined, hours(-5)], [1, hours(-4)]), false);
  });
});

describe('what cannot be understood', () => {
  const listing = [{ serial: 1000 }];
  const elsewhere = { serial: 5, extensions: [unknownExtension(true)] };

  test('an unknown critical extension forbids good, and revokes what is listed', () => {
    const extensions = [unknownExtension(true)];
    assert.equal(say(leaf, [mintCrl({ by: issuing, extensions })]), 'unknown critical-extension');
    assert.equal(say(leaf, [mintCrl({ by: issuing, extensions, entries: listing })]), 'revoked unspecified');
    assert.equal(say(leaf, [mintCrl({ by: issuing, extensions: [unknownExtension(false)] })]), 'good');
  });

  test('so does one in any entry', () => {
    assert.equal(say(leaf, [mintCrl({ by: issuing, entries: [elsewhere] })]), 'unknown critical-extension');
    assert.equal(say(leaf, [mintCrl({ by: issuing, entries: [elsewhere, ...listing] })]), 'revoked unspecified');
    const own = mintCrl({ by: issuing, entries: [{ ...elsewhere, serial: 1000, reason: 1 }] });
    assert.equal(say(leaf, [own]), 'revoked keyCompromise');
    const harmless = { serial: 5, extensions: [unknownExtension(false)] };
    assert.equal(say(leaf, [mintCrl({ by: issuing, entries: [harmless] })]), 'good');
  });

  test('so does a critical CRLNumber; one that is missing does not', () => {
    const critical = ext.extension('2.5.29.20', der.integer(7), true);
    assert.equal(say(leaf, [mintCrl({ by: issuing, extensions: [critical] })]), 'unknown critical-extension');
    assert.equal(
      say(leaf, [mintCrl({ by: issuing, extensions: [critical], entries: listing })]),
      'revoked unspecified',
    );
    const key = ext.authorityKeyIdentifier(Buffer.from([1]));
    for (const extensions of [[], [key], [key, cRLNumber(7)]])
      assert.equal(say(leaf, [mintCrl({ by: issuing, extensions })]), 'good');
    assert.equal(say(leaf, [mintCrl({ by: issuing, version: 1 })]), 'good');
  });

  test('another list that is understood helps', () => {
    const unclear = mintCrl({ by: issuing, entries: [elsewhere] });
    assert.equal(say(leaf, [unclear, mintCrl({ by: issuing, thisUpdate: hours(-2) })]), 'good');
  });

  test('of several reasons why there is no answer the most telling is given', () => {
    const user = device([], { serial: 1001 });
    const crls = [
      mintCrl({ by: issuing, extensions: [scope({ ca: true })] }),
      mintCrl({ by: issuing, forged: true }),
      mintCrl({ by: issuing, nextUpdate: hours(-0.5) }),
    ];
    assert.equal(say(user, crls), 'unknown stale');
    assert.equal(say(user, crls.slice(0, 2)), 'unknown bad-signature');
    assert.equal(say(user, crls.slice(0, 1)), 'unknown out-of-scope');
    assert.equal(ask(user, crls).reports.length, 3);
  });
});
