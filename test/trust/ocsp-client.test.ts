import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RevocationMisbehaviour } from '../../src/simulator/revocation-misbehaviour.ts';
import type { OcspAnswer } from '../../src/trust/ocsp-client.ts';
import { ocspUrlsOf } from '../../src/x509/ocsp-pointers.ts';
import { keyNumber, mint } from '../x509/minting.ts';
import * as der from '../x509/der-writer.ts';
import * as ext from '../x509/minting-extensions.ts';
import { ocspWorld } from './ocsp-world.ts';

/** `good`, `revoked`, or why it is unknown. */
function said({ status }: Pick<OcspAnswer, 'status'>): string {
  return status.kind === 'unknown' ? status.cause : status.kind;
}

describe('asking a responder', () => {
  test('good by POST with a nonce; the answer comes along to be kept', async (t) => {
    const world = await ocspWorld(t);
    const answer = await world.ask();
    assert.equal(said(answer), 'good');
    assert.equal(answer.responder, world.responder().url);
    assert.ok(answer.der !== undefined && answer.validUntil !== undefined && answer.signer?.kind === 'delegate');
    assert.deepEqual(world.server.requests, ['POST /ocsp/acme-issuing']);
    assert.match(await world.metrics.metrics(), /hems_trust_ocsp_answers_total\{status="good"\} 1/);
  });

  test('revoked, with reason and time', async (t) => {
    const world = await ocspWorld(t);
    world.server.authority('acme-issuing').revoke(world.certificate.serialNumber, world.clock.now(), 'keyCompromise');
    const { status } = await world.ask();
    assert.ok(status.kind === 'revoked');
    assert.deepEqual([status.reason, status.revokedAt], ['keyCompromise', world.clock.now()]);
  });

  test('by SHA-256, where the responder takes it', async (t) => {
    const world = await ocspWorld(t);
    assert.equal(said(await world.ask([world.responder({ certIdHash: 'sha256' })])), 'good');
  });

  test('GET goes without a nonce and into 255 characters; what does not fit is posted', async (t) => {
    const world = await ocspWorld(t);
    const get = { method: 'GET', nonce: 'off' } as const;
    assert.equal(said(await world.ask([world.responder(get)])), 'good');
    assert.match(world.server.requests[0] ?? '', /^GET \/ocsp\/acme-issuing\/M[A-Za-z0-9%]+$/);
    assert.equal(said(await world.ask([world.responder({ ...get, nonce: 'prefer' })])), 'good');
    assert.equal(said(await world.ask([world.responder({ ...get, certIdHash: 'sha512' })])), 'responder-unavailable');
    assert.deepEqual(
      world.server.requests.slice(1).map((line) => line.slice(0, 4)),
      ['POST', 'POST'],
    );
  });

  test('the responder of another CA has no answer', async (t) => {
    const world = await ocspWorld(t);
    const answer = await world.ask([world.responder({ url: world.server.ocspUrl('zenith-issuing') })]);
    assert.equal(said(answer), 'responder-unavailable');
  });
});

describe('a responder that misbehaves', () => {
  const misbehaviours: readonly (readonly [RevocationMisbehaviour, string])[] = [
    ['down', 'unreachable'],
    ['slow', 'unreachable'],
    ['drip', 'unreachable'],
    ['huge', 'too-large'],
    ['cut', 'unreachable'],
    ['redirect-inside', 'responder-unavailable'],
    ['server-error', 'responder-unavailable'],
    ['wrong-type', 'malformed'],
    ['stale', 'stale'],
    ['forged', 'bad-signature'],
    ['wrong-issuer', 'out-of-scope'],
    ['wrong-nonce', 'nonce-mismatch'],
    ['no-nonce', 'nonce-mismatch'],
    ['unknown', 'responder-unknown'],
    ['try-later', 'responder-unavailable'],
  ];
  for (const [how, cause] of misbehaviours)
    test(`${how} is ${cause}, and never good`, async (t) => {
      const world = await ocspWorld(t);
      world.server.misbehave(how);
      // Only those that never end are cut off by the time.
      const timeout = how === 'slow' || how === 'drip' ? 300 : 20_000;
      assert.equal(said(await world.ask([world.responder({ timeout })])), cause);
    });

  test('an answer without nonce counts where a nonce is only preferred', async (t) => {
    const world = await ocspWorld(t);
    world.server.misbehave('no-nonce');
    assert.equal(said(await world.ask([world.responder({ nonce: 'prefer' })])), 'good');
    world.server.misbehave('wrong-nonce');
    assert.equal(said(await world.ask([world.responder({ nonce: 'prefer' })])), 'nonce-mismatch');
  });

  test('the next responder is asked, and every attempt is told', async (t) => {
    const world = await ocspWorld(t);
    const dead = world.responder({ url: 'http://127.0.0.1:1/', egress: { privateHosts: ['127.0.0.1:1'] } });
    const answer = await world.ask([dead, world.responder()]);
    assert.equal(said(answer), 'good');
    assert.deepEqual(answer.attempts.map(said), ['unreachable', 'good']);
  });

  test('a signed "unknown" outweighs a responder that is not there, in either order', async (t) => {
    const world = await ocspWorld(t);
    world.server.misbehave('unknown');
    const dead = world.responder({ url: 'http://127.0.0.1:1/', egress: { privateHosts: ['127.0.0.1:1'] } });
    assert.equal(said(await world.ask([dead, world.responder()])), 'responder-unknown');
    assert.equal(said(await world.ask([world.responder(), dead])), 'responder-unknown');
  });

  test('a pointer inside is not followed, and nobody to ask is a cause of its own', async (t) => {
    const world = await ocspWorld(t);
    assert.equal(said(await world.ask([world.responder({ egress: {} })])), 'unreachable');
    assert.equal(world.server.requests.length, 0);
    assert.equal(said(await world.ask([])), 'no-pointer');
  });
});

