import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { informOf, rowsOf } from '../fleet/informs.ts';
import { admitted, by, handshake, newCell, newEui, newNode, newPki, type Node, type Pki, verdict } from './world.ts';

describe('registration of identities that nobody entered', () => {
  let database: TestDatabase;
  let pki: Pki;
  let node: Node;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    node = await newNode(database.db, pki, {
      anchors: {
        acme: { registration: 'quarantine' },
        zenith: { registration: 'auto', autoRegistration: { ouis: ['00a0bc'], perHour: 3 } },
      },
    });
  });
  after(async () => {
    await node.gate.close();
    await database.drop();
  });

  const idOf = async (fqdn: string): Promise<string> => {
    const [id, ...more] = await node.register.find(fqdn);
    assert.equal(more.length, 0);
    assert.ok(id !== undefined);
    return id;
  };

  test('quarantine records the device and gives it no session until a person approves it', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    for (let i = 0; i < 2; i += 1)
      assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'device_quarantined/awaits_approval/known');
    const deviceId = await idOf(fqdn);
    assert.equal((await node.register.show(deviceId))?.origin, 'quarantine');
    const approved = await node.register.approve(deviceId, by);
    assert.deepEqual(approved.ok && approved.state, 'expected');
    const admission = admitted(await node.gate.admit(handshake(cell.chain)));
    await node.informs.recordInform({ connection: admission, inform: informOf(fqdn), cwmpVersion: '1.0' });
    assert.equal((await node.register.show(deviceId))?.state, 'active');
  });

  test('auto registers listed OUIs, at the rate allowed, and says why not otherwise', async () => {
    const listed = async (): Promise<string> => {
      const cell = await newCell(pki, { anchor: 'zenith', dnsNames: [`${newEui()}.hnb.zenith.example`] });
      return verdict(await node.gate.admit(handshake(cell.chain)));
    };
    const other = await newCell(pki, { anchor: 'zenith', dnsNames: [`${newEui('112233')}.hnb.zenith.example`] });
    assert.equal(verdict(await node.gate.admit(handshake(other.chain))), 'device_unknown/oui_not_listed/trusted-chain');
    assert.deepEqual(
      [await listed(), await listed(), await listed(), await listed()],
      ['admitted', 'admitted', 'admitted', 'device_unknown/registration_rate/trusted-chain'],
    );
    node.clock.advance(3_600_001);
    assert.equal(await listed(), 'admitted');
    node.clock.advance(3_600_001);
  });

  test('the rate holds when many come at once', async () => {
    const cells = await Promise.all(
      Array.from({ length: 8 }, () => newCell(pki, { anchor: 'zenith', dnsNames: [`${newEui()}.hnb.zenith.example`] })),
    );
    const verdicts = await Promise.all(
      cells.map(async (cell) => verdict(await node.gate.admit(handshake(cell.chain)))),
    );
    assert.equal(verdicts.filter((word) => word === 'admitted').length, 3);
    node.clock.advance(3_600_001);
  });

  test('two first contacts of one identity at once make one device', async () => {
    const fqdn = `${newEui()}.hnb.zenith.example`;
    const cell = await newCell(pki, { anchor: 'zenith', dnsNames: [fqdn] });
    const admissions = await Promise.all(
      Array.from({ length: 4 }, async () => admitted(await node.gate.admit(handshake(cell.chain)))),
    );
    const deviceId = await idOf(fqdn);
    assert.deepEqual([...new Set(admissions.map((admission) => admission.deviceId))], [deviceId]);
    const { rows } = await database.db.query({
      text: 'select 1 from device_identities where value = $1',
      values: [fqdn],
    });
    assert.equal(rows.length, 1);
    node.clock.advance(3_600_001);
  });

  test('a blocked device is refused and never made anew', async () => {
    const fqdn = `${newEui()}.hnb.zenith.example`;
    const cell = await newCell(pki, { anchor: 'zenith', dnsNames: [fqdn] });
    admitted(await node.gate.admit(handshake(cell.chain)));
    const deviceId = await idOf(fqdn);
    const blocked = await node.register.block(deviceId, { ...by, reason: 'stolen' });
    assert.ok(blocked.ok && blocked.changed);
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'device_blocked/blocked/known');
    const replaced = await newCell(pki, { anchor: 'zenith', dnsNames: [fqdn] });
    assert.equal(verdict(await node.gate.admit(handshake(replaced.chain))), 'device_blocked/blocked/known');
    assert.equal(await idOf(fqdn), deviceId);
    const changes = await rowsOf(database.db, 'changes', deviceId);
    const block = changes.find(({ action }) => action === 'block');
    assert.deepEqual(
      [block?.actor, block?.reason, block?.before, block?.after],
      ['maria@noc', 'stolen', { state: 'expected' }, { state: 'blocked' }],
    );
    assert.ok((await node.register.unblock(deviceId, by)).ok);
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'admitted');
  });

  test('a retired device is refused and never made anew', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    await node.gate.admit(handshake(cell.chain));
    const deviceId = await idOf(fqdn);
    await database.db.query({ text: `update devices set state = 'retired' where id = $1`, values: [deviceId] });
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'device_retired/retired/known');
    const again = await node.register.add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value: fqdn, oui: '00A0BC' } },
      by,
    );
    assert.equal(!again.ok && again.problem.kind, 'device_retired');
    for (const answer of [await node.register.unblock(deviceId, by), await node.register.approve(deviceId, by)])
      assert.equal(!answer.ok && answer.problem.kind, 'device_retired');
  });
});
