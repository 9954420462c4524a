import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { enrolInto } from '../../src/cli/enrolment.ts';
import type { PartialConfig } from '../../src/config/load.ts';
import { createDeviceSecrets } from '../../src/fleet/device-secrets.ts';
import type { TaskRequest } from '../../src/fleet/task.ts';
import { createTasks } from '../../src/fleet/tasks.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { createCast, role } from '../../src/simulator/scenarios/cast.ts';
import type { RequestCourse } from '../../src/simulator/session-report.ts';
import { envelopeXml } from '../../src/simulator/soap-writer.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';
import { development, type Running, serve, testFolder } from './command.ts';
import { assertReply, informOf, openConversation } from './conversation.ts';
import { openDatabaseProxy } from './database-proxy.ts';
import { openStage, type Stage, withStage } from './stage.ts';
import { by, type TaskStage, taskStage } from './task-stage.ts';

const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';
const neighbours = 'Device.Services.FAPService.1.CellConfig.LTE.RAN.NeighborList.LTECell.';
const file = { fileType: '3 Vendor Configuration File', url: 'https://files.hems.example/c' } as const;

const write: TaskRequest = { kind: 'write-values', values: [{ name: tac, value: '77', type: 'unsignedInt' }] };

/** Calls that must not be repeated, of those that the device has carried out. */
const deeds = ({ cell }: TaskStage, what: string): number =>
  cell.state.deeds.filter((deed) => deed.startsWith(what)).length;

/** The first request of this method goes this way, all others are answered. */
function once(method: string, course: RequestCourse): (method: string) => RequestCourse {
  let done = false;
  return (asked) => {
    if (asked !== method || done) return 'answer';
    done = true;
    return course;
  };
}

