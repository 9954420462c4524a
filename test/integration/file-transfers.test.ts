import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { powerCycle, uploadByItself } from '../../src/simulator/device-life.ts';
import { releaseTransfers } from '../../src/simulator/rpc-transfers.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import type { TransferPlan } from '../../src/simulator/transfer-plan.ts';
import { transferPlanSchema } from '../../src/simulator/transfer-plan.ts';
import { ask, eventually, type FileDesk, fileDesk, image } from './file-stage.ts';
import { openStage, ownFolder, type Stage } from './stage.ts';
import { by, type TaskStage, taskStage } from './task-stage.ts';

type Plan = Partial<TransferPlan>;

describe('transfers of a device', { timeout: 240_000 }, () => {
  let stage: Stage;
  let desk: FileDesk;
  before(async () => {
    const slots = [{ name: 'pm', keep: 2 }];
    stage = await openStage({ config: { files: { cacheDirectory: ownFolder(), slots } } });
    desk = fileDesk(stage.db);
  });
  after(() => stage.stop());

  let made = 0;
  const bytes = image(900_000, '4.2.0');

  /** A device that is told to fetch a new image. */
  async function downloading(plan: Plan = {}, version = '4.2.0') {
    const device = await taskStage(stage);
    device.cell.state.transferPlans.push(transferPlanSchema.parse(plan));
    made += 1;
    const file = await desk.add(`fap-${made}.bin`, bytes, { version, productClass: 'FAP' });
    const wished = await desk.transfers.download(device.deviceId, { fileId: file.id }, by);
    assert.ok(wished.ok, JSON.stringify(wished));
    return { ...device, file, ...wished, ...lookAt(device, wished.transferId) };
  }
  async function uploading(plan: Plan = {}, fileType = '1 Vendor Configuration File') {
    const device = await taskStage(stage);
    device.cell.state.transferPlans.push(transferPlanSchema.parse(plan));
    const wished = await desk.transfers.upload(device.deviceId, { fileType }, by);
    assert.ok(wished.ok);
    return { ...device, ...wished, ...lookAt(device, wished.transferId) };
  }
  function lookAt({ deviceId }: TaskStage, transferId: string) {
    const transfer = async () => {
      const found = await desk.transfers.get(deviceId, transferId);
      assert.ok(found !== undefined);
      return found;
    };
    return { transfer, standing: async () => (await transfer()).state, path: `/files/${transferId}` };
  }

  test('a download: requested, fetched, completed and applied, each when it is true', async () => {
    const { session, transfer, standing, cell, task, deviceId } = await downloading();
    assert.equal(await standing(), 'requested');
    await session();
    await eventually(standing, 'fetched');
    assert.equal(cell.state.tree.get('Device.DeviceInfo.SoftwareVersion')?.value, '4.2.0');
    const report = await session();
    assert.equal(report.complete, true);
    const seen = await transfer();
    assert.equal(seen.state, 'applied');
    assert.deepEqual([seen.bytesDone, seen.requests, seen.runs], [bytes.length, 1, '4.2.0']);
    const { rows } = await stage.db.query<{ events: string[]; software_version: string }>({
      text: 'select events, software_version from informs where device_id = $1 order by at desc limit 1',
      values: [deviceId],
    });
    assert.deepEqual([...(rows[0]?.events ?? [])].sort(), ['1 BOOT', '7 TRANSFER COMPLETE', 'M Download']);
    assert.equal(rows[0]?.software_version, '4.2.0');
    assert.equal((await desk.transfers.ofTask(deviceId, task.id))?.id, seen.id);
  });

  test('a download that breaks again and again goes on where it was, and counts as one', async () => {
    const { session, transfer, standing } = await downloading({ breakAt: 200_000, times: 3 });
    await session();
    await eventually(standing, 'fetched');
    const seen = await transfer();
    assert.deepEqual([seen.requests, seen.bytesDone], [4, bytes.length]);
    await session();
    assert.equal(await standing(), 'applied');
  });

  for (const [plan, code] of [
    [{ breakAt: 100_000, giveUp: true }, 9017],
    [{ corrupt: true }, 9018],
    [{ fault: 9019 }, 9019],
  ] as const)
    test(`a download that ends with fault ${code} is told so, whatever the door has seen`, async () => {
      const { session, transfer, task } = await downloading(plan);
      await session();
      await session();
      const seen = await transfer();
      assert.equal(seen.fault?.code, code);
      assert.equal(seen.appliedAt, null);
      assert.ok(['failed', 'started', 'requested'].includes(seen.state), seen.state);
      assert.equal(task.id, seen.taskId);
    });

  test('a device that runs the old version all the same has completed and not applied', async () => {
    const { session, transfer } = await downloading({ keepVersion: true });
    await session();
    await session();
    const seen = await transfer();
    assert.deepEqual([seen.state, seen.version, seen.runs], ['completed', '4.2.0', '3.2.1']);
  });

  test('a device that never tells has its download settled by its version, after it has restarted', async () => {
    const { session, standing, state, task, cell } = await downloading({ silent: true, late: true });
    await session();
    await eventually(standing, 'fetched');
    powerCycle(cell);
    await session();
    assert.equal(await state(task.id), 'done');
    assert.equal(await standing(), 'applied');
  });

  test('a restart without a word is asked about, and the unknown stays unknown', async () => {
    const { session, standing, state, task, cell } = await downloading({ silent: true, keepVersion: true });
    await session();
    await eventually(standing, 'fetched');
    powerCycle(cell);
    const report = await session();
    assert.deepEqual(report.answered, ['GetAllQueuedTransfers']);
    assert.equal(await state(task.id), 'unknown-outcome');
    assert.equal(await standing(), 'fetched', 'that much is known');
  });

  test('an answer that was lost: the door has seen that the device does as it was asked', async () => {
    const { session, standing, state, task } = await downloading();
    await session({ onRequest: (method) => (method === 'Download' ? 'do-and-hang-up' : 'answer') });
    await eventually(standing, 'fetched');
    await session();
    assert.equal(await state(task.id), 'done');
    assert.equal(await standing(), 'applied');
  });

  test('an upload is there whole or not at all, and can be read', async () => {
    const { session, transfer, standing, deviceId, cell } = await uploading();
    await session();
    assert.equal(await standing(), 'received');
    await session();
    const seen = await transfer();
    assert.equal(seen.state, 'completed');
    const upload = await desk.transfers.uploadedFile(deviceId, seen.uploadId ?? '');
    assert.ok(upload !== undefined);
    const text = (await buffer(desk.transfers.read(upload, by))).toString();
    assert.match(text, /^Device\.ManagementServer\.PeriodicInformInterval=300$/m);
    assert.equal(upload.size, seen.bytesDone);
    assert.ok(cell.state.deeds.some((deed) => deed.startsWith('Upload ')));
  });

  test('an upload that breaks off leaves nothing to be seen, and its second try is the file', async () => {
    const { session, standing, deviceId } = await uploading({ bytes: 2_000_000, breakAt: 700_000 });
    await session();
    assert.equal(await standing(), 'received');
    const uploads = await desk.transfers.uploads(deviceId, { limit: 10 });
    assert.deepEqual(
      uploads.map(({ size }) => size),
      [2_000_000],
    );
  });

  test('an upload that the device never tells of is settled by the file itself', async () => {
    const { session, standing, state, task, cell } = await uploading({ silent: true });
    await session();
    assert.equal(await standing(), 'received');
    powerCycle(cell);
    await session();
    assert.equal(await state(task.id), 'done');
  });

  test('a scheduled download waits for its window; cancelled, it is over, and its link with it', async () => {
    const device = await taskStage(stage);
    Object.assign(device.cell.options, { cwmp: '1.2' });
    const windows = [{ windowStart: 60, windowEnd: 600, windowMode: '1 At Any Time', userMessage: '', maxRetries: 0 }];
    made += 1;
    const file = await desk.add(`sched-${made}.bin`, bytes, { version: '4.2.0' });
    const wish = async () => {
      const wished = await desk.transfers.download(device.deviceId, { fileId: file.id, windows }, by);
      assert.ok(wished.ok);
      await device.session();
      return { ...wished, ...lookAt(device, wished.transferId) };
    };
    const first = await wish();
    assert.equal(await first.standing(), 'started');
    const queued = await device.add({ kind: 'queued-transfers' });
    await device.session();
    assert.match(
      JSON.stringify((await device.task(queued.id)).result),
      new RegExp((await first.transfer()).commandKey ?? 'none'),
    );
    const { commandKey } = await first.transfer();
    await device.add({ kind: 'cancel-transfer', commandKey: commandKey ?? '' });
    await device.session();
    assert.equal(await first.standing(), 'cancelled');
    assert.equal((await ask(stage.port(), device.cell, first.path)).status, 403, 'nothing is fetched by it any more');
    const second = await wish();
    releaseTransfers(device.cell.state, new Date());
    await device.session();
    await device.session();
    assert.equal(await second.standing(), 'applied');
  });

  test('a file for another model is not sent, unless it is said that any will do', async () => {
    const device = await taskStage(stage);
    made += 1;
    const file = await desk.add(`other-${made}.bin`, bytes, { productClass: 'ROUTER' });
    const refused = await desk.transfers.download(device.deviceId, { fileId: file.id }, by);
    assert.ok(!refused.ok && refused.problem.kind === 'other_model');
    const anyModel = await desk.transfers.download(device.deviceId, { fileId: file.id, anyModel: true }, by);
    assert.ok(anyModel.ok);
  });

  test('the same idempotency key is the same transfer', async () => {
    const device = await taskStage(stage);
    const wish = () =>
      desk.transfers.upload(device.deviceId, { fileType: '2 Vendor Log File' }, by, { idempotencyKey: 'log 1' });
    const [one, two] = [await wish(), await wish()];
    assert.ok(one.ok && two.ok);
    assert.deepEqual([two.created, two.transferId, two.task.id], [false, one.transferId, one.task.id]);
  });

  test('what a device sends by itself goes into the slot of its own, and the oldest makes room', async () => {
    const device = await taskStage(stage);
    const url = `${new URL(stage.context.doors.main).origin}/files/slots/pm/A20260504.0800.xml`;
    for (let i = 0; i < 3; i += 1) {
      uploadByItself(device.cell, url, new Date());
      await device.session();
    }
    await device.session();
    const uploads = await desk.transfers.uploads(device.deviceId, { limit: 10 });
    assert.deepEqual(
      uploads.map(({ slot, name }) => [slot, name]),
      Array.from({ length: 2 }, () => ['pm', 'A20260504.0800.xml']),
    );
    const [told] = await desk.transfers.autonomous(device.deviceId, 10);
    assert.equal(told?.notice.transferUrl, url);
  });

  test('a second device tries every link of the first, and gets none', async () => {
    const thief = await dress(stage.context, await stage.known());
    const [fetching, sending] = [await downloading(), await uploading()];
    const direct = await desk.transfers.link(
      fetching.deviceId,
      fetching.file.id,
      new Date(Date.now() + 86_400_000),
      by,
    );
    assert.ok(direct.ok);
    for (const path of [
      fetching.path,
      `${fetching.path}/${fetching.file.name}`,
      sending.path,
      `/files/${direct.transferId}`,
    ])
      for (const method of ['GET', 'HEAD', 'PUT', 'POST']) {
        const body = method === 'PUT' || method === 'POST' ? 'hello' : undefined;
        const asking = { method, ...(body !== undefined && { body }) };
        assert.equal((await ask(stage.port(), thief, path, asking)).status, 403, `${method} ${path}`);
      }
    // And the first one still can.
    await fetching.session();
    await eventually(fetching.standing, 'fetched');
    await sending.session();
    assert.equal(await sending.standing(), 'received');
  });
});
