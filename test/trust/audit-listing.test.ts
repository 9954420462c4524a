import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AuditFilter, listAudit } from '../../src/trust/audit-listing.ts';
import { createApiKeys } from '../../src/trust/access/api-keys.ts';
import { auditPage } from '../../src/trust/audit-listing-queries.ts';
import { changeRevocation } from '../../src/trust/revocation/changes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { admitted, by, handshake, newCell, newEui, newNode, newPki, type Node } from './world.ts';

describe('the audit, listed', () => {
  let database: TestDatabase;
  let node: Node;
  let device = '';
  before(async () => {
    database = await createTestDatabase();
    const pki = await newPki();
    node = await newNode(database.db, pki);
    const value = `${newEui()}.hnb.acme.example`;
    const identity = { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } as const;
    const added = await node.register.add(
      { identity },
      { actor: { kind: 'cli', name: 'olaf@noc' }, reason: '100% new' },
    );
    assert.ok(added.ok);
    device = added.deviceId;
    const cell = await newCell(pki, { dnsNames: [value] });
    for (let i = 0; i < 3; i += 1) {
      node.clock.advance(1000);
      node.gate.released(admitted(await node.gate.admit(handshake(cell.chain))));
    }
    node.clock.advance(1000);
    await node.register.block(device, { ...by, reason: 'stolen' });
    await node.gate.admit(handshake(cell.chain));
    await node.gate.close();
  });
  after(() => database.drop());

  const what = async (filter: AuditFilter, limit = 100): Promise<string[]> =>
    (await listAudit(database.db, filter, limit)).records.map((record) => record.what);

  test('is filtered by device, kind, person, reason and time, each alone and together', async () => {
    const all = await what({ device });
    assert.equal(all.length, 6);
    assert.deepEqual((await what({})).length, 6);
    assert.deepEqual(await what({ kind: 'change' }), ['block', 'add']);
    assert.deepEqual(await what({ kind: 'decision' }), ['refused', 'admitted', 'admitted', 'admitted']);
    assert.deepEqual(await what({ kind: 'suspicion' }), []);
    assert.deepEqual(await what({ person: 'olaf' }), ['add']);
    assert.deepEqual(await what({ person: '%' }), [], 'a wildcard is a character');
    assert.deepEqual(await what({ reason: '100%' }), ['add']);
    assert.deepEqual(await what({ reason: 'device_blocked' }), ['refused']);
    assert.deepEqual(await what({ reason: 'block' }), ['block']);
    assert.deepEqual(await what({ person: 'olaf', kind: 'decision' }), [], 'a decision is nobody’s');
    assert.deepEqual(await what({ device: '00000000-0000-7000-8000-000000000001' }), []);
    const { records } = await listAudit(database.db, { device }, 100);
    const since = records[1]?.at ?? new Date();
    assert.deepEqual(await what({ since, device }), all.slice(0, 2));
    assert.deepEqual(await what({ until: since, device }), all.slice(2));
  });

  test('has changes of revocation and of access, by their people, and under no device', async () => {
    const { db } = database;
    const actor = { kind: 'operator', name: 'olga@security' } as const;
    const at = new Date(node.clock.now().getTime() + 1000);
    for (const subject of ['1', '2'])
      await changeRevocation(db, (_, record) =>
        record({ at, actor, action: 'policy_applied', subject, reason: 'stricter', after: { strict: true } }),
      );
    node.clock.advance(2000);
    await createApiKeys({ db, clock: node.clock }).create({ name: 'grafana', role: 'viewer' }, { actor });
    assert.deepEqual(await what({ person: 'security' }), ['key_created', 'policy_applied', 'policy_applied']);
    assert.deepEqual(await what({ person: 'o', reason: 'stricter' }), ['policy_applied', 'policy_applied']);
    assert.deepEqual(await what({ kind: 'access' }), ['key_created']);
    assert.deepEqual(await what({ kind: 'revocation', device }), []);
    const [newest] = (await listAudit(db, { kind: 'revocation' }, 1)).records;
    assert.deepEqual(
      [newest?.deviceId, newest?.actor, newest?.after],
      [null, 'olga@security', { subject: '2', after: { strict: true } }],
    );
  });

  test('of a person is served by the index on people, however many rows devices wrote', async () => {
    const { db } = database;
    await db.query({
      text: `insert into changes (device_id, at, id, actor_kind, actor, action)
             select gen_random_uuid(), now(), gen_random_uuid(), 'device', 'acme: ' || n, 'learn_serial'
               from generate_series(1, 5000) n`,
    });
    await db.query({ text: 'analyze changes' });
    const query = auditPage({ person: 'olaf' }, 51);
    const { rows } = await db.query<{ 'QUERY PLAN': string }>({ ...query, text: `explain ${query.text}` });
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    assert.doesNotMatch(plan, /Seq Scan on changes/, plan);
    assert.deepEqual(await what({ person: 'acme' }), [], 'a device is no person');
    await db.query({ text: 'alter table changes disable trigger user' });
    await db.query({ text: `delete from changes where actor_kind = 'device'` });
    await db.query({ text: 'alter table changes enable trigger user' });
  });

  test('by pages shows each row once, in the same order', async () => {
    const { records } = await listAudit(database.db, {}, 100);
    const seen: string[] = [];
    let after: AuditFilter['after'];
    do {
      const page = await listAudit(database.db, after === undefined ? {} : { after }, 2);
      seen.push(...page.records.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual(
      seen,
      records.map(({ id }) => id),
    );
  });
});
