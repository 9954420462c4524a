import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stage as dress, type Role } from '../../src/simulator/scenarios/cast.ts';
import { cleanup } from '../support/cleanup.ts';
import { assertReply, openConversation, transferOf } from './conversation.ts';
import { openDatabaseProxy } from './database-proxy.ts';
import { until } from './evidence.ts';
import { type Stage, withStage } from './stage.ts';

interface Kept {
  readonly command_key: string;
  readonly fault_code: number;
  readonly times_said: number;
}

async function kept(stage: Stage, device: Role): Promise<Kept[]> {
  const { rows } = await stage.db.query<Kept>({
    text: 'select command_key, fault_code, times_said from transfer_completions where device_id = $1 order by 1',
    values: [await stage.deviceId(device)],
  });
  return rows;
}

describe('TransferComplete', { timeout: 60_000 }, () => {
  test('is on disk when its answer leaves, and once however often the device says it', async (t) => {
    const stage = await withStage(t);
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    for (const times of [1, 2]) {
      const conversation = await openConversation(stage, cell);
      assertReply(await conversation.inform(), 200, /InformResponse/);
      assertReply(await conversation.post(transferOf()), 200, /<cwmp:TransferCompleteResponse\/>/);
      const now = (await kept(stage, device)).find(({ command_key }) => command_key === 'task 9');
      assert.equal(now?.times_said, times);
      assertReply(await conversation.post(transferOf({ commandKey: 'other', faultCode: 9010 })), 200);
      assertReply(await conversation.post(''), 204);
      conversation.hangUp();
    }
    assert.deepEqual(await kept(stage, device), [
      { command_key: 'other', fault_code: 9010, times_said: 2 },
      { command_key: 'task 9', fault_code: 0, times_said: 2 },
    ]);
  });

  test('is not answered while the database is away: the device keeps it and says it in a later session', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through });
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    const conversation = await openConversation(stage, cell);
    assertReply(await conversation.inform(), 200, /InformResponse/);
    await proxy.cut();
    const refused = assertReply(await conversation.post(transferOf()), 503);
    assert.equal(refused.body.length, 0);
    assert.deepEqual(refused.headers.get('connection'), ['close']);
    assert.match(refused.headers.get('retry-after')?.[0] ?? '', /^\d+$/);
    await until(conversation.closed, (closed) => closed, 'the server hangs up');
    assert.deepEqual(await kept(stage, device), []);
    await proxy.mend();
    const again = await openConversation(stage, cell);
    assertReply(await again.inform(), 200, /InformResponse/);
    assertReply(await again.post(transferOf()), 200, /TransferCompleteResponse/);
    assertReply(await again.post(''), 204);
    assert.deepEqual(await kept(stage, device), [{ command_key: 'task 9', fault_code: 0, times_said: 1 }]);
    again.hangUp();
  });
});
