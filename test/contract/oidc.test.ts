import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { manualClock } from '../../src/platform/clock.ts';
import { createEgress } from '../../src/platform/egress/egress.ts';
import { createLogger, createMetrics } from '../../src/platform/telemetry.ts';
import { assembleAccess } from '../../src/trust/access/assembly.ts';
import { type ManagementStage, openManagementStage } from './management-stage.ts';

const issuer = 'https://id.operator.example/realms/noc';
const audience = 'hems';

type Key = Awaited<ReturnType<typeof keyOf>>;

async function keyOf(kid: string, alg: 'ES256' | 'RS256' = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A real server on loopback, of which nothing but the keys is asked. */
async function openIssuer() {
  const state = { keys: [] as object[], asked: 0, status: 200, body: undefined as string | undefined };
  const server: Server = createServer((_request, answer) => {
    state.asked += 1;
    answer.writeHead(state.status, { 'Content-Type': 'application/jwk-set+json' });
    answer.end(state.body ?? JSON.stringify({ keys: state.keys }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  return { state, url, close: () => new Promise((done) => server.close(done)) };
}

describe('bearer tokens of the OpenID provider', () => {
  let stage: ManagementStage;
  let provider: Awaited<ReturnType<typeof openIssuer>>;
  let first: Key;
  const clock = manualClock(new Date());
  const egress = createEgress({ clock, metrics: createMetrics({ process: false }) });
  const seconds = (): number => Math.floor(clock.now().getTime() / 1000);

  before(async () => {
    [provider, first] = await Promise.all([openIssuer(), keyOf('one')]);
    provider.state.keys = [first.jwk];
    stage = await openManagementStage(undefined, {
      credentialsOf: (db) =>
        assembleAccess({
          ...{ db, clock, egress, logger: createLogger('silent') },
          revocation: { judge: () => assert.fail('no certificate is judged') },
          management: {
            oidc: {
              ...{ issuer, audience, jwks: provider.url, algorithms: ['ES256', 'RS256'], clockSkew: 30_000 },
              ...{ roleClaim: 'realm_access.roles', nameClaim: 'preferred_username', groupClaim: 'region' },
              roles: [
                { value: 'noc-admin', role: 'administrator' },
                { value: 'noc', role: 'operator' },
                { value: 'desk', role: 'viewer' },
              ],
            },
          },
        }),
    });
  });
  after(async () => {
    await stage.stop();
    egress.close();
    await provider.close();
  });

  const good = (): JWTPayload => ({
    ...{ iss: issuer, aud: audience, sub: 'u-17', iat: seconds(), exp: seconds() + 300 },
    ...{ preferred_username: 'maria', realm_access: { roles: ['noc', 'other'] }, region: 'north' },
  });
  const sign = (claims: JWTPayload, key: Key = first) =>
    new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey);
  const status = async (token: string, path = '/api/v1/devices') => (await stage.ask(path, { key: token })).status;
  const with_ = async (change: Record<string, unknown>, key?: Key) => status(await sign({ ...good(), ...change }, key));

  test('the role of the first mapped value and the group of the claim hold; the person stands in the audit', async () => {
    const token = await sign(good());
    const own = await stage.ask('/api/v1/devices', { key: token });
    assert.deepEqual(
      (own.body as { items: { id: string }[] }).items.map(({ id }) => id),
      [stage.devices[0]],
    );
    const block = { method: 'POST', key: token, body: { reason: 'stolen' } };
    assert.equal((await stage.ask(`/api/v1/devices/${stage.devices[1]}/block`, block)).status, 404);
    assert.equal((await stage.ask(`/api/v1/devices/${stage.devices[0]}/block`, block)).status, 200);
    const audit = await stage.ask(`/api/v1/audit?deviceId=${stage.devices[0]}&action=block`, { key: stage.of.auditor });
    const [row] = (audit.body as { items: { actorKind: string; actor: string }[] }).items;
    assert.deepEqual([row?.actorKind, row?.actor], ['operator', 'maria (operator:u-17)']);
    assert.equal(await with_({ realm_access: { roles: ['desk'] } }), 200);
    assert.equal(await status(await sign({ ...good(), realm_access: { roles: 'desk' } }), '/api/v1/audit'), 403);
  });

  test('without a mapped role, or without the group that is asked for, it is 403', async () => {
    assert.equal(await with_({ realm_access: { roles: ['somebody'] } }), 403);
    assert.equal(await with_({ realm_access: undefined }), 403);
    assert.equal(await with_({ realm_access: { roles: { noc: true } } }), 403);
    assert.equal(await with_({ region: undefined }), 403);
    assert.equal(await with_({ region: ['north', 'south'] }), 403);
  });

  test('a foreign issuer or audience, a time outside, or a claim too few opens nothing', async () => {
    assert.equal(await with_({ iss: 'https://id.other.example' }), 401);
    assert.equal(await with_({ aud: 'other' }), 401);
    assert.equal(await with_({ aud: ['other', audience] }), 200);
    assert.equal(await with_({ aud: ['other', 'another'] }), 401);
    assert.equal(await with_({ exp: seconds() - 31 }), 401);
    assert.equal(await with_({ exp: seconds() - 20 }), 200, 'within the clock skew');
    assert.equal(await with_({ nbf: seconds() + 60 }), 401);
    assert.equal(await with_({ nbf: seconds() + 20 }), 200);
    assert.equal(await with_({ exp: undefined }), 401);
    assert.equal(await with_({ sub: undefined }), 401);
    assert.equal(await with_({ sub: 'two\nlines' }), 401);
  });

  test('what the token says of its own algorithm chooses nothing', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    assert.equal(await status(`${part({ alg: 'none' })}.${part(good())}.`), 401);
    // The public key as a shared secret, which a verifier that believes the header would take it for.
    const secret = new TextEncoder().encode(JSON.stringify(first.jwk));
    for (const kid of ['one', 'two']) {
      const confused = await new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
      assert.equal(await status(confused), 401);
    }
    const token = await sign(good());
    const [head = '', claims = '', signature = ''] = token.split('.');
    assert.equal(await status(`${head}.${part({ ...good(), sub: 'root' })}.${signature}`), 401);
    assert.equal(await status(`${head}.${claims}.${signature.slice(2)}`), 401);
    assert.equal(await with_({}, await keyOf('one')), 401, 'another key by the name of ours');
    const { jwk } = await keyOf('three');
    const brought = await new SignJWT(good())
      .setProtectedHeader({ alg: 'ES256', kid: 'three', jwk })
      .sign((await keyOf('three')).privateKey);
    assert.equal(await status(brought), 401);
  });

  test('keys rotate without a restart; unknown kids do not have the issuer asked again and again', async () => {
    clock.advance(60_000);
    const second = await keyOf('second', 'RS256');
    provider.state.keys = [first.jwk, second.jwk];
    const asked = provider.state.asked;
    assert.equal(await with_({}, second), 200);
    for (let i = 0; i < 10; i += 1) assert.equal(await with_({}, { ...first, kid: `odd-${i}` }), 401);
    assert.equal(provider.state.asked, asked + 1);
    provider.state.keys = [second.jwk];
    clock.advance(11 * 60_000);
    assert.equal(await with_({}, second), 200);
    assert.equal(await with_({}), 401, 'withdrawn by the issuer');
    provider.state.keys = [first.jwk];
  });

  test('an issuer that does not answer is bridged for an hour, then nobody is let in', async () => {
    clock.advance(11 * 60_000);
    assert.equal(await with_({}), 200);
    provider.state.status = 500;
    clock.advance(30 * 60_000);
    assert.equal(await with_({}), 200);
    clock.advance(31 * 60_000);
    assert.equal(await with_({}), 503);
    assert.equal((await stage.ask('/api/v1/devices', { key: stage.of.viewer })).status, 200, 'keys go on');
    for (const body of ['[]', '{"keys":7}', '<html>', JSON.stringify({ keys: [], x: 'x'.repeat(300_000) })]) {
      Object.assign(provider.state, { status: 200, body });
      clock.advance(20_000);
      assert.equal(await with_({}), 503, body.slice(0, 20));
    }
    provider.state.body = undefined;
    clock.advance(20_000);
    assert.equal(await with_({}), 200);
  });
});
