import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRegister, type Register } from '../../src/fleet/register.ts';
import { ensurePartitions } from '../../src/fleet/partitions.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createTestDatabase, type TestDatabase, withDatabase } from '../support/database.ts';
import { rowsOf } from './informs.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'delivery 7' } as const;

function identity(n: number, anchor = 'acme') {
  const value = `00a0bc${n.toString(16).padStart(6, '0')}.hnb.${anchor}.example`;
  return { anchor, kind: 'hnb-fqdn', value, oui: '00A0BC' } as const;
}

describe('the register', () => {
  let database: TestDatabase;
  let register: Register;
  before(async () => {
    database = await createTestDatabase();
    register = createRegister({ db: database.db, clock: manualClock(new Date('2026-05-04T10:00:00Z')) });
  });
  after(() => database.drop());

  const add = async (...input: Parameters<Register['add']>) => {
    const added = await register.add(...input);
    assert.ok(added.ok, added.ok ? '' : added.problem.message);
    return added;
  };

  test('adds a device once, however often it is told, with one audit row', async () => {
    const first = await add({ identity: identity(1), note: 'roof, "north"' }, by);
    assert.deepEqual([first.created, first.changed], [true, true]);
    const again = await add({ identity: identity(1) }, by);
    assert.deepEqual([again.deviceId, again.created, again.changed], [first.deviceId, false, false]);
    const changes = await rowsOf(database.db, 'changes', first.deviceId);
    assert.deepEqual(
      changes.map(({ action, actor_kind, actor, reason }) => [action, actor_kind, actor, reason]),
      [['add', 'cli', 'maria@noc', 'delivery 7']],
    );
    const device = await register.show(first.deviceId);
    assert.deepEqual([device?.state, device?.origin, device?.note], ['expected', 'operator', 'roof, "north"']);
  });

  test('links a second identity to a device, and never one that another device has', async () => {
    const one = await add({ identity: identity(2) }, by);
    const two = await add({ identity: identity(3) }, by);
    const linked = await add({ identity: identity(2, 'operator'), deviceId: one.deviceId }, by);
    assert.deepEqual([linked.deviceId, linked.created, linked.changed], [one.deviceId, false, true]);
    const stolen = await register.add({ identity: identity(2, 'operator'), deviceId: two.deviceId }, by);
    assert.equal(!stolen.ok && stolen.problem.kind, 'identity_taken');
    assert.equal(!stolen.ok && stolen.problem.deviceId, one.deviceId);
    const nowhere = await register.add({ identity: identity(4), deviceId: '0196a000-0000-7000-8000-000000000001' }, by);
    assert.equal(!nowhere.ok && nowhere.problem.kind, 'device_missing');
    assert.deepEqual(await register.find(identity(4).value), [], 'nothing is left of what was refused');
  });

  test('two people who add the same device at once make one', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => add({ identity: identity(5) }, by)));
    assert.equal(new Set(results.map(({ deviceId }) => deviceId)).size, 1);
    assert.equal(results.filter(({ created }) => created).length, 1);
  });

  test('two imports of one serial at once: one has it, the other is told who', async () => {
    const serial = { oui: '00A0BC', productClass: 'Femto', serialNumber: 'TWICE' };
    const results = await Promise.all([6, 7, 8].map((n) => register.add({ identity: identity(n), serial }, by)));
    assert.equal(results.filter(({ ok }) => ok).length, 1);
    for (const result of results) if (!result.ok) assert.equal(result.problem.kind, 'serial_taken');
  });

  test('a device imported with one serial is not imported with another', async () => {
    await add({ identity: identity(9), serial: { oui: '00A0BC', serialNumber: 'FIRST' } }, by);
    const again = await add({ identity: identity(9), serial: { oui: '00a0bc', serialNumber: 'FIRST' } }, by);
    assert.equal(again.changed, false);
    const other = await register.add({ identity: identity(9), serial: { oui: '00A0BC', serialNumber: 'SECOND' } }, by);
    assert.equal(!other.ok && other.problem.kind, 'serial_differs');
  });

  test('finds by id, identity in any case, and OUI-Serial', async () => {
    const { deviceId } = await add(
      { identity: identity(10), serial: { oui: '00A0BC', productClass: 'F', serialNumber: 'FIND-ME' } },
      by,
    );
    for (const text of [deviceId, identity(10).value.toUpperCase(), '00a0bc-F-FIND%2DME', ` ${deviceId} `])
      assert.deepEqual(await register.find(text), [deviceId]);
    for (const text of ['', "'; drop table devices; --", 'x'.repeat(70_000), '\0'])
      assert.deepEqual(await register.find(text), []);
  });

  test('blocks and unblocks with actor and reason; blocking twice changes nothing', async () => {
    const { deviceId } = await add({ identity: identity(11) }, by);
    const blocked = await register.block(deviceId, { ...by, reason: 'stolen' });
    assert.deepEqual(blocked, { ok: true, deviceId, state: 'blocked', changed: true });
    const twice = await register.block(deviceId, by);
    assert.deepEqual(twice.ok && twice.changed, false);
    const freed = await register.unblock(deviceId, { ...by, reason: 'found' });
    assert.deepEqual(freed, { ok: true, deviceId, state: 'expected', changed: true });
    const again = await register.unblock(deviceId, by);
    assert.equal(!again.ok && again.problem.kind, 'not_blocked');
    const device = await register.show(deviceId);
    assert.deepEqual(device?.changes.map(({ action, reason }) => `${action}: ${reason}`).toSorted(), [
      'add: delivery 7',
      'block: stolen',
      'unblock: found',
    ]);
    const nobody = await register.block('0196a000-0000-7000-8000-000000000001', by);
    assert.equal(!nobody.ok && nobody.problem.kind, 'device_missing');
    const idle = await register.approve(deviceId, by);
    assert.equal(!idle.ok && idle.problem.kind, 'nothing_to_approve');
  });

  test('lists by pages, each device once, in the order of registration', async (t) => {
    const { db } = await withDatabase(t);
    const own = createRegister({ db, clock: manualClock(new Date('2026-05-04T10:00:00Z')) });
    for (let n = 0; n < 25; n += 1) await own.add({ identity: identity(n, n % 5 === 0 ? 'zenith' : 'acme') }, by);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await own.list({}, { limit: 10, ...(after !== undefined && { after }) });
      seen.push(...page.devices.flatMap(({ identities }) => identities));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual(
      seen.map((text) => text.split(' ')[1]?.slice(6, 12)),
      Array.from({ length: 25 }, (_, n) => n.toString(16).padStart(6, '0')),
    );
    const [first] = (await own.list({}, { limit: 1 })).devices;
    assert.ok(first !== undefined);
    await own.block(first.deviceId, by);
    const count = async (...filter: Parameters<Register['list']>): Promise<number> =>
      (await own.list(...filter)).devices.length;
    const limit = 100;
    assert.equal(await count({ state: 'blocked' }, { limit }), 1);
    assert.equal(await count({ state: 'expected', anchor: 'zenith' }, { limit }), 4);
    assert.equal(await count({ identityPrefix: '00a0bc00001' }, { limit }), 9);
    assert.equal(await count({ identityPrefix: '%' }, { limit }), 0, 'a wildcard is a character');
    await own.add({ identity: identity(99), serial: { oui: '00A0BC', serialNumber: 'X' } }, by);
    assert.equal(await count({ oui: '00a0bc', serialNumber: 'X' }, { limit }), 1);
  });
});

