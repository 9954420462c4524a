import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { type RecordedSpan, recordSpans } from '../support/span-recorder.ts';
import { httpRequest, sayPlainly } from './clients.ts';
import { until } from './evidence.ts';
import { openStage, type Stage } from './stage.ts';
import { taskStage } from './task-stage.ts';

describe('spans', { timeout: 60_000 }, () => {
  const recorder = recordSpans();
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(async () => {
    await stage.stop();
    recorder.stop();
  });

  const named = (name: string): RecordedSpan[] => recorder.spans.filter((span) => span.name === name);

  test('lead from the handshake to the decision, and from the session to RPC, task and statement', async () => {
    const { session, add, deviceId } = await taskStage(stage);
    const { id } = await add({ kind: 'read-values', paths: ['Device.DeviceInfo.'] });
    await session();
    const sessions = await until(
      () => named('hems.session'),
      (found) => found.length >= 2 && found.every(({ ends }) => ends === 1),
      'the sessions have ended',
    );
    const decisions = named('hems.decision');
    assert.deepEqual([...new Set(decisions.map(({ parent }) => parent))], ['hems.connection']);
    assert.deepEqual([...new Set(named('hems.handshake').map(({ parent }) => parent))], ['hems.connection']);
    const decided = decisions.find(({ attributes }) => attributes['hems.decision.outcome'] === 'admitted');
    const ids = decisions.map(({ attributes }) => attributes['hems.decision.id']);
    const last = sessions.at(-1);
    assert.ok(decided && last);
    assert.ok(ids.includes(last.attributes['hems.decision.id'] as string), 'the session names its decision');
    assert.equal(last.attributes['hems.device.id'], deviceId);
    assert.equal(last.attributes['hems.session.outcome'], 'completed');
    const rpc = named('hems.rpc').find(({ attributes }) => attributes['hems.task.id'] === id);
    assert.deepEqual(
      [rpc?.parent, rpc?.ends, rpc?.attributes['hems.rpc.method'], rpc?.attributes['hems.rpc.answer']],
      ['hems.session', 1, 'GetParameterValues', 'response'],
    );
    for (const name of ['hems.task.next', 'hems.task.sending', 'hems.task.answered'])
      assert.ok(
        named(name).some(({ parent }) => parent === 'hems.session'),
        name,
      );
    assert.ok(recorder.spans.some(({ name, parent }) => name.startsWith('hems.db ') && parent === 'hems.task.next'));
    assert.ok(recorder.spans.some(({ name, parent }) => name.startsWith('hems.db ') && parent === 'hems.decision'));
  });

  test('all end, once, and none carries a text of the peer', async () => {
    const stranger = await dress(stage.context, { ...(await stage.known()) });
    await runSession(stranger);
    await sayPlainly(stage.port(), httpRequest('GET', '/'));
    await until(
      () => recorder.spans.filter(({ ends }) => ends !== 1),
      (open) => open.length === 0,
      'all spans have ended',
    );
    const allowed = /^[\w .:/-]{0,80}$/;
    for (const { name, attributes } of recorder.spans)
      for (const [key, value] of Object.entries(attributes)) assert.match(String(value), allowed, `${name}: ${key}`);
  });
});
