import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createParameterStore } from '../../src/fleet/parameters.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { createSessionArchive, cookieDigest } from '../../src/fleet/session-archive.ts';
import { createTaskDispatcher, type TaskSession } from '../../src/fleet/task-dispatch.ts';
import { noQuirks } from '../../src/fleet/model-quirks.ts';
import { upkeep } from '../../src/fleet/task-upkeep.ts';
import { createTasks, type TaskOptions } from '../../src/fleet/tasks.ts';
import type { TaskRequest } from '../../src/fleet/task.ts';
import { manualClock } from '../../src/platform/clock.ts';
import type { Query } from '../../src/platform/postgres.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' } } as const;
const read: TaskRequest = { kind: 'read-values', paths: ['Device.'] };
const fingerprint = 'ab'.repeat(32);
const minute = 60_000;

let database: TestDatabase;
let serial = 0;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

async function ground() {
  const { db } = database;
  const clock = manualClock(new Date('2026-05-04T10:00:00Z'));
  const register = createRegister({ db, clock });
  serial += 1;
  const value = `00a0bd${serial.toString(16).padStart(6, '0')}.hnb.acme.example`;
  const added = await register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BD' } }, by);
  assert.ok(added.ok);
  const { deviceId } = added;
  const tasks = createTasks({ db, clock, policy: { connectionRequest: 'off' } });
  const dispatcher = createTaskDispatcher({ db, clock, parameters: createParameterStore(db) });
  const archive = createSessionArchive({ db, clock });
  const session = (id: string): TaskSession => ({ id, deviceId, version: '1.1', quirks: noQuirks });
  const kept = (cookie: string) => ({
    cookie: cookieDigest(cookie),
    fingerprint,
    session: { of: cookie },
    expiresAt: new Date(clock.now().getTime() + minute),
  });
  const add = async (request: TaskRequest, options?: TaskOptions) => {
    const result = await tasks.add(deviceId, request, by, options);
    assert.ok(result.ok, JSON.stringify(result));
    return result.task;
  };
  const state = async (id: string) => (await tasks.get(deviceId, id))?.state;
  return { db, clock, register, deviceId, tasks, dispatcher, archive, session, kept, add, state };
}