describe('evidence', () => {
  test('cannot be edited: audit rows refuse update, delete and truncate', async (t) => {
    const { db } = await withDatabase(t);
    const register = createRegister({ db, clock: manualClock(new Date()) });
    await ensurePartitions(db);
    await register.add({ identity: identity(1) }, by);
    for (const text of ['update changes set reason = null', 'delete from changes', 'truncate changes'])
      await assert.rejects(db.query({ text }), /append-only/);
    const { rows } = await db.query<{ name: string }>({
      text: `select tableoid::regclass::text as name from changes`,
    });
    assert.match(rows[0]?.name ?? '', /^changes_\d{4}_\d{2}$/);
    await assert.rejects(db.query({ text: `delete from ${rows[0]?.name}` }), /append-only/, 'in a partition too');
  });

  test('lies in partitions by time, made ahead, by ten nodes at once without quarrel', async (t) => {
    const { db } = await withDatabase(t);
    const made = await Promise.all(Array.from({ length: 5 }, () => ensurePartitions(db)));
    assert.deepEqual(
      made.toSorted((a, b) => a - b),
      [0, 0, 0, 0, 20],
    );
    assert.equal(await ensurePartitions(db), 0);
  });

  test('a period whose rows lie in the default partition stays there, and later ones are made', async (t) => {
    const { db } = await withDatabase(t);
    const register = createRegister({ db, clock: manualClock(new Date()) });
    await register.add({ identity: identity(1) }, by);
    assert.equal(await ensurePartitions(db), 19);
    await register.add({ identity: identity(2) }, by);
  });
});
