import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AuditFilter, listAudit } from '../../src/trust/audit-listing.ts';
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