describe('an answer that is lost', { timeout: 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.stop());

  for (const course of ['hang-up', 'do-and-hang-up'] as const) {
    const did = course === 'hang-up' ? 'not carried out' : 'carried out';

    test(`to what may be repeated (${did}): it is repeated`, async () => {
      const on = await taskStage(stage);
      const { id } = await on.add(write);
      await on.session({ onRequest: once('SetParameterValues', course) });
      assert.equal(await on.state(id), 'sent');
      assert.deepEqual((await on.session()).answered, ['SetParameterValues']);
      assert.equal(await on.state(id), 'done');
      assert.equal(on.cell.state.tree.get(tac)?.value, '77');
    });

    test(`to AddObject (${did}): the instances tell, and there is one`, async () => {
      const on = await taskStage(stage);
      const { id } = await on.add({ kind: 'add-object', object: neighbours });
      await on.session({ onRequest: once('AddObject', course) });
      assert.equal(await on.state(id), 'sent');
      const { answered } = await on.session();
      assert.equal(answered[0], 'GetParameterNames', 'it is looked at before anything is sent');
      const { state, result } = await on.task(id);
      assert.deepEqual([state, result?.object], ['done', `${neighbours}1.`]);
      assert.equal(deeds(on, 'AddObject'), 1);
    });

    test(`to Reboot (${did}): the device tells, or its UpTime does; nobody asks twice`, async () => {
      const on = await taskStage(stage);
      const { id } = await on.add({ kind: 'reboot' });
      await on.session({ onRequest: once('Reboot', course) });
      assert.equal(await on.state(id), 'sent');
      const { answered } = await on.session();
      if (course === 'do-and-hang-up') {
        assert.deepEqual([await on.state(id), answered], ['done', []]);
        return;
      }
      assert.deepEqual([await on.state(id), answered], ['unknown-outcome', ['GetParameterValues']]);
      // It has been running for longer than that when it comes next.
      await on.pass(id, 400);
      on.cell.state.bootedAt = new Date(Date.now() - 1000_000);
      await on.session();
      const { state, fault } = await on.task(id);
      assert.deepEqual([state, fault?.cause], ['failed', 'not-carried-out']);
      assert.equal(deeds(on, 'Reboot'), 0);
    });

    test(`to Download (${did}): TransferComplete tells, or nobody does`, async () => {
      const on = await taskStage(stage);
      const { id } = await on.add({ kind: 'download', ...file });
      await on.session({ onRequest: once('Download', course) });
      const next = await on.session();
      const expected = course === 'hang-up' ? ['unknown-outcome', ['GetAllQueuedTransfers']] : ['done', []];
      assert.deepEqual([await on.state(id), next.answered], expected);
      for (let n = 0; n < 4; n += 1) await on.session();
      assert.equal(await on.state(id), expected[0], 'and it stays so');
      assert.equal(deeds(on, 'Download'), course === 'hang-up' ? 0 : 1);
    });

    test(`to FactoryReset (${did}): only a bootstrap is one`, async () => {
      const on = await taskStage(stage);
      const { id } = await on.add({ kind: 'factory-reset' });
      await on.session({ onRequest: once('FactoryReset', course) });
      await on.session();
      assert.equal(await on.state(id), course === 'hang-up' ? 'unknown-outcome' : 'done');
      if (course === 'do-and-hang-up') return;
      await on.pass(id, 400);
      await on.session();
      assert.deepEqual([await on.state(id), deeds(on, 'FactoryReset')], ['failed', 0]);
    });
  }

  test('of a scheduled download: the queue of the device tells that it is under way', async () => {
    const on = await taskStage(stage);
    Object.assign(on.cell.options, { cwmp: '1.4' });
    const windows = [{ windowStart: 0, windowEnd: 60, windowMode: '1 At Any Time', userMessage: '', maxRetries: 0 }];
    const { id } = await on.add({ kind: 'schedule-download', ...file, windows });
    await on.session({ onRequest: once('ScheduleDownload', 'do-and-hang-up') });
    await on.session();
    assert.equal(await on.state(id), 'in-progress');
    assert.equal(deeds(on, 'ScheduleDownload'), 1);
  });

  test('again and again ends the patience, and the queue behind it goes on', async () => {
    const on = await taskStage(stage);
    const { id } = await on.add({ kind: 'read-values', paths: ['Device.'] });
    for (let n = 0; n < 4; n += 1) await on.session({ onRequest: () => 'hang-up' });
    await on.session();
    const { state, fault } = await on.task(id);
    assert.deepEqual([state, fault?.cause], ['failed', 'unanswered']);
  });

  test('a session that is cut keeps what it has completed', async () => {
    const on = await taskStage(stage);
    const read = await on.add({ kind: 'read-values', paths: [tac] });
    const added = await on.add({ kind: 'add-object', object: neighbours });
    const reboot = await on.add({ kind: 'reboot' });
    await on.session({ onRequest: once('Reboot', 'hang-up') });
    assert.deepEqual(await Promise.all([read, added, reboot].map(({ id }) => on.state(id))), ['done', 'done', 'sent']);
    assert.equal(await on.value(tac), '1');
  });
});

describe('the database goes away while the device carries it out', { timeout: 60_000 }, () => {
  for (const [method, request] of [
    ['AddObject', { kind: 'add-object', object: neighbours }],
    ['Download', { kind: 'download', ...file }],
    ['SetParameterValues', write],
  ] as const)
    test(`${method}: its answer is not taken, and it is done once`, async (t) => {
      const proxy = await openDatabaseProxy();
      cleanup(t, () => proxy.close());
      const stage = await withStage(t, { databaseUrl: proxy.through });
      const on = await taskStage(stage);
      const { id } = await on.add(request);
      const report = await on.session({
        onRequest: async (asked): Promise<RequestCourse> => {
          if (asked === method) await proxy.cut();
          return 'answer';
        },
      });
      assert.equal(report.httpStatus, 503);
      await proxy.mend();
      assert.equal(await on.state(id), 'sent');
      await on.session();
      assert.equal(await on.state(id), 'done', JSON.stringify(await on.task(id)));
      if (method !== 'SetParameterValues') assert.equal(deeds(on, method), 1);
    });
});

