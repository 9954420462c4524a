import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeEnvelope } from '../../src/cwmp/encode.ts';
import { noQuirks } from '../../src/fleet/model-quirks.ts';
import { isPersonal, isSecret } from '../../src/fleet/secret-parameters.ts';
import { addedObject, answered } from '../../src/fleet/task-answers.ts';
import { refusalOf } from '../../src/fleet/task-policy.ts';
import { settledByRead } from '../../src/fleet/task-settling.ts';
import { nextStep } from '../../src/fleet/task-steps.ts';
import type { Task, TaskRequest } from '../../src/fleet/task.ts';

const at = new Date('2026-05-04T10:00:00Z');
const context = { version: '1.4', quirks: noQuirks, root: 'Device' } as const;

function taskOf(request: TaskRequest, more: Partial<Task> = {}): Task {
  return {
    ...{
      deviceId: 'd',
      id: '019ac1de-7000-7123-8abc-000000000001',
      request,
      state: 'sent',
      priority: 0,
      notBefore: at,
    },
    ...{ expiresAt: null, dependsOn: null, idempotencyKey: null, origin: { kind: 'cli', name: 'x' }, createdAt: at },
    ...{ step: 'prepare', attempts: 1, sentAt: at, sessionId: 's', progress: {}, result: null, fault: null },
    ...{ finishedAt: null, ...more },
  };
}

const table = 'Device.FAP.PerfMgmt.Config.';
const object = `${table}[cpe-1].`;

describe('alias paths', () => {
  test('an object of an alias is looked for in its table, where it is not yet, and asked for by its alias', () => {
    const wish: TaskRequest = { kind: 'add-object', object };
    const first = nextStep(taskOf(wish), context);
    assert.ok(first.kind === 'send' && first.request.method === 'GetParameterNames');
    assert.equal(first.request.parameterPath, table);
    const then = nextStep(taskOf(wish, { progress: { before: [`${table}1.`] } }), context);
    assert.ok(then.kind === 'send' && then.request.method === 'AddObject');
    assert.equal(then.request.objectName, object);
    assert.equal(addedObject(taskOf(wish), 2, 0).object, `${table}2.`);
    const names = [`${table}1.`, `${table}2.`].map((name) => ({ name, writable: true }));
    const lost = taskOf(wish, { state: 'unknown-outcome', step: 'settle', progress: { before: [`${table}1.`] } });
    const settled = settledByRead(lost, { method: 'GetParameterNamesResponse', parameterList: names }, at);
    assert.deepEqual([settled.state, settled.result?.object], ['done', `${table}2.`]);
    const encoded = encodeEnvelope({ namespace: 'urn:dslforum-org:cwmp-1-2', id: '1', message: then.request });
    assert.ok(encoded.ok && encoded.xml.includes(`<ObjectName>${object}</ObjectName>`));
  });

  test('a type is learnt whether the device answers with the alias or with the number', () => {
    const wish: TaskRequest = {
      kind: 'write-values',
      values: [{ name: `${object}PeriodicUploadInterval`, value: '900' }],
    };
    const task = taskOf(wish);
    const asked = nextStep({ ...task, state: 'queued' }, context);
    assert.ok(asked.kind === 'send' && asked.request.method === 'GetParameterValues');
    for (const name of [`${object}PeriodicUploadInterval`, `${table}7.PeriodicUploadInterval`]) {
      const parameterList = [{ name, value: '1', type: 'unsignedInt' }];
      const response = { method: 'GetParameterValuesResponse', parameterList } as const;
      const change = answered(task, asked.request, { kind: 'response', response }, at);
      assert.equal(change.state, 'queued', JSON.stringify(change.fault));
      const next = nextStep({ ...task, state: 'queued', progress: change.progress ?? {} }, context);
      assert.ok(next.kind === 'send' && next.request.method === 'SetParameterValues');
      const [{ name: written, type } = { name: '', type: '' }] = next.request.parameterList;
      assert.deepEqual([written, type], [`${object}PeriodicUploadInterval`, 'unsignedInt']);
    }
    for (const name of [`${table}7.URL`, `${table}x.PeriodicUploadInterval`, `${table}PeriodicUploadInterval`]) {
      const response = {
        method: 'GetParameterValuesResponse',
        parameterList: [{ name, value: '1', type: 'unsignedInt' }],
      } as const;
      assert.equal(answered(task, asked.request, { kind: 'response', response }, at).state, 'failed', name);
    }
  });

  test('the rules of the profile, of secrets and of persons hold behind an alias as behind a number', () => {
    const write = (name: string, value: string) =>
      refusalOf({ kind: 'write-values', values: [{ name, value }] }, { connectionRequest: 'off' })?.reason;
    assert.equal(write(`${object}URL`, 'http://files.example/'), 'not_https');
    assert.equal(write(`${object}Password`, 'x'), 'shared_secret');
    assert.equal(write('Device.Services.FAPService.[a].FAPControl.EnclosureTamperingDetected', '0'), 'read_only');
    for (const bad of [
      'Device.T.[].X',
      'Device.T.[a.X',
      'Device.T.a].X',
      'Device.T.[a[b]].X',
      `Device.T.[${'a'.repeat(65)}].X`,
    ])
      assert.equal(write(bad, 'x'), 'invalid', bad);
    assert.ok(isSecret('Device.IPsec.Profile.[cpe-1].PreSharedKey'));
    assert.ok(isPersonal('Device.Services.FAPService.[a].AccessMgmt.UMTS.MemberDetail.[b].IMSI'));
  });
});