describe('the queue', { timeout: 60_000 }, () => {
  test('is closed to devices that are not there or retired, to ill wishes, and beyond a thousand', async () => {
    const { tasks, deviceId, register, db } = await ground();
    const kind = async (id: string, request: TaskRequest, options?: TaskOptions) => {
      const result = await tasks.add(id, request, by, options);
      return result.ok ? 'ok' : result.problem.kind;
    };
    const nobody = '019ac1de-7000-7123-8abc-ffffffffffff';
    assert.equal(await kind(nobody, read), 'device_missing');
    assert.equal(await kind(deviceId, { kind: 'read-values', paths: [] }), 'invalid');
    assert.equal(await kind(deviceId, read, { dependsOn: nobody }), 'dependency_missing');
    assert.equal(await kind(deviceId, read, { dependsOn: 'x' }), 'dependency_missing');
    await db.query({
      text: `insert into tasks (device_id, id, kind, request, state, not_before, origin_kind, origin, created_at)
             select $1, gen_random_uuid(), 'reboot', '{"kind":"reboot"}', 'queued', now(), 'cli', 'x', now()
               from generate_series(1, 1000)`,
      values: [deviceId],
    });
    assert.equal(await kind(deviceId, read), 'too_many');
    await register.retire(deviceId, by);
    assert.equal(await kind(deviceId, read), 'device_retired');
  });

  test('gives a task to one session; what is cancelled in between is not sent', async () => {
    const { dispatcher, session, kept, add, tasks, deviceId, state } = await ground();
    const { id } = await add(read);
    const one = await dispatcher.next(session('one'));
    const two = await dispatcher.next(session('two'));
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(await dispatcher.sending(session('one'), one, kept('one')), true);
    assert.equal(await dispatcher.sending(session('two'), two, kept('two')), false);
    assert.equal(await dispatcher.next(session('two')), undefined);
    const refused = await tasks.cancel(deviceId, id, by);
    assert.ok(!refused.ok && refused.problem.kind === 'not_cancellable');
    const other = await add(read);
    const offer = await dispatcher.next(session('one'));
    assert.ok(offer !== undefined);
    assert.ok((await tasks.cancel(deviceId, other.id, by)).ok);
    assert.equal(await dispatcher.sending(session('one'), offer, kept('one')), false);
    assert.deepEqual([await state(id), await state(other.id)], ['sent', 'cancelled']);
  });

  test('an answer that comes after another session has given it up counts all the same', async () => {
    const { dispatcher, session, kept, add, deviceId, tasks } = await ground();
    const { id } = await add({ kind: 'reboot' });
    const offer = await dispatcher.next(session('one'));
    assert.ok(offer !== undefined);
    await dispatcher.sending(session('one'), offer, kept('one'));
    const inform = { events: [{ eventCode: '2 PERIODIC', commandKey: '' }] };
    await dispatcher.informed(deviceId, inform as never);
    assert.equal((await tasks.get(deviceId, id))?.state, 'unknown-outcome');
    const response = { method: 'RebootResponse' } as const;
    const report = { taskId: id, offer, request: offer.request, answer: { kind: 'response', response } } as const;
    await dispatcher.answered(session('one'), report);
    assert.equal((await tasks.get(deviceId, id))?.state, 'in-progress');
  });

  test('what is personal in a wish is masked once it is over', async () => {
    const { tasks, deviceId, add } = await ground();
    const values = [{ name: 'Device.X.AccessControlList', value: '001010123456789' }];
    const { id } = await add({ kind: 'write-values', values });
    assert.equal(JSON.stringify((await tasks.get(deviceId, id))?.request).includes('001010123456789'), true);
    await tasks.cancel(deviceId, id, by);
    assert.equal(JSON.stringify((await tasks.get(deviceId, id))?.request).includes('001010123456789'), false);
  });

  test('time ends tasks and what depends on them, kept sessions, and old outcomes', async () => {
    const { db, clock, add, state, archive, kept, deviceId, tasks } = await ground();
    const short = await add(read, { expiresAt: new Date(clock.now().getTime() + minute) });
    const behind = await add(read, { dependsOn: short.id });
    const lasting = await add(read);
    await archive.keep(deviceId, kept('c'));
    clock.advance(2 * minute);
    await upkeep(db, clock.now());
    assert.deepEqual(
      [await state(short.id), await state(behind.id), await state(lasting.id)],
      ['expired', 'failed', 'queued'],
    );
    const { rows } = await db.query({ text: 'select 1 from cwmp_sessions where device_id = $1', values: [deviceId] });
    assert.equal(rows.length, 0);
    clock.advance(91 * 86_400_000);
    await upkeep(db, clock.now());
    assert.equal(await tasks.get(deviceId, short.id), undefined);
    assert.equal(await state(lasting.id), 'queued');
  });
});

describe('a device that is retired in the middle of its session', { timeout: 60_000 }, () => {
  test('leaves nothing of what it went on to say', async () => {
    const { db, clock, register, deviceId } = await ground();
    const other = await ground();
    const imsi = [{ name: 'Device.Services.FAPService.1.AccessMgmt.UMTS.AccessControlList', value: '001010123456789' }];
    const store = createParameterStore(db);
    assert.ok((await register.retire(deviceId, by)).ok);
    // The answer was on its way, and its connection is closed a moment later.
    for (const id of [deviceId, other.deviceId]) await store.values(id, imsi, clock.now());
    clock.advance(minute);
    await upkeep(db, clock.now());
    const kept = async (id: string) =>
      (await db.query({ text: 'select 1 from device_parameters where device_id = $1', values: [id] })).count;
    assert.deepEqual([await kept(deviceId), await kept(other.deviceId)], [0, 1]);
  });
});

