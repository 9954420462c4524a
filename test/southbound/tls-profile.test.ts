import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createSecureContext, getCiphers } from 'node:tls';
import fc from 'fast-check';
import { suiteById, suiteByName } from '../../src/southbound/cipher-suites.ts';
import { resolveTlsPolicy } from '../../src/southbound/tls-profile.ts';
import { call, type Ground, ground, inform, openDoor, post } from './door.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

const profiles = ['modern', 'legacy-rel12'] as const;
const resolve = (profile: (typeof profiles)[number], ciphers?: string, dhe = false) =>
  resolveTlsPolicy({ profile, dhe, ciphers });

function suitesOf(profile: (typeof profiles)[number], ciphers?: string, dhe = false): string[] {
  const result = resolve(profile, ciphers, dhe);
  if (!result.ok) assert.fail(result.message);
  return result.policy.suites.map(({ openssl }) => openssl);
}

const forbidden = /RC4|NULL|EXP|ADH|AECDH|anon|DES|MD5|PSK|SRP|IDEA|SEED/;

describe('the TLS profile of a door', () => {
  test('modern: TLS 1.2 and 1.3, AEAD behind ECDHE alone; DHE by option', () => {
    const suites = suitesOf('modern');
    for (const suite of suites) assert.match(suite, /^TLS_(AES|CHACHA20)|^ECDHE-(ECDSA|RSA)-(AES\d+-GCM|CHACHA20)/);
    assert.ok(!suites.some((suite) => suite.startsWith('DHE-')));
    const withDhe = suitesOf('modern', undefined, true).filter((suite) => suite.startsWith('DHE-'));
    assert.deepEqual(withDhe.sort(), ['DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES256-GCM-SHA384']);
  });

  test('legacy-rel12 adds what TR-069 makes mandatory, and still nothing below TLS 1.2', () => {
    const result = resolve('legacy-rel12');
    assert.ok(result.ok);
    const suites = result.policy.suites.map(({ openssl }) => openssl);
    for (const suite of ['AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'])
      assert.ok(suites.includes(suite), suite);
    assert.equal(result.policy.context.minVersion, 'TLSv1.2');
    for (const suite of suites) assert.doesNotMatch(suite, forbidden);
  });

  test('every suite of a policy is one that OpenSSL can do', () => {
    for (const profile of profiles)
      for (const suite of suitesOf(profile, undefined, true))
        assert.ok(getCiphers().includes(suite.toLowerCase()), suite);
  });

  const words = [
    'ALL',
    'COMPLEMENTOFALL',
    'RC4-SHA',
    'NULL-SHA256',
    'eNULL',
    'aNULL',
    'ADH-AES128-GCM-SHA256',
    'AECDH-AES128-SHA',
    'DES-CBC3-SHA',
    '3DES',
    'EXPORT',
    'MD5',
    'PSK',
    'PSK-AES128-GCM-SHA256',
    'SRP',
    'ECDHE-PSK-AES128-CBC-SHA256',
    'SEED-SHA',
    'IDEA',
  ];
  test('no cipher string lets a forbidden suite in, in no profile', () => {
    const good = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    for (const profile of profiles)
      for (const word of words)
        for (const ciphers of [word, `${good}:${word}`, `${word}:${good}`]) {
          const result = resolve(profile, ciphers);
          if (result.ok)
            for (const { openssl } of result.policy.suites) assert.doesNotMatch(openssl, forbidden, ciphers);
          else assert.ok(result.message.length > 0);
        }
  });

  test('what any string of words and operators resolves to is sound: refused, or of the profile', () => {
    const word = fc.constantFrom(...words, 'HIGH', 'DEFAULT', 'kRSA', 'ECDHE', 'AESGCM', 'SHA1', 'aRSA', 'AES128-SHA');
    const operator = fc.constantFrom('', '!', '-', '+');
    const ciphers = fc.array(fc.tuple(operator, word), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(ciphers, fc.constantFrom(...profiles), (parts, profile) => {
        const result = resolve(profile, parts.map(([op, text]) => `${op}${text}`).join(':'));
        if (!result.ok) return;
        const allowed = new Set(suitesOf(profile, undefined, true));
        for (const { openssl } of result.policy.suites) {
          assert.doesNotMatch(openssl, forbidden);
          if (profile === 'modern') assert.ok(allowed.has(openssl) || /GCM|CHACHA20|CCM/.test(openssl), openssl);
        }
        createSecureContext(result.policy.context);
      }),
      { numRuns: 500 },
    );
  });

  test('a refusal names the suites and what is wrong with them', () => {
    const result = resolve('modern', 'ECDHE-ECDSA-AES128-GCM-SHA256:NULL-SHA256:AES128-SHA');
    assert.ok(!result.ok);
    assert.match(result.message, /NULL_SHA256|NULL-SHA256/);
    assert.match(result.message, /AES_128_CBC_SHA|AES128-SHA/);
    for (const ciphers of ['nonsense', '', '!ALL', 'ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0'])
      assert.equal(resolve('modern', ciphers).ok, false, ciphers);
  });

  test('the registry knows a suite by its number and by its name alike', () => {
    for (const id of [0x1301, 0xc02b, 0xc02f, 0x002f, 0x009e]) {
      const suite = suiteById(id);
      assert.ok(suite !== undefined);
      assert.equal(suiteByName(suite.name)?.id ?? suiteByName(suite.openssl)?.id, id);
    }
  });

  test('a cell with static RSA and CBC alone gets into a legacy door and into no modern one', async (t) => {
    const cell = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' } as const;
    const legacy = await openDoor(t, on, { listener: { profile: 'legacy-rel12' } });
    const client = await call(t, legacy, on, cell);
    client.send(post(inform()));
    await client.until(/InformResponse/);
    const modern = await openDoor(t, on);
    await assert.rejects(call(t, modern, on, cell), /alert handshake failure|handshake/i);
    assert.equal(modern.gate.failures[0]?.reason, 'no_shared_cipher');
  });
});
