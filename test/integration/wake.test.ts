import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionCredentials } from '../../src/fleet/connection-credentials.ts';
import type { ConnectionRequest } from '../../src/fleet/connection-request.ts';
import { createDeviceSecrets } from '../../src/fleet/device-secrets.ts';
import { createTaskDesk } from '../../src/fleet/task-desk.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { listenForConnectionRequests } from '../../src/simulator/connection-request-server.ts';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { setParameter } from '../../src/simulator/parameter-tree.ts';
import { type Role, stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { toolSchema } from '../../src/config/schema.ts';
import { cleanup } from '../support/cleanup.ts';
import { openStage, type Stage } from './stage.ts';
import { by } from './task-stage.ts';

const secretKey = randomBytes(32).toString('base64');
const connectionRequests = { networks: ['127.0.0.0/8'], perDevice: '50ms', timeout: '5s' };

describe('connection requests', { timeout: 120_000 }, () => {
  let stage: Stage;
  before(async () => {
    const anchors = { zenith: { connectionRequest: 'digest' } } as const;
    stage = await openStage({ anchors, config: { connectionRequests, secretKey } });
  });
  after(() => stage.stop());

  const desk = () =>
    createTaskDesk({
      db: stage.db,
      clock: systemClock,
      config: toolSchema.parse({ connectionRequests, secretKey, anchors: [] }),
    }).connectionRequests;

  /** A device that has told its ConnectionRequestURL. */
  async function listener(t: TestContext, form: 'http' | 'https', anchor: 'acme' | 'zenith' = 'acme') {
    const role = await stage.known(anchor);
    const cell = await dress(stage.context, role);
    const server = await listenForConnectionRequests(cell, { form });
    cleanup(t, () => server.close());
    await runSession(cell);
    return { role, cell, server, deviceId: await stage.deviceId(role) };
  }

  async function asked(deviceId: string): Promise<ConnectionRequest> {
    const result = await desk().ask(deviceId, by);
    assert.ok(result.ok, JSON.stringify(result));
    return result.request;
  }

  async function settled(
    { deviceId, id }: ConnectionRequest,
    done = (one: ConnectionRequest) => one.settledAt !== null,
  ) {
    for (let look = 0; look < 400; look += 1) {
      const request = await desk().get(deviceId, id);
      assert.ok(request !== undefined);
      if (done(request)) return request;
      await sleep(25);
    }
    throw new Error('nothing came of a connection request');
  }

  const answered = (one: ConnectionRequest): boolean => one.settledAt !== null && one.sessionAt !== null;

  for (const form of ['http', 'https'] as const)
    test(`by ${form}: the device is asked, answers, and its session is known for what it is`, async (t) => {
      const { deviceId, server } = await listener(t, form);
      const request = await settled(await asked(deviceId), answered);
      const { state, status, url, origin, form: how } = request;
      const expected = ['accepted', 200, server.url, form === 'http' ? 'plain' : 'certificate', 'maria@noc'];
      assert.deepEqual([state, status, url, how, origin.name], expected);
      assert.deepEqual(server.answers, [200]);
      const { rows } = await stage.db.query<{ actor: string; reason: string }>({
        text: `select actor, reason from changes where device_id = $1 and action = 'wake'`,
        values: [deviceId],
      });
      assert.deepEqual(rows, [{ actor: 'maria@noc', reason: 'a test' }]);
      const told = stage.events.filter((event) => 'id' in event && event.id === request.id).map(({ kind }) => kind);
      assert.deepEqual(told.sort(), ['connection-request', 'connection-request-session']);
      const details = await stage.register.show(deviceId);
      assert.equal(details?.connectionRequests[0]?.id, request.id);
      assert.match(await stage.metrics.metrics(), /hems_fleet_connection_requests_total\{state="accepted"\} [1-9]/);
    });

  test('a session by 6 CONNECTION REQUEST that nobody asked for is told so, and takes no credit', async () => {
    const cell = await dress(stage.context, await stage.known());
    await runSession(cell, { events: [{ eventCode: '6 CONNECTION REQUEST', commandKey: '' }] });
    await sleep(50);
    const told = stage.events.filter(({ kind }) => kind === 'connection-request-session').at(-1);
    assert.ok(told !== undefined && !('id' in told));
  });

  test('a device in a session says that it is busy', async (t) => {
    const { deviceId, cell, server } = await listener(t, 'https');
    let request: ConnectionRequest | undefined;
    await runSession(cell, {
      whileOpen: async () => {
        request = await settled(await asked(deviceId));
      },
    });
    assert.deepEqual([request?.state, request?.status, request?.sessionAt], ['busy', 503, null]);
    assert.deepEqual(server.answers, [503]);
  });

  /** A server in the place of the device's. */
  async function impostor(t: TestContext, cell: Femtocell, shown: { chain: string; key: string }): Promise<string[]> {
    const seen: string[] = [];
    const server = createServer(
      { cert: shown.chain, key: shown.key, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        seen.push(request.url ?? '');
        response.end();
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanup(t, () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    setParameter(cell.state.tree, 'Device.ManagementServer.ConnectionRequestURL', url);
    await runSession(cell);
    return seen;
  }

  test('by https only to the certificate of that very device: nothing is sent to any other', async (t) => {
    const role = await stage.known();
    const cell = await dress(stage.context, role);
    const deviceId = await stage.deviceId(role);
    const { readFile } = await import('node:fs/promises');
    const { ec } = stage.pki.server;
    const acs = { chain: await readFile(ec.chain, 'utf8'), key: await readFile(ec.key, 'utf8') };
    const neighbour: Role = await stage.known();
    const other = await dress(stage.context, neighbour);
    await runSession(other);
    const stranger = await dress(stage.context, { anchor: 'zenith', identity: '00d09e00dead.hnb.zenith.example' });
    const cases = [
      [acs, /trusted|identity|extended_key_usage/],
      [other.options.credentials, /another device/],
      [stranger.options.credentials, /which nobody knows/],
    ] as const;
    for (const [shown, why] of cases) {
      assert.ok(shown !== undefined);
      const seen = await impostor(t, cell, shown);
      const { state, cause, detail, remedy } = await settled(await asked(deviceId));
      assert.deepEqual([state, cause], ['refused', 'certificate']);
      assert.match(detail ?? '', why);
      assert.ok(remedy);
      assert.deepEqual(seen, []);
      await sleep(60);
    }
    const own = cell.options.credentials;
    assert.ok(own !== undefined);
    const seen = await impostor(t, cell, own);
    assert.equal((await settled(await asked(deviceId))).state, 'accepted');
    assert.deepEqual(seen, ['/']);
  });

  test('digest: hems makes the credentials, a task sets them, and they are nowhere in the open', async (t) => {
    const { deviceId, cell, server } = await listener(t, 'http', 'zenith');
    const secrets = createDeviceSecrets(stage.db, secretKey);
    const credentials = createConnectionCredentials({ db: stage.db, clock: systemClock, secrets, anchors: ['zenith'] });
    assert.equal(await credentials.provide(), 1);
    assert.equal(await credentials.provide(), 0);
    const dump = async (): Promise<string> => {
      const tables = ['tasks', 'connection_credentials', 'cwmp_sessions', 'changes'];
      const found = await Promise.all(
        tables.map((table) =>
          stage.db.query<{ text: string }>({
            text: `select t::text as text from ${table} t where device_id = $1`,
            values: [deviceId],
          }),
        ),
      );
      return JSON.stringify(found.map(({ rows }) => rows));
    };
    let during = '';
    await runSession(cell, {
      onRequest: async () => {
        during = await dump();
        return 'answer' as const;
      },
    });
    const password = cell.state.tree.get('Device.ManagementServer.ConnectionRequestPassword')?.value ?? '';
    assert.ok(password.length >= 32);
    assert.match(during, /SetParameterValues/);
    for (const text of [during, await dump(), stage.log.join('')]) assert.ok(!text.includes(password));
    const { state, form } = await settled(await asked(deviceId), answered);
    assert.deepEqual([state, form], ['accepted', 'digest']);
    assert.deepEqual(server.answers, [401, 200]);
    assert.ok(stage.log.some((line) => line.includes('a deviation from TS 33.320 8.3.4')));

    // A device that was reset has forgotten them, and is given others.
    cell.state.bootstrapped = false;
    await runSession(cell);
    assert.equal(await credentials.provide(), 1);
    await runSession(cell);
    const fresh = cell.state.tree.get('Device.ManagementServer.ConnectionRequestPassword')?.value;
    assert.notEqual(fresh, password);
    assert.equal((await settled(await asked(deviceId), answered)).state, 'accepted');
  });

  test('credentials for connection requests open no door of hems', async (t) => {
    const { cell } = await listener(t, 'http', 'zenith');
    const basic = `Basic ${Buffer.from('hems-1:secret').toString('base64')}`;
    const report = await runSession(cell, { authorization: basic });
    assert.deepEqual(report.statuses, [403]);
  });

  test('whoever waits for a task has the device asked, unless a session has it already', async (t) => {
    const { deviceId, cell, server } = await listener(t, 'http');
    const { tasks } = createTaskDesk({
      db: stage.db,
      clock: systemClock,
      config: toolSchema.parse({ connectionRequests }),
    });
    const queue = async (): Promise<string> => {
      const added = await tasks.add(deviceId, { kind: 'get-methods' }, by);
      assert.ok(added.ok);
      return added.task.id;
    };
    const taskId = await queue();
    const wished = await desk().ask(deviceId, by, { taskId });
    assert.ok(wished.ok);
    await settled(wished.request, answered);
    for (let look = 0; (await tasks.get(deviceId, taskId))?.state !== 'done' && look < 100; look += 1) await sleep(25);
    assert.equal((await tasks.get(deviceId, taskId))?.state, 'done');
    await sleep(60);
    const second = await queue();
    const needless = await desk().ask(deviceId, by, { taskId: second });
    assert.ok(needless.ok);
    await runSession(cell);
    assert.equal((await settled(needless.request)).state, 'needless');
    assert.deepEqual(server.answers, [200]);
  });
});
