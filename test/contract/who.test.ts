import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fastify } from 'fastify';
import { requireAuthentication } from '../../src/northbound/authentication.ts';
import { createRateLimit } from '../../src/northbound/rate-limit.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { mayDo, type Role, roleNames } from '../../src/trust/access/roles.ts';
import { described, operations } from './contract.ts';
import { by, type ManagementStage, openManagementStage, secretPart } from './management-stage.ts';

const api = described.filter(({ path }) => path.startsWith('/api/'));

describe('who may use the management door', () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  const call = (of: (typeof api)[number], deviceId: string, key?: string) =>
    stage.ask(of.path.replace(/\{\w+\}/g, deviceId), {
      method: of.method,
      ...(key !== undefined && { key }),
      ...(of.requestBody !== undefined && { body: {} }),
    });

  test('the contract and the operations are the same, and there are some', () => {
    assert.ok(api.length > 10);
    assert.deepEqual(api.map(({ operationId }) => operationId).sort(), [...operations.keys()].sort());
  });

  test('nobody gets anything but health without a key, nor learns which paths there are', async () => {
    for (const of of api) {
      const { status, headers, body } = await call(of, stage.devices[0]);
      assert.deepEqual(
        [of.operationId, status, (body as { code: string }).code],
        [of.operationId, 401, 'unauthenticated'],
      );
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
    }
    assert.equal((await stage.ask('/api/v1/nothing')).status, 401);
    assert.equal((await stage.ask('/healthz')).status, 200);
    assert.equal((await stage.ask('/readyz')).status, 200);
    assert.equal((await stage.ask('/api/v1/nothing', { key: stage.of.viewer })).status, 404);
  });

  test('each route asks for its permission, of every role', async () => {
    for (const of of api)
      for (const role of roleNames) {
        const { permission } = operations.get(of.operationId) ?? assert.fail(of.operationId);
        const { status } = await call(of, '00000000-0000-4000-8000-000000000000', stage.of[role]);
        assert.equal(status === 403, !mayDo(role, permission), `${of.operationId} as ${role}: ${status}`);
        assert.notEqual(status, 401);
      }
  });

  test('a key of one group sees nothing of another, in any route', async () => {
    const [north, south] = stage.devices;
    for (const of of api) {
      const { permission, reach } = operations.get(of.operationId) ?? assert.fail(of.operationId);
      const role = roleNames.find((one) => mayDo(one, permission)) as Role;
      const answer = await call(of, south, stage.north[role]);
      if (reach === 'installation') assert.equal(answer.status, 403, of.operationId);
      if (reach === 'device') assert.equal(answer.status, 404, of.operationId);
      if (reach === 'fleet') assert.notEqual(answer.status, 403, of.operationId);
      assert.ok(!JSON.stringify(answer.body).includes(south), of.operationId);
    }
    const linked = await stage.ask(`/api/v1/devices/${north}/identities`, {
      method: 'POST',
      key: stage.north.operator,
      body: { anchor: 'acme', identity: '00a0bc000001.hnb.acme.example' },
    });
    assert.equal(linked.status, 409);
    assert.ok(!JSON.stringify(linked.body).includes(south), 'nor whose an identity is');
    const own = await stage.ask('/api/v1/devices', { key: stage.north.viewer });
    assert.deepEqual(
      (own.body as { items: { id: string }[] }).items.map(({ id }) => id),
      [north],
    );
    const audit = await stage.ask('/api/v1/audit', { key: stage.north.auditor });
    assert.deepEqual(
      new Set((audit.body as { items: { deviceId: string }[] }).items.map(({ deviceId }) => deviceId)),
      new Set([north]),
    );
  });

  test('a key that is expired, revoked, cut short or altered opens nothing; its secret is nowhere in the database', async () => {
    const made = await stage.keys.create({ name: 'short', role: 'viewer' }, by);
    assert.ok(made.ok);
    const status = async (key: string) => (await stage.ask('/api/v1/devices', { key })).status;
    assert.equal(await status(made.secret), 200);
    assert.equal(await status(made.secret.slice(0, -1)), 401);
    assert.equal(await status(`${made.secret.slice(0, -2)}${made.secret.endsWith('AA') ? 'BB' : 'AA'}`), 401);
    const [row] = (await stage.db.query({ text: 'select * from api_keys where id = $1', values: [made.key.id] })).rows;
    assert.ok(!JSON.stringify(row).includes(secretPart(made.secret)));
    assert.notEqual(row?.last_used_at, null);
    await stage.db.query({
      text: `update api_keys set expires_at = now() - interval '1 ms' where id = $1`,
      values: [made.key.id],
    });
    assert.equal(await status(made.secret), 401);
    await stage.db.query({ text: `update api_keys set expires_at = null where id = $1`, values: [made.key.id] });
    assert.equal(await status(made.secret), 200);
    assert.ok((await stage.keys.revoke('short', by)).ok);
    assert.equal(await status(made.secret), 401);
    const { rows } = await stage.db.query<{ action: string }>({
      text: 'select action from access_changes where subject = $1 order by at, action',
      values: [made.key.id],
    });
    assert.deepEqual(
      rows.map(({ action }) => action),
      ['key_created', 'key_revoked'],
    );
  });
});

