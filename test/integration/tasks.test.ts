import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TaskRequest } from '../../src/fleet/task.ts';
import { createTasks } from '../../src/fleet/tasks.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { alarm, changeValue, uploadByItself } from '../../src/simulator/device-life.ts';
import { releaseTransfers } from '../../src/simulator/rpc-transfers.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { parseScript } from '../../src/simulator/script.ts';
import { playScript } from '../../src/simulator/script-run.ts';
import { until } from './evidence.ts';
import { openStage, type Stage, withStage } from './stage.ts';
import { by, taskStage } from './task-stage.ts';

const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';
const neighbours = 'Device.Services.FAPService.1.CellConfig.LTE.RAN.NeighborList.LTECell.';

let stage: Stage;
before(async () => {
  stage = await openStage({ config: { notifications: 'femtocell' } });
});
after(() => stage.stop());

describe('bootstrap', { timeout: 60_000 }, () => {
  test('a new device is asked to tell its alarms and states, and what its Inform said is kept', async () => {
    const { session, cell, value, deviceId } = await taskStage(stage);
    const notification = (name: string) => cell.state.tree.get(name)?.notification;
    assert.equal(notification('Device.FaultMgmt.ExpeditedEvent.1.AlarmIdentifier'), 2);
    assert.equal(notification('Device.FaultMgmt.QueuedEvent.1.AlarmIdentifier'), 1);
    assert.equal(notification('Device.Services.FAPService.1.FAPControl.LTE.OpState'), 2);
    assert.equal(await value('Device.DeviceInfo.SoftwareVersion'), '3.2.1');
    const idle = await session();
    assert.deepEqual([idle.complete, idle.answered], [true, []]);
    const { rows } = await stage.db.query({
      text: 'select 1 from cwmp_sessions where device_id = $1',
      values: [deviceId],
    });
    assert.equal(rows.length, 0, 'a session that is over is kept nowhere');
  });

  test('a device without FaultMgmt has nothing to tell of it: that is no failure', async () => {
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    for (const name of cell.state.tree.keys()) if (name.startsWith('Device.FaultMgmt.')) cell.state.tree.delete(name);
    const { tasks, deviceId } = await taskStage(stage, { role: device, cell });
    const ended = await tasks.list({ deviceId }, 10);
    const told = ended.map(({ state, result, request }) => [
      request.kind === 'write-attributes' && request.attributes[0]?.name,
      state,
      result,
    ]);
    const missing = (name: string) => [name, 'done', { notThere: [name], fault: 'Invalid parameter name' }];
    assert.deepEqual(told.slice(-2), [
      missing('Device.FaultMgmt.QueuedEvent.'),
      missing('Device.FaultMgmt.ExpeditedEvent.'),
    ]);
    assert.ok(ended.every(({ state }) => state === 'done'));
    const own = await tasks.add(
      deviceId,
      { kind: 'write-attributes', attributes: [{ name: 'Device.FaultMgmt.QueuedEvent.', notification: 1 }] },
      by,
    );
    assert.ok(own.ok);
    await runSession(cell);
    assert.equal((await tasks.get(deviceId, own.task.id))?.state, 'failed', 'who asks for it himself is told');
  });

  test('after a factory reset it is asked again', async () => {
    const { session, cell, add, state } = await taskStage(stage);
    const reset = await add({ kind: 'factory-reset' });
    assert.deepEqual((await session()).answered, ['FactoryReset']);
    assert.equal(await state(reset.id), 'in-progress');
    assert.equal(cell.state.tree.get('Device.FaultMgmt.ExpeditedEvent.1.EventTime')?.notification, 0);
    const bootstrap = await session();
    assert.equal(await state(reset.id), 'done');
    assert.deepEqual([...new Set(bootstrap.answered)], ['SetParameterAttributes']);
    assert.equal(cell.state.tree.get('Device.FaultMgmt.ExpeditedEvent.1.EventTime')?.notification, 2);
  });
});

