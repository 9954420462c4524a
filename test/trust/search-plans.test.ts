import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ChangeFilter } from '../../src/fleet/change-search.ts';
import { changeSearch } from '../../src/fleet/change-search-queries.ts';
import type { TaskSearch } from '../../src/fleet/task-search.ts';
import { taskSearch } from '../../src/fleet/task-search-queries.ts';
import { boundedPage } from '../../src/platform/bounded-search-queries.ts';
import type { Query } from '../../src/platform/postgres.ts';
import { type DecisionFilter, decisionKeys, findDecisions } from '../../src/trust/decision-search.ts';
import { countDecisions, decisionSearches } from '../../src/trust/decision-search-queries.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillRegister } from '../support/filled-register.ts';

const device = '00000000-0000-7000-8000-000000000011';
const from = new Date(Date.now() - 120_000);
const before_ = { at: from, id: device };

const decisions: readonly DecisionFilter[] = [
  {},
  { from, until: new Date() },
  { reason: 'revoked_crl' },
  { peer: 'known' },
  { anchor: 'acme' },
  { address: '192.0.2.0/24' },
];

/** About devices alone. */
const admissions: readonly DecisionFilter[] = [
  ...decisions,
  { outcome: 'refused' },
  { outcome: 'admitted' },
  { deviceId: device },
  { group: 'tag-7' },
];

const changes: readonly ChangeFilter[] = [
  {},
  { deviceId: device },
  { action: 'block' },
  { actor: 'maria@noc' },
  { from, until: new Date() },
  { group: 'tag-7' },
];

const tasks: readonly TaskSearch[] = [
  {},
  { state: 'failed' },
  { state: 'done' },
  { kind: 'reboot' },
  { origin: 'maria' },
  { group: 'tag-7' },
];

/** As in a table of hundreds of millions: what a page may look at is a small part of it. */
const most = 500;

describe('decisions, changes and tasks', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    await fillRegister(database.db, { devices: 10_000, audit: 8 });
    await database.db.query({
      text: `insert into refusals (at, id, stage, reason, detail, peer, connection_id, listener, role, remote_address, remote_port)
             select now() - n * interval '1 second', gen_random_uuid(), 'path',
                    case when n % 5000 = 0 then 'revoked_crl' else 'unknown_ca' end, 'd', 'stranger', 'c', 'internet', 'serving',
                    ('198.51.100.' || n % 250)::inet, 40000 from generate_series(1, 40000) n`,
    });
    await database.db.query({
      text: `insert into tasks (device_id, id, kind, request, state, not_before, origin_kind, origin, created_at, finished_at)
             select ('00000000-0000-7000-8000-' || lpad(to_hex(n % 10000 + 1), 12, '0'))::uuid, gen_random_uuid(), 'reboot',
                    '{"kind":"reboot"}', case when n % 1000 = 0 then 'failed' else 'done' end, now(), 'cli', 'bench', now(), now()
               from generate_series(1, 40000) n`,
    });
    await database.db.query({ text: 'analyze' });
  });
  after(() => database.drop());

  /** Few rows are sorted: those of one device, or those of a group among the rows looked at. */
  async function assertBounded(query: Query, filter: object = {}): Promise<void> {
    const { rows } = await database.db.query<{ 'QUERY PLAN': string }>({ ...query, text: `explain ${query.text}` });
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    const [own = ''] = plan.split('SubPlan');
    assert.doesNotMatch(own, /Seq Scan on (admissions|refusals|changes|tasks)_?\w* t/, plan);
    assert.match(own, /Index (Only )?Scan/, plan);
    const few = 'deviceId' in filter || 'group' in filter;
    if (!few) assert.doesNotMatch(own, /^\s*->\s*Sort {2}/m, plan);
  }

  for (const [table, filters] of [
    ['admissions', admissions],
    ['refusals', decisions],
  ] as const)
    for (const filter of filters)
      test(`${table} by ${Object.keys(filter).join(' and ') || 'nothing'}: a page reads an index in the order of time`, async () => {
        await assertBounded(boundedPage(decisionSearches[table], filter, 51, most), filter);
        await assertBounded(boundedPage(decisionSearches[table], { ...filter, before: before_ }, 51, most), filter);
      });

  for (const filter of changes)
    test(`changes by ${Object.keys(filter).join(' and ') || 'nothing'}: a page reads an index in the order of time`, async () => {
      await assertBounded(boundedPage(changeSearch, filter, 51, most), filter);
      await assertBounded(boundedPage(changeSearch, { ...filter, before: before_ }, 51, most), filter);
    });

  for (const filter of tasks)
    test(`tasks by ${Object.keys(filter).join(' and ') || 'nothing'}: a page reads an index in the order of their making`, async () => {
      await assertBounded(boundedPage(taskSearch, filter, 51, most), filter);
      await assertBounded(boundedPage(taskSearch, { ...filter, before: device }, 51, most), filter);
    });

  test('what is counted is the newest, whatever there is behind', async () => {
    for (const key of decisionKeys) {
      const { rows } = await database.db.query<{ complete: boolean; counts: { count: number }[] }>(
        countDecisions('refusals', {}, key, most),
      );
      assert.equal(rows[0]?.complete, false);
      assert.equal(
        rows[0]?.counts.reduce((sum, { count }) => sum + count, 0),
        most,
      );
    }
  });

  test('what is rare is found by going on, page by page, though pages are empty', async () => {
    const found: string[] = [];
    let pages = 0;
    let before: { at: Date; id: string } | undefined;
    do {
      const page = await findDecisions(database.db, 'refusals', { address: '198.51.100.7' }, { limit: 100, before });
      found.push(...page.rows.map(({ id }) => id));
      before = page.next;
      pages += 1;
    } while (before !== undefined && pages < 20);
    assert.equal(new Set(found).size, 160);
  });
});
