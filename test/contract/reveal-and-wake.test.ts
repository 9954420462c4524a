import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ManagementStage, openManagementStage } from './management-stage.ts';

const imsis = 'Device.Services.FAPService.1.AccessMgmt.UMTS.AccessControlList';

describe('personal values and connection requests over the API', { timeout: 120_000 }, () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
    for (const [name, value] of [
      [imsis, '001010123456789'],
      ['Device.ManagementServer.ConnectionRequestURL', 'https://192.0.2.7:7547/x'],
    ])
      await stage.db.query({
        text: `insert into device_parameters (device_id, name, value, type, since) values ($1, $2, $3, 'string', now())`,
        values: [stage.devices[0], name, value],
      });
  });
  after(() => stage.stop());

  const post = (path: string, key: string, body: unknown) => stage.ask(path, { method: 'POST', key, body });
  const audit = async (action: string) => {
    const path = `/api/v1/audit?deviceId=${stage.devices[0]}&action=${action}`;
    const { body } = await stage.ask(path, { key: stage.of.auditor });
    return (body as { items: { actor: string; reason: string | null }[] }).items;
  };

  test('to see IMSIs is a permission of its own, asks for a reason, and stands in the audit', async () => {
    const [device] = stage.devices;
    const read = await stage.ask(`/api/v1/devices/${device}/parameters`, { key: stage.of.administrator });
    assert.ok(!JSON.stringify(read.body).includes('001010123456789'), 'a reading shows none, whoever reads');
    const path = `/api/v1/devices/${device}/parameters/reveal`;
    const wish = { path: imsis, reason: 'a complaint' };
    for (const key of [stage.of.viewer, stage.of.operator, stage.of.auditor, undefined])
      assert.ok([401, 403].includes((await post(path, key ?? 'none', wish)).status));
    assert.equal((await post(path, stage.of.administrator, { path: imsis })).status, 400);
    assert.deepEqual(await audit('reveal_parameters'), []);
    const seen = await post(path, stage.of.administrator, wish);
    const [parameter] = (seen.body as { items: { value: string; masked: boolean }[] }).items;
    assert.deepEqual([seen.status, parameter?.value, parameter?.masked], [200, '001010123456789', false]);
    assert.deepEqual(
      (await audit('reveal_parameters')).map(({ reason }) => reason),
      ['a complaint'],
    );
    const elsewhere = `/api/v1/devices/${stage.devices[1]}/parameters/reveal`;
    assert.equal((await post(elsewhere, stage.north.administrator, wish)).status, 404);
  });

  test('a device is asked to call by who may, once at a time, and what came of it is there to be read', async () => {
    const [device, without] = stage.devices;
    const path = `/api/v1/devices/${device}/connection-requests`;
    assert.equal((await post(path, stage.of.viewer, {})).status, 403);
    const asked = await post(path, stage.of.operator, { reason: 'wanted now' });
    assert.equal(asked.status, 202);
    const { id, state } = asked.body as { id: string; state: string };
    assert.equal(state, 'waiting');
    assert.equal(asked.headers.get('location'), `${path}/${id}`);
    const again = await post(path, stage.of.operator, {});
    assert.deepEqual([again.status, (again.body as { id: string }).id], [200, id]);
    const one = await stage.ask(`${path}/${id}`, { key: stage.of.viewer });
    const list = await stage.ask(path, { key: stage.of.viewer });
    assert.deepEqual((list.body as { items: unknown[] }).items, [one.body]);
    assert.deepEqual(
      (await audit('wake')).map(({ reason }) => reason),
      ['wanted now'],
    );
    const silent = await post(`/api/v1/devices/${without}/connection-requests`, stage.of.operator, {});
    assert.deepEqual([silent.status, (silent.body as { code: string }).code], [409, 'no_url']);
    const task = await post(`/api/v1/devices/${device}/tasks`, stage.of.operator, {
      request: { kind: 'get-methods' },
      wake: true,
    });
    assert.equal(task.status, 201, 'one is under way, and the task is queued all the same');
  });
});