describe('restraint', () => {
  test('one certificate is asked about once at a time', async (t) => {
    const world = await ocspWorld(t);
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.ask()));
    assert.ok(answers.every((answer) => said(answer) === 'good'));
    assert.equal(world.server.requests.length, 1);
    await world.ask();
    assert.equal(world.server.requests.length, 2);
    assert.match(await world.metrics.metrics(), /hems_trust_ocsp_shared_total 19/);
  });

  test('other demands are another question', async (t) => {
    const world = await ocspWorld(t);
    await Promise.all([world.ask(), world.ask([world.responder({ nonce: 'off' })])]);
    assert.equal(world.server.requests.length, 2);
  });

  test('a responder that keeps failing is left alone, tried once after the pause, and used again when it is back', async (t) => {
    const world = await ocspWorld(t, { breaker: { threshold: 2, pause: 1000, longest: 4000 } });
    world.server.misbehave('try-later');
    for (let i = 0; i < 5; i++) assert.notEqual(said(await world.ask()), 'good');
    assert.equal(world.server.requests.length, 2, 'after two failures nobody asks');
    assert.match(await world.metrics.metrics(), /hems_trust_ocsp_responders_left_alone 1/);
    world.clock.advance(1000);
    await world.ask();
    await world.ask();
    assert.equal(world.server.requests.length, 3, 'one trial, which fails');
    world.clock.advance(1500);
    await world.ask();
    assert.equal(world.server.requests.length, 3, 'the pause is twice as long');
    world.clock.advance(500);
    world.server.misbehave(undefined);
    assert.equal(said(await world.ask()), 'good');
    assert.equal(said(await world.ask()), 'good');
    assert.match(await world.metrics.metrics(), /hems_trust_ocsp_responders_left_alone 0/);
  });

  test('an answer about one certificate, however bad, is no failure of the responder', async (t) => {
    const world = await ocspWorld(t, { breaker: { threshold: 1, pause: 1000, longest: 4000 } });
    world.server.misbehave('unknown');
    for (let i = 0; i < 3; i++) await world.ask();
    assert.equal(world.server.requests.length, 3);
  });
});

describe('the responders that a certificate names', () => {
  test('in its order, http and https alone, each once, four at most', () => {
    const describe = (method: string, uri: string): Uint8Array =>
      der.sequence(der.oid(method), ext.generalName({ uri }));
    const ocsp = '1.3.6.1.5.5.7.48.1';
    const uris = [
      'ldap://a.example/',
      'http://[',
      'http://b.example/',
      'HTTPS://c.example/',
      'http://b.example/',
      'http://d.example/',
      'http://e.example/',
      'http://f.example/',
    ];
    const pointers = [
      describe('1.3.6.1.5.5.7.48.2', 'http://issuer.example/'),
      ...uris.map((uri) => describe(ocsp, uri)),
    ];
    const { certificate } = mint({
      key: keyNumber(30),
      extensions: [ext.extension('authorityInfoAccess', der.sequence(...pointers))],
    });
    assert.deepEqual(ocspUrlsOf(certificate), [
      'http://b.example/',
      'HTTPS://c.example/',
      'http://d.example/',
      'http://e.example/',
    ]);
    assert.deepEqual(ocspUrlsOf(mint({ key: keyNumber(30) }).certificate), []);
  });
});