describe('two nodes', { timeout: 60_000 }, () => {
  async function twoNodes(t: TestContext, config: PartialConfig = {}) {
    const database = await withDatabase(t);
    const one = await withStage(t, { database, config });
    const other = await withStage(t, { database, config });
    return { one, other };
  }

  test('a device that is asked at one node answers at the other, and the session goes on there', async (t) => {
    const { one, other } = await twoNodes(t);
    const on = await taskStage(one);
    const read = await on.add({ kind: 'read-values', paths: [tac] });
    const added = await on.add({ kind: 'add-object', object: neighbours });
    const last = await on.add({ kind: 'get-methods' });
    const elsewhere = other.context.doors.main;
    const back = one.context.doors.main;
    const course = (method: string): RequestCourse =>
      method === 'GetParameterValues'
        ? { reconnectTo: elsewhere }
        : method === 'AddObject'
          ? { reconnectTo: back }
          : 'answer';
    const report = await on.session({ onRequest: course });
    assert.equal(report.complete, true, JSON.stringify(report));
    assert.deepEqual(report.answered, ['GetParameterValues', 'GetParameterNames', 'AddObject', 'GetRPCMethods']);
    assert.deepEqual(await Promise.all([read, added, last].map(({ id }) => on.state(id))), ['done', 'done', 'done']);
    assert.equal(deeds(on, 'AddObject'), 1);
    const { rows } = await one.db.query({ text: 'select 1 from cwmp_sessions' });
    assert.equal(rows.length, 0);
  });

  test('a long answer is taken at the other node too, and nothing long that nobody asked for', async (t) => {
    const { one, other } = await twoNodes(t);
    const on = await taskStage(one);
    const big = { type: 'string', value: 'x'.repeat(50_000), writable: false, forced: false } as const;
    for (let n = 0; n < 40; n += 1)
      on.cell.state.tree.set(`Device.X_BIG.P${n}`, { ...big, notification: 0, accessList: [] });
    const read = await on.add({ kind: 'read-values', paths: ['Device.X_BIG.'] });
    const elsewhere = { reconnectTo: other.context.doors.main };
    const report = await on.session({ onRequest: () => elsewhere });
    assert.deepEqual([report.complete, await on.state(read.id)], [true, 'done'], JSON.stringify(report));
    const unasked = await on.session({
      firstMessage: ' '.repeat(1_500_000),
      chunked: true,
      cookie: `hems=${'c'.repeat(32)}`,
    });
    assert.deepEqual(unasked.statuses, [413]);
  });

  test('a secret that was lost on its way is said again at the other node, and nothing in its place', async (t) => {
    const secretKey = randomBytes(32).toString('base64');
    const { one, other } = await twoNodes(t, { secretKey });
    const on = await taskStage(one);
    await on.add({ kind: 'get-methods' });
    const name = 'Device.IPsec.Profile.1.PreSharedKey';
    const policy = { connectionRequest: 'off' } as const;
    const secrets = createDeviceSecrets(one.db, secretKey);
    const desk = createTasks({ db: one.db, clock: systemClock, policy, secrets });
    const values = [{ name, value: 'correct horse', type: 'string' }];
    const wish = await desk.add(on.deviceId, { kind: 'write-values', values }, by);
    assert.ok(wish.ok);
    const methods =
      '<cwmp:GetRPCMethodsResponse><MethodList><string>Reboot</string></MethodList></cwmp:GetRPCMethodsResponse>';
    const answer = envelopeXml({ version: '1.2', body: methods, id: 'acs-1' });
    const first = await openConversation(one, on.cell);
    const informed = assertReply(await first.inform(), 200, /InformResponse/);
    const cookie = informed.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    assertReply(await first.post(''), 200, /<cwmp:GetRPCMethods\/>/);
    assertReply(await first.post(answer), 200, /correct horse/);
    first.hangUp();
    // The device never got that: it says its last answer again, where the balancer leads it.
    const second = await openConversation(other, on.cell);
    const said = assertReply(await second.post(answer, [['Cookie', cookie]]), 200, /SetParameterValues/);
    assert.match(said.body.toString(), /correct horse/);
    const id = />(acs-\d+)</.exec(said.body.toString())?.[1] ?? '';
    const done = '<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>';
    assertReply(await second.post(envelopeXml({ version: '1.2', body: done, id })), 204);
    assert.equal(await on.state(wish.task.id), 'done');
    second.hangUp();
  });

  test('a session is found by its cookie and its certificate, and by nothing less', async (t) => {
    const { one, other } = await twoNodes(t);
    const on = await taskStage(one);
    const thief = await taskStage(one);
    const first = await openConversation(one, on.cell);
    const informed = assertReply(await first.inform(), 200, /InformResponse/);
    const cookie = informed.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    first.hangUp();
    const stranger = await openConversation(other, thief.cell);
    const methods = envelopeXml({ version: '1.2', body: '<cwmp:GetRPCMethods/>', id: '5' });
    // Of no session of its own: the first message has to be an Inform.
    assertReply(await stranger.post(methods, [['Cookie', cookie]]), 200, /<FaultCode>8001</);
    stranger.hangUp();
    await on.add({ kind: 'get-methods' });
    const second = await openConversation(other, on.cell);
    assertReply(await second.post(methods, [['Cookie', cookie]]), 200, /GetRPCMethodsResponse/);
    assertReply(await second.post('', [['Cookie', cookie]]), 200, /<cwmp:GetRPCMethods\/>/);
    second.hangUp();
    // A cookie that a device keeps for ever is no session.
    const third = await openConversation(one, on.cell);
    assertReply(await third.post(informOf(on.cell), [['Cookie', cookie]]), 200, /InformResponse/);
    assertReply(await third.post(''), 200, /GetRPCMethods/);
    third.hangUp();
  });
});

