import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createConnectionCredentials } from '../../src/fleet/connection-credentials.ts';
import { createConnectionRequests } from '../../src/fleet/connection-requests.ts';
import { createDeviceSecrets } from '../../src/fleet/device-secrets.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createEventBus } from '../../src/platform/events.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' } } as const;
const policy = { enabled: true, perDevice: 30_000, perMinute: 3 };

describe('connection requests on record', { timeout: 60_000 }, () => {
  let database: TestDatabase;
  let serial = 0;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  async function ground(more: Partial<typeof policy> = {}) {
    const { db } = database;
    await db.query({ text: 'delete from connection_requests' });
    const clock = manualClock(new Date('2026-05-04T10:00:00Z'));
    const register = createRegister({ db, clock });
    const requests = createConnectionRequests({ db, clock, policy: { ...policy, ...more }, events: createEventBus() });
    const device = async (url = 'http://10.0.0.1:7547/'): Promise<string> => {
      serial += 1;
      const value = `00a0bd${serial.toString(16).padStart(6, '0')}.hnb.acme.example`;
      const added = await register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BD' } }, by);
      assert.ok(added.ok);
      await db.query({
        text: `insert into device_parameters (device_id, name, value, type, since)
               values ($1, 'Device.ManagementServer.ConnectionRequestURL', $2, 'string', now())`,
        values: [added.deviceId, url],
      });
      return added.deviceId;
    };
    const ask = async (deviceId: string): Promise<string> => {
      const asked = await requests.ask(deviceId, by);
      return asked.ok ? (asked.created ? 'asked' : 'under way') : asked.problem.kind;
    };
    return { db, clock, register, requests, device, ask };
  }

  test('nobody is asked who is not there, is shut out, or has told no URL; nor if it is switched off', async () => {
    const { device, ask, register } = await ground();
    assert.equal(await ask('019ac1de-7000-7123-8abc-ffffffffffff'), 'device_missing');
    assert.equal(await ask(await device('')), 'no_url');
    const blocked = await device();
    await register.block(blocked, by);
    assert.equal(await ask(blocked), 'device_shut_out');
    const off = await ground({ enabled: false });
    assert.equal(await off.ask(await off.device()), 'switched_off');
  });

  test('one at a time for a device, and not before its pause is over', async () => {
    const { device, ask, requests, clock } = await ground();
    const deviceId = await device();
    assert.equal(await ask(deviceId), 'asked');
    assert.equal(await ask(deviceId), 'under way');
    const [claimed] = await requests.claim(10);
    assert.equal(claimed?.url, 'http://10.0.0.1:7547/');
    assert.equal(await ask(deviceId), 'under way');
    assert.ok(claimed !== undefined);
    await requests.settle(claimed, { state: 'no-answer', cause: 'timeout' });
    assert.equal(await ask(deviceId), 'too_soon');
    clock.advance(31_000);
    assert.equal(await ask(deviceId), 'asked');
    const [again] = await requests.claim(10);
    assert.ok(again !== undefined);
    await requests.settle(again, { state: 'refused', cause: 'address' });
    // Nothing was sent.
    assert.equal(await ask(deviceId), 'asked');
  });

  test('the whole installation sends so many a minute; what has no turn in a minute is given up, and told', async () => {
    const { device, ask, requests, clock } = await ground();
    const devices = await Promise.all(Array.from({ length: 5 }, () => device()));
    for (const deviceId of devices) assert.equal(await ask(deviceId), 'asked');
    const [one, two] = await Promise.all([requests.claim(2), requests.claim(10)]);
    assert.equal(one.length + two.length, 3);
    assert.equal((await requests.claim(10)).length, 0);
    clock.advance(61_000);
    await requests.forget();
    const states = await Promise.all(devices.map(async (id) => (await requests.list(id, 1))[0]));
    assert.deepEqual(states.map((request) => `${request?.state} ${request?.cause}`).sort(), [
      'refused crowded',
      'refused crowded',
      ...['sending null', 'sending null', 'sending null'],
    ]);
    clock.advance(180_000);
    await requests.forget();
    const last = await Promise.all(devices.map(async (id) => (await requests.list(id, 1))[0]?.state));
    assert.equal(last.filter((state) => state === 'unsettled').length, 3);
  });

  test('a session is that of the latest request that was sent, once, within five minutes', async () => {
    const { device, ask, requests, clock } = await ground({ perMinute: 100 });
    const deviceId = await device();
    const informId = '019ac1de-7000-7123-8abc-000000000001';
    await requests.sessionCame(deviceId, informId);
    await ask(deviceId);
    await requests.sessionCame(deviceId, informId);
    assert.equal((await requests.list(deviceId, 1))[0]?.sessionAt, null);
    await requests.claim(10);
    await requests.sessionCame(deviceId, informId);
    assert.deepEqual((await requests.list(deviceId, 1))[0]?.sessionAt, clock.now());
    const other = await device();
    await ask(other);
    await requests.claim(10);
    clock.advance(301_000);
    await requests.sessionCame(other, informId);
    assert.equal((await requests.list(other, 1))[0]?.sessionAt, null);
  });

  test('fifty of a device are kept, and none of a retired one', async () => {
    const { device, ask, requests, clock, register, db } = await ground({ perMinute: 1000 });
    const deviceId = await device();
    for (let n = 0; n < 53; n += 1) {
      assert.equal(await ask(deviceId), 'asked');
      const [claimed] = await requests.claim(1);
      assert.ok(claimed !== undefined);
      await requests.settle(claimed, { state: 'accepted', status: 200, detail: '\u001b[31m\u0000' });
      clock.advance(31_000);
    }
    assert.equal((await requests.list(deviceId, 1000)).length, 50);
    await register.retire(deviceId, by);
    const { rows } = await db.query({
      text: 'select 1 from connection_requests where device_id = $1',
      values: [deviceId],
    });
    assert.equal(rows.length, 0);
  });

  test('credentials are made only with a wrapping key, and are readable only with it', async () => {
    const { db, clock, device } = await ground();
    const deviceId = await device();
    await db.query({ text: `update devices set state = 'active' where id = $1`, values: [deviceId] });
    const desk = (key: string | undefined) =>
      createConnectionCredentials({ db, clock, anchors: ['acme'], secrets: createDeviceSecrets(db, key) });
    assert.equal(await desk(undefined).provide(), 'no-key');
    const key = randomBytes(32).toString('hex');
    assert.equal(await desk(key).provide(), 1);
    const { rows } = await db.query<{ sealed: string }>({
      text: 'select sealed from connection_credentials where device_id = $1',
      values: [deviceId],
    });
    const sealed = rows[0]?.sealed ?? '';
    const opened = await desk(key).open(deviceId, sealed);
    assert.ok(opened.ok && opened.secret.length === 32);
    for (const [who, other] of [
      [desk(undefined), deviceId],
      [desk(randomBytes(32).toString('hex')), deviceId],
      [desk(key), 'another device'],
    ] as const)
      assert.equal((await who.open(other, sealed)).ok, false);
  });
});
