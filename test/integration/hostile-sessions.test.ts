import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { envelopeXml, parameterListXml, tag } from '../../src/simulator/soap-writer.ts';
import { cpeRequests, cpeResponses } from '../cwmp/every-message.ts';
import { assertReply, type Conversation, informOf, openConversation } from './conversation.ts';
import { until } from './evidence.ts';
import { openStage, type Stage } from './stage.ts';
import { by, type TaskStage, taskStage } from './task-stage.ts';

const bodies = [
  ...Object.entries({ ...cpeRequests, ...cpeResponses }).map(([name, { xml }]) => tag(`cwmp:${name}`, xml)),
  '<s:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>9002</FaultCode></cwmp:Fault></detail></s:Fault>',
].map((body) => body.replaceAll('soapenc:', 'e:'));

const documents = bodies.map((body, index) =>
  envelopeXml({ version: '1.2', body, id: index % 2 === 0 ? 'acs-1' : 'x' }),
);

/** Truncated, with a byte changed, with something put in, or two run together. */
const hostile = fc
  .tuple(
    fc.constantFrom(...documents),
    fc.nat(4),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom(...documents),
  )
  .map(([xml, how, where, other]) => {
    const cut = Math.floor(where * xml.length);
    switch (how) {
      case 0:
        return xml;
      case 1:
        return xml.slice(0, cut);
      case 2:
        return `${xml.slice(0, cut)}<${xml.slice(cut)}`;
      case 3:
        return `${xml.slice(0, cut)}<DeviceId><OUI>1</OUI></DeviceId>&#0;${xml.slice(cut)}`;
      default:
        return xml.slice(0, cut) + other.slice(cut);
    }
  })
  .filter((text) => text.trim() !== '');

describe('whatever a device says', { timeout: 300_000 }, () => {
  let stage: Stage;
  let on: TaskStage;
  before(async () => {
    stage = await openStage();
    on = await taskStage(stage);
  });
  after(() => stage.stop());

  /** Up to a state of the session. */
  const states: Readonly<Record<string, (conversation: Conversation) => Promise<unknown>>> = {
    'before its Inform': async () => undefined,
    'after its Inform': (conversation) => conversation.inform(),
    'when it owes an answer': async (conversation) => {
      assert.ok((await on.tasks.add(on.deviceId, { kind: 'read-values', paths: ['Device.'] }, by)).ok);
      await conversation.inform();
      await conversation.post('');
    },
    'when the session is over': async (conversation) => {
      await conversation.inform();
      for (let n = 0; n < 5; n += 1) {
        const reply = await conversation.post('');
        if (reply.kind !== 'reply' || reply.status === 204) return;
      }
    },
  };

  for (const [state, reach] of Object.entries(states))
    test(`${state}: there is an answer, and the next session goes well`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 4 }), async (messages) => {
          const conversation = await openConversation(stage, on.cell);
          try {
            await reach(conversation);
            for (const message of messages) {
              const reply = await conversation.post(message);
              if (reply.kind !== 'reply') break;
              assert.ok([200, 204, 400].includes(reply.status), `${reply.status} to ${message}`);
              if (reply.status === 200) assert.match(reply.body.toString(), /<\/soap-env:Envelope>$/);
            }
          } finally {
            conversation.hangUp();
          }
        }),
        { numRuns: 40 },
      );
      const report = await on.session();
      assert.equal(report.complete, true);
      const broken = stage.log.filter((line) => line.includes('broke off') || line.includes('"level":"error"'));
      assert.deepEqual(broken, []);
    });

  test('5 MB in one answer are read and kept within the bounds of the device', async () => {
    const device = await taskStage(stage);
    const { id } = await device.add({ kind: 'read-values', paths: ['Device.'] });
    const conversation = await openConversation(stage, device.cell);
    assertReply(await conversation.inform(), 200);
    assertReply(await conversation.post(''), 200, /GetParameterValues/);
    const many = Array.from({ length: 40_000 }, (_, n) => ({
      name: `Device.Big.${n}.Value`,
      type: 'string' as const,
      value: `value ${n}`,
    }));
    const body = envelopeXml({
      version: '1.2',
      id: 'acs-1',
      body: tag('cwmp:GetParameterValuesResponse', parameterListXml(many)),
    });
    assert.ok(body.length > 5_000_000);
    assertReply(await conversation.post(body), 204);
    conversation.hangUp();
    assert.deepEqual((await device.task(id)).result, { read: 40_000 });
    assert.equal(await device.value('Device.Big.39999.Value'), 'value 39999');
  });

  test('a session has its number of requests, and the rest of the tasks waits for the next one', async (t) => {
    const own = await openStage({ config: { limits: { requestsPerSession: 3 } } });
    t.after(() => own.stop());
    const device = await taskStage(own);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push((await device.add({ kind: 'get-methods' })).id);
    assert.deepEqual((await device.session()).answered.length, 3);
    assert.deepEqual((await device.session()).answered.length, 2);
    assert.deepEqual(
      await Promise.all(ids.map((id) => device.state(id))),
      ids.map(() => 'done'),
    );
  });

  test('overload is told before any work is done, and admitted sessions finish', async (t) => {
    const own = await openStage({ config: { limits: { sessions: 1 } } });
    t.after(() => own.stop());
    const device = await own.known();
    const cell = await dress(own.context, device);
    const other = await dress(own.context, await own.known());
    const open = await openConversation(own, cell);
    assertReply(await open.inform(), 200, /InformResponse/);
    const late = await openConversation(own, other);
    const refused = assertReply(await late.post(informOf(other)), 503);
    assert.match(refused.headers.get('retry-after')?.[0] ?? '', /^\d+$/);
    assertReply(await open.post(''), 204);
    await until(
      () => runSession(other),
      ({ complete }) => complete,
      'there is room again',
    );
    open.hangUp();
    late.hangUp();
  });
});