describe('kill -9 of the server', { timeout: 180_000 }, () => {
  test('at every step leaves the truth, and the next session carries on from it', async (t) => {
    const { url, db } = await withDatabase(t);
    const dataDir = join(testFolder(t), 'data');
    const env = { ...development(dataDir), DATABASE_URL: url, HEMS_LOG_LEVEL: 'warn' };
    let server: (Running & { ready: { cwmp: string } }) | undefined;
    const start = async (): Promise<string> => {
      server = await serve(['--dev'], { env });
      cleanup(t, () => void server?.child.kill('SIGKILL'));
      return server.ready.cwmp;
    };
    const kill = async (): Promise<void> => {
      server?.child.kill('SIGKILL');
      await server?.ended;
    };
    let door = await start();
    const pki = await createDevelopmentPki(join(dataDir, 'pki'), new Date());
    assert.ok(readFileSync(join(dataDir, 'pki/acme-root.crt')).length > 0);
    const device = role(createCast(process.pid), 'acme');
    const context = { pki, doors: { main: door, second: door }, at: new Date() };
    await enrolInto(db, [{ identities: [device] }]);
    const { rows } = await db.query<{ device_id: string }>({ text: 'select device_id from device_identities' });
    const stage = {
      db,
      context,
      known: async () => device,
      deviceId: async () => rows[0]?.device_id ?? '',
    } as unknown as Stage;
    const on = await taskStage(stage, { role: device });
    const steps: [TaskRequest, string, 'hang-up' | 'do-and-hang-up', string][] = [
      [write, 'SetParameterValues', 'do-and-hang-up', 'done'],
      [{ kind: 'add-object', object: neighbours }, 'AddObject', 'do-and-hang-up', 'done'],
      [{ kind: 'download', ...file }, 'Download', 'hang-up', 'unknown-outcome'],
      [{ kind: 'reboot' }, 'Reboot', 'do-and-hang-up', 'done'],
    ];
    for (const [request, method, course, outcome] of steps) {
      const { id } = await on.add(request);
      await on.session({
        onRequest: async (asked) => {
          if (asked !== method) return 'answer';
          await kill();
          return course;
        },
      });
      assert.equal(await on.state(id), 'sent', `${method}: what is known is that it was sent`);
      door = await start();
      Object.assign(on.cell.options, { url: door });
      const report = await on.session();
      assert.equal(report.complete, true);
      assert.equal(await on.state(id), outcome, method);
      assert.ok(deeds(on, method) <= 1);
      await sleep(10);
    }
    await kill();
  });
});