describe('how often', () => {
  test('a key that asks too often is told when to come back, and others go on', async () => {
    const stage = await openManagementStage(5);
    try {
      const asked = [];
      for (let i = 0; i < 6; i += 1) asked.push(await stage.ask('/api/v1/devices', { key: stage.of.viewer }));
      assert.deepEqual(
        asked.map(({ status }) => status),
        [200, 200, 200, 200, 200, 429],
      );
      assert.match(asked[0]?.headers.get('ratelimit') ?? '', /^"minute";r=4;t=\d+$/);
      assert.ok(Number(asked[5]?.headers.get('retry-after')) >= 1);
      assert.equal((await stage.ask('/api/v1/devices', { key: stage.of.auditor })).status, 200);
    } finally {
      await stage.stop();
    }
  });

  test('whoever has a whole network of IPv6 to guess from is counted as one, and neighbours are not', async () => {
    const app = fastify();
    requireAuthentication(app, {
      credentials: {
        bearer: async () => ({ ok: false, kind: 'invalid', cause: 'this is no API key in force' }),
        isLikely: async () => false,
      },
      inGroup: async () => false,
      requests: createRateLimit(systemClock, 100),
      failures: createRateLimit(systemClock, 3),
    });
    app.get('/x', { config: { access: 'anyone' } }, async () => 'in');
    const from = async (remoteAddress: string) => (await app.inject({ url: '/x', remoteAddress })).statusCode;
    const statuses = [];
    for (let n = 1; n <= 5; n += 1) statuses.push(await from(`2001:db8:0:1::${n}`));
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
    assert.deepEqual([await from('2001:db8:0:2::1'), await from('192.0.2.1')], [401, 401]);
    await app.close();
  });

  test('an address that guesses is slowed down before it reaches the database, and good keys get in from there', async () => {
    const stage = await openManagementStage();
    try {
      const statuses = new Set<number>();
      for (let i = 0; i < 125; i += 1) statuses.add((await stage.ask('/api/v1/devices', { key: `guess-${i}` })).status);
      assert.deepEqual(statuses, new Set([401, 429]));
      const status = async (key: string) => (await stage.ask('/api/v1/devices', { key })).status;
      assert.equal(await status(stage.of.viewer), 200, 'a good key gets in all the same');
      assert.equal(await status(stage.of.viewer.replace(/.{4}$/, 'AAAA')), 429);
      assert.ok((await stage.keys.revoke('viewer ', by)).ok);
      assert.equal(await status(stage.of.viewer), 429, 'and nothing after its revocation');
      assert.equal(await status(stage.of.operator), 200);
    } finally {
      await stage.stop();
    }
  });
});
