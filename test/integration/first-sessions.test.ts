import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createFemtocell } from '../../src/simulator/femtocell.ts';
import { stage as dress, perform, type Role } from '../../src/simulator/scenarios/cast.ts';
import { envelopeXml } from '../../src/simulator/soap-writer.ts';
import { assertReply, openConversation } from './conversation.ts';
import { openStage, type Stage } from './stage.ts';

interface InformRow {
  readonly cwmp_version: string;
  readonly events: readonly string[];
  readonly device_time: string;
  readonly retry_count: number;
}

describe('CWMP, first part', { timeout: 120_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.stop());

  async function informs(device: Role): Promise<InformRow[]> {
    const { rows } = await stage.db.query<InformRow>({
      text: 'select cwmp_version, events, device_time, retry_count from informs where device_id = $1 order by at',
      values: [await stage.deviceId(device)],
    });
    return rows;
  }

  for (const cwmp of ['1.0', '1.1', '1.2', '1.3', '1.4'] as const)
    test(`bootstrap over CWMP ${cwmp}: the Inform is on disk, 204 ends the session, the next one is no bootstrap`, async () => {
      const device = await stage.known(cwmp === '1.2' ? 'zenith' : 'acme');
      const dressed = await dress(stage.context, device);
      const cell = createFemtocell({ ...dressed.options, cwmp });
      for (let n = 0; n < 2; n += 1) {
        const seen = await perform(cell);
        assert.deepEqual([seen.informed, seen.complete, seen.statuses], [true, true, [200, 204]]);
      }
      const [first, second] = await informs(device);
      assert.equal(first?.cwmp_version, cwmp);
      assert.ok(first.events.includes('0 BOOTSTRAP'), first.events.join());
      assert.ok(second !== undefined && !second.events.includes('0 BOOTSTRAP'));
      assert.equal((await stage.register.show(await stage.deviceId(device)))?.state, 'active');
    });

  test('a device without true time is served like any other, and what it thinks is kept as it wrote it', async () => {
    const device = await stage.known();
    const conversation = await openConversation(stage, await dress(stage.context, device));
    assertReply(await conversation.inform(), 200, /InformResponse/);
    assertReply(await conversation.post(''), 204);
    conversation.hangUp();
    assert.equal((await informs(device))[0]?.device_time, '0001-01-01T00:00:00Z');
  });

  test('GetRPCMethods is answered with what hems can do; a method nobody knows with fault 8000, and the session goes on', async () => {
    const conversation = await openConversation(stage, await dress(stage.context, await stage.known()));
    assertReply(await conversation.inform(), 200, /InformResponse/);
    const ask = (body: string, id: string): string => envelopeXml({ version: '1.2', body, id });
    const methods = assertReply(
      await conversation.post(ask('<cwmp:GetRPCMethods/>', '7')),
      200,
      /GetRPCMethodsResponse/,
    );
    for (const method of ['Inform', 'GetRPCMethods', 'TransferComplete'])
      assert.match(methods.body.toString(), new RegExp(`<string>${method}</string>`));
    const unknown = ask('<cwmp:X_00D09E_Hello><Word>x</Word></cwmp:X_00D09E_Hello>', '8');
    assertReply(await conversation.post(unknown), 200, /<FaultCode>8000<\/FaultCode>/);
    assertReply(await conversation.post(''), 204);
    conversation.hangUp();
  });

  test('an empty POST before any Inform gets 204; any other first message is refused', async () => {
    const cell = await dress(stage.context, await stage.known());
    const empty = await openConversation(stage, cell);
    assertReply(await empty.post(''), 204);
    const early = envelopeXml({ version: '1.0', body: '<cwmp:GetRPCMethods/>', id: '1' });
    assertReply(await empty.post(early), 200, /<FaultCode>8001<\/FaultCode>/);
    const junk = await openConversation(stage, cell);
    assertReply(await junk.post('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'), 400);
    junk.hangUp();
    empty.hangUp();
  });

  test('a session goes on over another connection by its cookie, and not by the cookie of another device', async () => {
    const [cell, other] = [
      await dress(stage.context, await stage.known()),
      await dress(stage.context, await stage.known('zenith')),
    ];
    const first = await openConversation(stage, cell);
    const reply = assertReply(await first.inform(), 200, /InformResponse/);
    const cookie = reply.headers.get('set-cookie')?.[0]?.split(';')[0] ?? '';
    first.hangUp();
    const thief = await openConversation(stage, other);
    assertReply(await thief.post('', [['Cookie', cookie]]), 403);
    const second = await openConversation(stage, cell);
    assertReply(await second.post('', [['Cookie', cookie]]), 204);
    second.hangUp();
  });
});