describe('a campaign that ends for many at once', { timeout: 60_000 }, () => {
  test('expires bit by bit, with what depends on it, and old outcomes go so too', async () => {
    const { db, clock, add, state, deviceId } = await ground();
    const expiresAt = new Date(clock.now().getTime() + minute);
    const wished = [];
    for (let n = 0; n < 5; n += 1) wished.push(await add(read, { expiresAt }));
    const behind = await add({ kind: 'reboot' }, { dependsOn: wished[4]?.id ?? '' });
    clock.advance(2 * minute);
    const counts: number[] = [];
    const watched = {
      ...db,
      query: async <Row>(query: Query) => {
        const answer = await db.query<Row>(query);
        counts.push(answer.count);
        return answer;
      },
    };
    await upkeep(watched, clock.now(), 2);
    assert.ok(Math.max(...counts) <= 2, 'no statement takes more than it was told to');
    assert.deepEqual(await Promise.all(wished.map(({ id }) => state(id))), Array(5).fill('expired'));
    assert.equal(await state(behind.id), 'failed');
    clock.advance(91 * 86_400_000);
    await upkeep(watched, clock.now(), 2);
    assert.ok(Math.max(...counts) <= 2);
    const left = await db.query({ text: 'select 1 from tasks where device_id = $1', values: [deviceId] });
    assert.equal(left.count, 0);
  });
});

describe('words of a device that end in half a character where they are cut', { timeout: 60_000 }, () => {
  const halved = (most: number): string => `${'x'.repeat(most - 1)}\u{1f4e1} and more`;

  test('in a TransferComplete settle the task all the same', async () => {
    const { dispatcher, session, kept, add, state, deviceId, tasks } = await ground();
    const task = await add({ kind: 'upload', fileType: '2 Vendor Log File', url: 'https://files.example/u' });
    const offer = await dispatcher.next(session('one'));
    assert.ok(offer?.request.method === 'Upload' && (await dispatcher.sending(session('one'), offer, kept('c'))));
    const faultStruct = { faultCode: 9012, faultString: halved(1024) };
    const times = { startTime: '0001-01-01T00:00:00Z', completeTime: '0001-01-01T00:00:00Z' };
    const { commandKey } = offer.request;
    await dispatcher.transferCompleted(deviceId, { method: 'TransferComplete', commandKey, faultStruct, ...times });
    assert.equal(await state(task.id), 'failed');
    assert.match((await tasks.get(deviceId, task.id))?.fault?.message ?? '', /^x{1023}/);
  });

  test('in a fault are kept with the task', async () => {
    const { dispatcher, session, kept, add, state } = await ground();
    const task = await add(read);
    const offer = await dispatcher.next(session('one'));
    assert.ok(offer !== undefined && (await dispatcher.sending(session('one'), offer, kept('c'))));
    const parameterFault = { parameterName: halved(256), faultCode: 9005, faultString: halved(256) };
    const fault = { faultCode: 9003, faultString: halved(1024), setParameterValuesFaults: [parameterFault] };
    const { request } = offer;
    await dispatcher.answered(session('one'), { taskId: task.id, offer, request, answer: { kind: 'fault', fault } });
    assert.equal(await state(task.id), 'failed');
  });
});

describe('a kept session', { timeout: 60_000 }, () => {
  test('is taken once, by its device with its certificate and its cookie, in its time', async () => {
    const { archive, deviceId, kept, clock } = await ground();
    const other = await ground();
    await archive.keep(deviceId, kept('cookie'));
    assert.equal(await archive.take(deviceId, 'other', fingerprint), undefined);
    assert.equal(await archive.take(deviceId, 'cookie', 'cd'.repeat(32)), undefined);
    assert.equal(await archive.take(other.deviceId, 'cookie', fingerprint), undefined);
    assert.deepEqual(await archive.take(deviceId, 'cookie', fingerprint), { of: 'cookie' });
    assert.equal(await archive.take(deviceId, 'cookie', fingerprint), undefined);
    await archive.keep(deviceId, kept('cookie'));
    clock.advance(2 * minute);
    assert.equal(await archive.take(deviceId, 'cookie', fingerprint), undefined);
  });
});
