import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DeviceFilter, deviceSorts } from '../../src/fleet/listing.ts';
import { countDevices, filterNames, listDevices, listIds } from '../../src/fleet/listing-queries.ts';
import type { Query } from '../../src/platform/postgres.ts';
import { fillRegister } from '../support/filled-register.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** A filter of each kind that chooses a small part of the register. */
const filters: Readonly<Record<keyof DeviceFilter, DeviceFilter>> = {
  deviceId: { deviceId: '00000000-0000-7000-8000-000000000001' },
  state: { state: 'blocked' },
  anchor: { anchor: 'rare' },
  identityPrefix: { identityPrefix: '00a0bc000012' },
  oui: { oui: '00FFFF' },
  serialNumber: { serialNumber: 'SN0000017' },
  tag: { tag: 'tag-7' },
  group: { group: 'tag-7' },
  site: { site: 'site-7' },
  model: { model: 'Nano' },
  softwareVersion: { softwareVersion: '0.9' },
  informedBefore: { informedBefore: new Date('2026-01-02T00:00:00Z') },
  informedAfter: { informedAfter: new Date(Date.now() + 3_600_000) },
  parameter: { parameter: 'Device.Services.FAPService.1.CellConfig.LTE.RAN.RF.PhyCellID=17' },
  expiresBefore: { expiresBefore: new Date('2026-06-01T00:00:00Z') },
};

describe('every documented filter of the register', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    await fillRegister(database.db, { devices: 20_000, audit: 0 });
  });
  after(() => database.drop());

  async function plan(query: Query): Promise<string> {
    const { rows } = await database.db.query<{ 'QUERY PLAN': string }>({ ...query, text: `explain ${query.text}` });
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }

  test('is one of those tried here', () => {
    assert.deepEqual(Object.keys(filters).toSorted(), [...filterNames].toSorted());
  });

  for (const [name, filter] of Object.entries(filters))
    test(`${name} is served by an index, whether listed, chosen for a move, or counted`, async () => {
      for (const query of [
        listDevices(filter, undefined, 51),
        listDevices(filter, { id: '00000000-0000-7000-8000-000000000009' }, 51),
        listIds(filter, ['expected', 'active', 'held', 'quarantined', 'blocked'], undefined, 500),
        countDevices(filter),
      ]) {
        const found = await plan(query);
        assert.doesNotMatch(found, /Seq Scan on (devices|device_\w+|identity_lookup)/, found);
        assert.match(found, /Index/, found);
      }
    });

  for (const sort of deviceSorts)
    for (const descending of [false, true])
      test(`the order by ${sort}${descending ? ', descending,' : ''} is that of an index, from the first page on`, async () => {
        const position = { id: '00000000-0000-7000-8000-000000000009', key: new Date('2026-01-02T00:00:00Z') };
        for (const after of [undefined, position]) {
          const [found = ''] = (await plan(listDevices({}, after, 51, { sort, descending }))).split('SubPlan');
          assert.doesNotMatch(found, /Seq Scan on (devices|device_contact)|Sort/, found);
        }
      });

  test('an Inform within the hour of the one before writes no index, one of the next hour does', async () => {
    const hot = (at: string) =>
      database.db.transaction(async (tx) => {
        const counter = `select pg_stat_get_xact_tuples_hot_updated('device_contact'::regclass)::int as hot`;
        const count = async () => (await tx.query<{ hot: number }>({ text: counter })).rows[0]?.hot ?? 0;
        const before = await count();
        const text = 'update device_contact set last_inform_at = $2 where device_id = $1';
        await tx.query({ text, values: ['00000000-0000-7000-8000-000000000005', at] });
        return (await count()) - before;
      });
    await hot('2026-03-01T10:00:00Z');
    assert.equal(await hot('2026-03-01T10:59:59Z'), 1);
    assert.equal(await hot('2026-03-01T11:00:00Z'), 0);
  });
});
