import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TransferComplete } from '../../src/cwmp/cpe-methods.ts';
import { sweepFiles } from '../../src/fleet/files/file-sweeping.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { createTransferRecorder } from '../../src/fleet/transfers.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { rowsOf } from './informs.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' } } as const;
const admission = '0196a000-0000-7000-8000-000000000001';

const done: TransferComplete = {
  method: 'TransferComplete',
  commandKey: 'task 9',
  faultStruct: { faultCode: 0, faultString: '' },
  startTime: '2026-05-04T08:00:00Z',
  completeTime: '2026-05-04T08:01:00Z',
};

describe('a TransferComplete', () => {
  let database: TestDatabase;
  const clock = manualClock(new Date('2026-05-04T10:00:00Z'));
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  let devices = 0;
  async function newDevice(): Promise<string> {
    devices += 1;
    const value = `00a0bc00000${devices}.hnb.acme.example`;
    const added = await createRegister({ db: database.db, clock }).add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } },
      by,
    );
    assert.ok(added.ok);
    return added.deviceId;
  }

  async function say(deviceId: string, said: Partial<TransferComplete> = {}): Promise<boolean> {
    const { recordTransfer } = createTransferRecorder({ db: database.db, clock });
    const transferComplete = { ...done, ...said };
    return (await recordTransfer({ connection: { id: admission, deviceId }, transferComplete })).repeated;
  }

  test('is kept with its CommandKey, fault and times as the device wrote them', async () => {
    const device = await newDevice();
    const failed = { faultCode: 9010, faultString: 'Download failure' };
    assert.equal(await say(device, { faultStruct: failed, startTime: '0001-01-01T00:00:00Z' }), false);
    const [row] = await rowsOf(database.db, 'transfer_completions', device);
    assert.deepEqual(
      [row?.command_key, row?.fault_code, row?.fault_string, row?.start_time, row?.complete_time, row?.admission_id],
      ['task 9', 9010, 'Download failure', '0001-01-01T00:00:00Z', '2026-05-04T08:01:00Z', admission],
    );
  });

  test('the links of a campaign long over go at one sweep, however many they are', async () => {
    const { db } = database;
    const device = await newDevice();
    await db.query({
      text: `insert into device_transfers (device_id, id, direction, name, file_type, created_at, created_by, expires_at)
             select $1, gen_random_uuid(), 'download', 'x', '1 Firmware Upgrade Image', $2, 'maria', $2
               from generate_series(1, 350)`,
      values: [device, new Date('2026-01-01T00:00:00Z')],
    });
    await sweepFiles({ db, clock, config: { files: { keepUploadsDays: 90 } } as never });
    assert.deepEqual(await rowsOf(db, 'device_transfers', device), []);
  });

  test('said again, as by a device that lost the answer, is still one; said at once from two sides too', async () => {
    const device = await newDevice();
    assert.equal(await say(device), false);
    clock.advance(60_000);
    assert.equal(await say(device), true);
    const both = await Promise.all([say(device, { commandKey: 'task 10' }), say(device, { commandKey: 'task 10' })]);
    assert.deepEqual(both.sort(), [false, true]);
    const rows = await rowsOf(database.db, 'transfer_completions', device);
    const seen = rows.map(({ command_key, times_said }) => [command_key, times_said]);
    assert.deepEqual(seen.sort(), [
      ['task 10', 2],
      ['task 9', 2],
    ]);
    const first = rows.find(({ command_key }) => command_key === 'task 9');
    const apart = [first?.said_at, first?.last_said_at].map((at) => (at as Date).toISOString());
    assert.deepEqual(apart, ['2026-05-04T10:00:00.000Z', '2026-05-04T10:01:00.000Z']);
  });

  test('of another outcome, another time or another device is another', async () => {
    const [one, two] = [await newDevice(), await newDevice()];
    for (const said of [
      {},
      { completeTime: '2026-05-05T08:01:00Z' },
      { faultStruct: { faultCode: 9010, faultString: '' } },
      { commandKey: '' },
    ])
      assert.equal(await say(one, said), false);
    assert.equal(await say(two), false);
    assert.equal((await rowsOf(database.db, 'transfer_completions', one)).length, 4);
  });

  test('holds whatever text and number the device made up', async () => {
    const device = await newDevice();
    const hostile = `a\u0085\u202e${'x'.repeat(65_536)}`;
    const faultStruct = { faultCode: Number.NEGATIVE_INFINITY, faultString: hostile };
    const said = { commandKey: hostile, startTime: hostile, completeTime: hostile, faultStruct };
    assert.equal(await say(device, said), false);
    assert.equal(await say(device, { ...said, commandKey: `${hostile}y` }), false, 'what is cut stays different');
    for (const row of await rowsOf(database.db, 'transfer_completions', device))
      assert.doesNotMatch(`${row.command_key}${row.fault_string}${row.start_time}`, /[\p{Cc}\p{Cf}]/u);
  });

  test('does not fill the database: the latest thousand of a device are kept', async () => {
    const device = await newDevice();
    await say(device, { commandKey: 'oldest' });
    clock.advance(1000);
    const many = Array.from({ length: 1000 }, (_, n) => say(device, { commandKey: `task ${n}` }));
    await Promise.all(many);
    clock.advance(1000);
    await say(device, { commandKey: 'newest' });
    const keys = (await rowsOf(database.db, 'transfer_completions', device)).map(({ command_key }) => command_key);
    assert.equal(keys.length, 1000);
    assert.ok(keys.includes('newest') && !keys.includes('oldest'));
  });
});
