import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { described, departure, operations } from './contract.ts';
import { type ManagementStage, openManagementStage } from './management-stage.ts';

describe('what the API changes', () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  const post = (path: string, body: unknown, headers?: Record<string, string>) =>
    stage.ask(path, { method: 'POST', key: stage.of.operator, body, ...(headers && { headers }) });

  test('every example of the contract is accepted by its own schema', () => {
    const examples = [...operations.values()].filter(({ example }) => example !== undefined);
    assert.ok(examples.length > 3);
    for (const { id, body, example } of examples) assert.ok(body?.safeParse(example).success, id);
  });

  test('a block is in the audit with the key as actor and the reason', async () => {
    const [device] = stage.devices;
    const moved = await post(`/api/v1/devices/${device}/block`, { reason: 'stolen' });
    assert.deepEqual([moved.status, moved.body], [200, { id: device, state: 'blocked', changed: true }]);
    const audit = await stage.ask(`/api/v1/audit?deviceId=${device}&action=block`, { key: stage.of.auditor });
    const [row] = (audit.body as { items: { actorKind: string; actor: string; reason: string }[] }).items;
    assert.equal(row?.actorKind, 'key');
    assert.match(row?.actor ?? '', /^operator +\([0-9a-f]{16}\)$/);
    assert.equal(row?.reason, 'stolen');
    assert.equal((await post(`/api/v1/devices/${device}/block`, {})).status, 400);
    assert.equal((await post(`/api/v1/devices/${device}/unblock`, { reason: 'found' })).status, 200);
  });

  test('the same Idempotency-Key asks for one task, and what is secret in it is not shown', async () => {
    const path = `/api/v1/devices/${stage.devices[1]}/tasks`;
    const name = 'Device.Services.FAPService.1.AccessMgmt.LTE.AccessControlList';
    const request = { kind: 'write-values', values: [{ name, value: '001019999999999' }] };
    const first = await post(path, { request }, { 'Idempotency-Key': 'abc' });
    const again = await post(path, { request }, { 'Idempotency-Key': 'abc' });
    assert.deepEqual([first.status, again.status], [201, 200], JSON.stringify(first.body));
    const { id } = first.body as { id: string };
    assert.equal((again.body as { id: string }).id, id);
    assert.ok(!JSON.stringify(first.body).includes('001019999999999'));
    const other = await post(path, { request: { kind: 'reboot' } }, { 'Idempotency-Key': 'abc' });
    assert.deepEqual([other.status, (other.body as { code: string }).code], [422, 'key_taken']);
    const found = await stage.ask(`${path}?state=queued`, { key: stage.of.viewer });
    const of = described.find(({ operationId }) => operationId === 'listTasks') ?? assert.fail();
    assert.equal(departure(of, 200, 'application/json', found.body), undefined);
    assert.equal((await post(`${path}/${id}/cancel`, {})).status, 200);
  });

  test('a wish that TS 33.320 forbids, or a field that is wrong, is named', async () => {
    const path = `/api/v1/devices/${stage.devices[1]}/tasks`;
    const plain = await post(path, {
      request: { kind: 'download', fileType: '1 Firmware Upgrade Image', url: 'http://f.example/x' },
    });
    assert.deepEqual([plain.status, (plain.body as { code: string }).code], [422, 'not_https']);
    const odd = await post(path, { request: { kind: 'read-values', paths: [7] } });
    const { code, field, in: place } = odd.body as { code: string; field: string; in: string };
    assert.deepEqual([odd.status, code, field, place], [400, 'invalid', 'request.paths.0', 'body']);
  });

  test('a body that cannot be read is told as what it is', async () => {
    const path = `/api/v1/devices/${stage.devices[0]}/block`;
    const send = async (type: string, body: string) => {
      const answer = await stage.ask(path, {
        ...{ method: 'POST', key: stage.of.operator, body },
        headers: { 'Content-Type': type },
      });
      const { code, field, in: place, detail } = answer.body as Record<string, string>;
      return [answer.status, code, place, field, detail];
    };
    assert.deepEqual(await send('application/json', '{bad'), [400, 'invalid', 'body', undefined, 'is no JSON']);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const [status, code, ...where] = await send(type, '{"reason":"x"}');
      assert.deepEqual([status, code, ...where.slice(0, 2)], [415, 'unsupported_media_type', 'header', 'Content-Type']);
    }
  });
});