describe('reading and writing', { timeout: 60_000 }, () => {
  test('a value is read, and a later session finds it', async () => {
    const { session, add, task, value } = await taskStage(stage);
    const { id } = await add({ kind: 'read-values', paths: [tac, 'Device.DeviceInfo.'] });
    const report = await session();
    assert.deepEqual([report.complete, report.answered], [true, ['GetParameterValues']]);
    const done = await task(id);
    assert.deepEqual([done.state, done.result], ['done', { read: 12 }]);
    assert.equal(await value(tac), '1');
  });

  test('a value is written by the type that the device has shown for it', async () => {
    const { session, add, task, value, cell } = await taskStage(stage);
    const { id } = await add({ kind: 'write-values', values: [{ name: tac, value: '77' }] });
    const report = await session();
    // Its type is not known yet; a device that is strict would refuse a string.
    assert.deepEqual(report.answered, ['GetParameterValues', 'SetParameterValues']);
    assert.equal((await task(id)).state, 'done', JSON.stringify((await task(id)).fault));
    assert.equal(cell.state.tree.get(tac)?.value, '77');
    assert.equal(await value(tac), '77');
    const again = await add({ kind: 'write-values', values: [{ name: tac, value: '78' }], parameterKey: 'gen 2' });
    assert.deepEqual((await session()).answered, ['SetParameterValues']);
    assert.equal((await task(again.id)).state, 'done');
    assert.equal(cell.state.tree.get('Device.ManagementServer.ParameterKey')?.value, 'gen 2');
  });

  test('what the device refuses is told parameter by parameter, and nothing of it is written', async () => {
    const { session, add, task, cell } = await taskStage(stage);
    const { id } = await add({
      kind: 'write-values',
      values: [
        { name: tac, value: '9', type: 'unsignedInt' },
        { name: 'Device.DeviceInfo.SerialNumber', value: 'x', type: 'string' },
      ],
    });
    await session();
    const { state, fault } = await task(id);
    assert.deepEqual([state, fault?.cause, fault?.code], ['failed', 'fault', 9003]);
    assert.deepEqual(
      fault?.parameters?.map(({ name, code }) => [name, code]),
      [['Device.DeviceInfo.SerialNumber', 9008]],
    );
    assert.equal(cell.state.tree.get(tac)?.value, '1');
  });

  test('a whole tree is read in steps, names first', async () => {
    const { session, add, task, value, cell } = await taskStage(stage);
    cell.state.faults.push({ method: 'GetParameterNames', code: 9004 }, { method: 'GetParameterValues', code: 9004 });
    const { id } = await add({ kind: 'read-tree', path: 'Device.' });
    const { answered } = await session();
    const done = await task(id);
    assert.equal(done.state, 'done', JSON.stringify(done.fault));
    assert.equal(done.result?.read, cell.state.tree.size);
    assert.ok(answered.length > 5, 'too much at once was asked for again in parts');
    assert.equal(await value('Device.FAP.GPS.LockedLatitude'), '52520008');
  });

  test('an object is added and deleted', async () => {
    const { session, add, task, cell } = await taskStage(stage);
    const added = await add({ kind: 'add-object', object: neighbours });
    await session();
    const { state, result } = await task(added.id);
    assert.deepEqual([state, result], ['done', { instanceNumber: 1, object: `${neighbours}1.`, status: 0 }]);
    const deleted = await add({ kind: 'delete-object', object: `${neighbours}1.` });
    await session();
    assert.equal((await task(deleted.id)).state, 'done');
    assert.equal(
      [...cell.state.tree.keys()].some((name) => name.startsWith(neighbours)),
      false,
    );
  });
});

describe('value change', { timeout: 60_000 }, () => {
  test('updates the parameters and is told as an event; an alarm comes whole', async () => {
    const { session, cell, value, deviceId } = await taskStage(stage);
    const opState = 'Device.Services.FAPService.1.FAPControl.LTE.OpState';
    assert.equal(changeValue(cell, opState, '1'), true, 'the device wants to tell it at once');
    await session();
    assert.equal(await value(opState), '1');
    const told = await until(
      () => stage.events.find((event) => event.kind === 'parameters' && event.deviceId === deviceId),
      (event) => event !== undefined,
      'an event of the change',
    );
    assert.ok(told?.kind === 'parameters');
    assert.deepEqual([told.origin, told.changes], ['inform', [{ name: opState, before: '0', after: '1' }]]);
    const fire = {
      identifier: '17',
      managedObjectInstance: 'DC=hems.example',
      eventType: 'Equipment Alarm',
      probableCause: 'Fire',
      severity: 'Critical',
      text: 'it burns',
    } as const;
    alarm(cell, fire, 'NewAlarm');
    await session();
    assert.equal(await value('Device.FaultMgmt.ExpeditedEvent.1.AdditionalText'), 'it burns');
  });
});

