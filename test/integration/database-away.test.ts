import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stage as dress, perform } from '../../src/simulator/scenarios/cast.ts';
import { cleanup } from '../support/cleanup.ts';
import { assertReply, openConversation } from './conversation.ts';
import { openDatabaseProxy } from './database-proxy.ts';
import { metric, rowsFrom, until } from './evidence.ts';
import { withStage } from './stage.ts';

describe('while the database is away', { timeout: 120_000 }, () => {
  test('nobody is admitted, nothing is answered; afterwards the door works by itself and the refusals are told', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through });
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    assert.equal((await perform(cell)).complete, true);
    await proxy.cut();
    const refused = await perform(cell);
    assert.deepEqual([refused.informed, refused.statuses, refused.closedBy], [false, [], 'acs']);
    const known = { outcome: 'refused', reason: 'handshake_other' };
    assert.equal(await metric(stage.metrics, 'hems_trust_decisions_total', known), 1);
    await proxy.mend();
    const [row] = await rowsFrom(stage.db, refused.localPorts);
    assert.deepEqual([row?.reason, row?.detail], ['handshake_other', 'database_unavailable']);
    assert.equal(row?.identity, device.identity);
    assert.equal((await perform(cell)).complete, true);
  });

  test('a database that takes the question and never answers: the device is refused within the time of a handshake', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through, config: { limits: { handshakeTime: '1s' } } });
    const cell = await dress(stage.context, await stage.known());
    assert.equal((await perform(cell)).complete, true);
    proxy.stopUp();
    const refused = await perform(cell);
    assert.deepEqual([refused.informed, refused.statuses, refused.closedBy], [false, [], 'acs']);
    await proxy.mend();
    await until(
      () => perform(cell),
      ({ complete }) => complete,
      'the device is let in again',
      30_000,
    );
  });

  test('an Inform is not answered before it is on disk: 503, and the device comes again', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through });
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    const conversation = await openConversation(stage, cell);
    // Admitted, with nothing said yet.
    assertReply(await conversation.post(''), 204);
    await proxy.cut();
    const refused = assertReply(await conversation.inform(), 503);
    assert.equal(refused.body.length, 0);
    assert.match(refused.headers.get('retry-after')?.[0] ?? '', /^\d+$/);
    await until(conversation.closed, (closed) => closed, 'the server hangs up');
    await proxy.mend();
    const informs = async (): Promise<number | undefined> => {
      const { rows } = await stage.db.query<{ count: number }>({
        text: 'select count(*) from informs where device_id = $1',
        values: [await stage.deviceId(device)],
      });
      return rows[0]?.count;
    };
    assert.equal(await informs(), 0);
    const again = await openConversation(stage, cell);
    assertReply(await again.inform(), 200, /InformResponse/);
    assertReply(await again.post(''), 204);
    assert.equal(await informs(), 1);
    again.hangUp();
  });

  test('a session that is open when it goes ends without harm, and the next one goes well', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through });
    const cell = await dress(stage.context, await stage.known());
    const conversation = await openConversation(stage, cell);
    assertReply(await conversation.inform(), 200, /InformResponse/);
    await proxy.cut();
    const reply = await conversation.post('');
    // What there is to do for the device is not known, or known to be nothing: never a request made up.
    if (reply.kind === 'reply')
      assert.ok([204, 503].includes(reply.status) && reply.body.length === 0, `${reply.status}`);
    conversation.hangUp();
    await proxy.mend();
    const again = await openConversation(stage, cell);
    assertReply(await again.inform(), 200, /InformResponse/);
    assertReply(await again.post(''), 204);
    again.hangUp();
  });
});
