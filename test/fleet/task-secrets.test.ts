import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createDeviceSecrets } from '../../src/fleet/device-secrets.ts';
import { noQuirks } from '../../src/fleet/model-quirks.ts';
import { createParameterStore } from '../../src/fleet/parameters.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { createTaskDispatcher } from '../../src/fleet/task-dispatch.ts';
import { shownRequest } from '../../src/fleet/task-secrets.ts';
import type { TaskRequest } from '../../src/fleet/task.ts';
import { createTasks } from '../../src/fleet/tasks.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { withDatabase } from '../support/database.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' } } as const;
const psk = 'Device.IPsec.Profile.1.PreSharedKey';
const wish: TaskRequest = {
  kind: 'write-values',
  values: [
    { name: psk, value: 'correct horse', type: 'string' },
    { name: 'Device.DeviceInfo.ProvisioningCode', value: 'north', type: 'string' },
  ],
};

describe('secret values in the queue', { timeout: 60_000 }, () => {
  test('are wrapped from the first moment, opened for the request alone, and gone with the task', async (t) => {
    const { db } = await withDatabase(t);
    const clock = systemClock;
    const identity = {
      anchor: 'acme',
      kind: 'hnb-fqdn',
      value: '00a0bd000001.hnb.acme.example',
      oui: '00A0BD',
    } as const;
    const added = await createRegister({ db, clock }).add({ identity }, by);
    assert.ok(added.ok);
    const { deviceId } = added;
    const policy = { connectionRequest: 'off' } as const;
    const without = await createTasks({ db, clock, policy }).add(deviceId, wish, by);
    assert.ok(!without.ok && without.problem.kind === 'no_secret_key' && without.problem.remedy !== undefined);
    const empty = { kind: 'write-values', values: [{ name: psk, value: '' }] } as const;
    assert.ok((await createTasks({ db, clock, policy }).add(deviceId, empty, by, { expiresAt: new Date(0) })).ok);

    const secrets = createDeviceSecrets(db, randomBytes(32).toString('base64'));
    const tasks = createTasks({ db, clock, policy, secrets });
    const queued = await tasks.add(deviceId, wish, by);
    assert.ok(queued.ok);
    const stored = async (): Promise<string> =>
      (await db.query<{ text: string }>({ text: `select string_agg(t::text, ' ') as text from tasks t` })).rows[0]
        ?.text ?? '';
    assert.doesNotMatch(await stored(), /correct horse/);
    assert.match(await stored(), /north/);
    assert.deepEqual(shownRequest(queued.task.request), {
      ...wish,
      values: [{ ...wish.values[0], value: '(masked)' }, wish.values[1]],
    });

    const session = { id: 's', deviceId, version: '1.1', quirks: noQuirks } as const;
    const dispatcher = (own: typeof secrets | undefined) =>
      createTaskDispatcher({ db, clock, parameters: createParameterStore(db), ...(own && { secrets: own }) });
    const offer = await dispatcher(secrets).next(session);
    assert.ok(offer?.request.method === 'SetParameterValues');
    assert.equal(offer.request.parameterList[0]?.value, 'correct horse');
    assert.doesNotMatch(JSON.stringify(offer.task), /correct horse/);

    // A node without the key says why it cannot send it.
    assert.equal(await dispatcher(undefined).next(session), undefined);
    const failed = await tasks.get(deviceId, queued.task.id);
    assert.equal(failed?.state, 'failed');
    assert.match(failed?.fault?.message ?? '', /HEMS_SECRET_KEY is not set/);
    assert.match(await stored(), /\(masked\)/);
    assert.doesNotMatch(await stored(), /sealed/);
  });
});