describe('what happens later', { timeout: 60_000 }, () => {
  test('a reboot is done when the device says so', async () => {
    const { session, add, task, cell } = await taskStage(stage);
    const { id } = await add({ kind: 'reboot' });
    const behind = await add({ kind: 'read-values', paths: [tac] });
    assert.deepEqual((await session()).answered, ['Reboot'], 'nothing is sent behind a reboot');
    assert.equal((await task(id)).state, 'in-progress');
    assert.deepEqual((await session()).answered, ['GetParameterValues']);
    assert.deepEqual([(await task(id)).state, (await task(id)).result], ['done', { settledBy: 'M Reboot' }]);
    assert.equal((await task(behind.id)).state, 'done');
    assert.equal(cell.state.deeds.filter((deed) => deed.startsWith('Reboot')).length, 1);
  });

  test('transfers are done by TransferComplete, or tried again where their fault may pass', async () => {
    const { session, add, task, pass } = await taskStage(stage);
    const file = { fileType: '3 Vendor Configuration File', url: 'https://files.hems.example/c' } as const;
    const good = await add({ kind: 'download', ...file });
    const bad = await add({ kind: 'upload', ...file, fileType: '2 Vendor Log File', url: `${file.url}?fault=9010` });
    const corrupt = await add({ kind: 'download', ...file, url: `${file.url}?fault=9018` });
    await session();
    await session();
    assert.equal((await task(good.id)).state, 'done');
    assert.deepEqual([(await task(bad.id)).state, (await task(bad.id)).fault?.code], ['queued', 9010]);
    assert.deepEqual([(await task(corrupt.id)).state, (await task(corrupt.id)).fault?.code], ['failed', 9018]);
    assert.deepEqual((await session()).answered, [], 'not before its time');
    await pass(bad.id, 3600);
    assert.deepEqual((await session()).answered, ['Upload']);
  });

  test('scheduled downloads, modules, schedules and cancellations', async () => {
    const { session, add, state, cell } = await taskStage(stage, {});
    const windows = [{ windowStart: 0, windowEnd: 60, windowMode: '1 At Any Time', userMessage: '', maxRetries: 0 }];
    const image = { fileType: '1 Firmware Upgrade Image', url: 'https://files.hems.example/i' } as const;
    Object.assign(cell.options, { cwmp: '1.4' });
    const staged = await add({ kind: 'schedule-download', ...image, windows });
    const modules = await add({ kind: 'change-du-state', operations: [{ operation: 'Install', url: image.url }] });
    const inform = await add({ kind: 'schedule-inform', delaySeconds: 1 });
    const queue = await add({ kind: 'queued-transfers' });
    const methods = await add({ kind: 'get-methods' });
    await session();
    assert.deepEqual(await Promise.all([staged, modules, inform, queue, methods].map(({ id }) => state(id))), [
      'in-progress',
      'in-progress',
      'done',
      'done',
      'done',
    ]);
    releaseTransfers(cell.state, new Date());
    await session();
    assert.equal(await state(staged.id), 'done');
    assert.equal(await state(modules.id), 'done');
  });

  test('what the device did by itself is answered and kept', async () => {
    const { session, cell, deviceId } = await taskStage(stage);
    uploadByItself(cell, 'https://files.hems.example/pm', new Date());
    assert.equal((await session()).faultCode, undefined);
    assert.equal(cell.state.ownRequests.length, 0);
    const { rows } = await stage.db.query<{ kind: string }>({
      text: 'select kind from device_notices where device_id = $1',
      values: [deviceId],
    });
    assert.deepEqual(rows, [{ kind: 'AutonomousTransferComplete' }]);
    const told = () => stage.events.filter((event) => event.kind === 'notice' && event.deviceId === deviceId);
    assert.equal((await until(told, (events) => events.length > 0, 'an event of it')).length, 1);
  });

  test('a request that the device’s CWMP does not know is not sent', async () => {
    const { session, add, task } = await taskStage(stage);
    const { id } = await add({ kind: 'cancel-transfer', commandKey: 'k' });
    assert.deepEqual((await session()).answered, []);
    assert.deepEqual([(await task(id)).state, (await task(id)).fault?.cause], ['failed', 'not-sent']);
  });
});

describe('periodic', { timeout: 60_000 }, () => {
  test('an idle session asks the database twice at most, however much is stored, and counts are kept of the others', async () => {
    const { session, add } = await taskStage(stage);
    await add({ kind: 'read-tree', path: 'Device.' });
    await session();
    await session();
    const queries = async (): Promise<number> =>
      Number(/^hems_platform_query_seconds_count (\d+)/m.exec(await stage.metrics.metrics())?.[1]);
    const before = await queries();
    for (let n = 0; n < 10; n += 1) assert.deepEqual((await session()).answered, []);
    const each = ((await queries()) - before) / 10;
    // What the server does by itself meanwhile is counted too.
    assert.ok(each < 2.9, `${each} round trips`);
    const text = await stage.metrics.metrics();
    assert.match(text, /hems_fleet_task_outcomes_total\{kind="read-tree",outcome="done"\} [1-9]/);
  });
});

describe('order', { timeout: 60_000 }, () => {
  test('by priority, then by age; nothing before its time, after its end, or before what it depends on', async () => {
    const { session, add, state, tasks, deviceId } = await taskStage(stage);
    const first = await add({ kind: 'read-values', paths: [tac] });
    const urgent = await add({ kind: 'get-methods' }, { priority: 10 });
    const late = await add({ kind: 'reboot' }, { notBefore: new Date(Date.now() + 3_600_000) });
    const over = await add({ kind: 'reboot' }, { expiresAt: new Date(Date.now() - 1) });
    const doomed = await add({ kind: 'read-values', paths: ['Device.Nothing'] });
    const behindDoomed = await add({ kind: 'reboot' }, { dependsOn: doomed.id });
    const behindIt = await add({ kind: 'reboot' }, { dependsOn: behindDoomed.id });
    const behindFirst = await add({ kind: 'read-names', path: 'Device.', nextLevel: true }, { dependsOn: first.id });
    const { answered } = await session();
    assert.deepEqual(answered, ['GetRPCMethods', 'GetParameterValues', 'GetParameterValues', 'GetParameterNames']);
    assert.deepEqual(
      await Promise.all(
        [urgent, first, late, over, doomed, behindDoomed, behindIt, behindFirst].map(({ id }) => state(id)),
      ),
      ['done', 'done', 'queued', 'queued', 'failed', 'failed', 'failed', 'done'],
    );
    const cancelled = await tasks.cancel(deviceId, late.id, { actor: { kind: 'cli', name: 'x' } });
    assert.equal(cancelled.ok, true);
  });

  test('the same key is the same task', async () => {
    const { tasks, deviceId } = await taskStage(stage);
    const actor = { actor: { kind: 'cli', name: 'x' } } as const;
    const one = await tasks.add(deviceId, { kind: 'reboot' }, actor, { idempotencyKey: 'k' });
    const two = await tasks.add(deviceId, { kind: 'reboot' }, actor, { idempotencyKey: 'k' });
    assert.ok(one.ok && two.ok);
    assert.deepEqual([one.created, two.created, two.task.id], [true, false, one.task.id]);
    const other = await tasks.add(deviceId, { kind: 'factory-reset' }, actor, { idempotencyKey: 'k' });
    assert.ok(!other.ok && other.problem.kind === 'key_taken');
  });

  test('a task that is queued while the session is open is carried out in it', async () => {
    const { session, add, state } = await taskStage(stage);
    let id = '';
    const report = await session({
      whileOpen: async () => {
        ({ id } = await add({ kind: 'get-methods' }));
        await until(
          () => stage.db.query({ text: `select pg_sleep(0.1)` }),
          () => true,
          'the notification',
        );
      },
    });
    assert.deepEqual(report.answered, ['GetRPCMethods']);
    assert.equal(await state(id), 'done');
  });
});

describe('a model that cannot bear the schema', { timeout: 60_000 }, () => {
  test('is asked for less at once, level by level, without types, and hears 200 in the end', async (t) => {
    const models = [
      { match: { oui: 'ffffff' } },
      {
        match: { productClass: 'FAP' },
        valuesPerRequest: 10,
        namesLevelByLevel: true,
        typedValues: false,
        emptyAnswer: 200 as const,
      },
    ];
    const own = await withStage(t, { config: { models } });
    const cell = await dress(own.context, await own.known());
    const report = await runSession(cell);
    assert.deepEqual([report.complete, report.violations], [true, ['ends with an empty 200']]);
    const tasks = createTasks({ db: own.db, clock: systemClock, policy: { connectionRequest: 'off' } });
    const { rows } = await own.db.query<{ id: string }>({ text: 'select id from devices' });
    const wishes: TaskRequest[] = [
      { kind: 'read-tree', path: 'Device.FAP.' },
      { kind: 'write-values', values: [{ name: tac, value: '5' }] },
    ];
    for (const wish of wishes) assert.ok((await tasks.add(rows[0]?.id ?? '', wish, by)).ok);
    const { answered } = await runSession(cell);
    assert.deepEqual(answered.slice(0, 3), ['GetParameterNames', 'GetParameterNames', 'GetParameterNames']);
    assert.deepEqual(answered.slice(-2), ['GetParameterValues', 'SetParameterValues']);
    assert.equal(cell.state.tree.get(tac)?.value, '5');
  });
});

describe('a script', { timeout: 60_000 }, () => {
  test('a femtocell lives through it, and hems knows what happened', async () => {
    const { cell, value, add, task } = await taskStage(stage);
    const { id } = await add({ kind: 'get-methods' });
    const parsed = parseScript(`
steps:
  - alarm: { identifier: "17", text: it burns }
  - powerCycle: true
    hangUp: { at: GetRPCMethods }
  - call: true
`);
    assert.ok(parsed.ok);
    const seen: boolean[] = [];
    await playScript(cell, parsed.script, { onSession: ({ complete }) => seen.push(complete) });
    assert.deepEqual(seen, [true, true, true]);
    assert.equal(await value('Device.FaultMgmt.ExpeditedEvent.1.AdditionalText'), 'it burns');
    assert.equal((await task(id)).state, 'done');
  });
});
