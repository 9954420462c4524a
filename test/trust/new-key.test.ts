import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { rowsOf } from '../fleet/informs.ts';
import {
  type AnchorName,
  admitted,
  by,
  handshake,
  newCell,
  newEui,
  newNode,
  newPki,
  type Node,
  type Pki,
  verdict,
} from './world.ts';

describe('a new key for a known identity', () => {
  let database: TestDatabase;
  let pki: Pki;
  let node: Node;
  let strict: Node;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    node = await newNode(database.db, pki);
    strict = await newNode(database.db, pki, { anchors: { acme: { onNewKey: 'refuse' } } });
  });
  after(async () => {
    await Promise.all([node.gate.close(), strict.gate.close()]);
    await database.drop();
  });

  async function known(anchor: AnchorName = 'acme') {
    const value = `${newEui()}.hnb.${anchor}.example`;
    const added = await node.register.add({ identity: { anchor, kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    const cell = await newCell(pki, { anchor, dnsNames: [value] });
    admitted(await node.gate.admit(handshake(cell.chain)));
    return { deviceId: added.deviceId, value, cell };
  }

  test('is held under a manufacturer until a person approves it; the old key goes on', async () => {
    const { deviceId, value, cell } = await known();
    const repaired = await newCell(pki, { dnsNames: [value] });
    assert.equal(verdict(await node.gate.admit(handshake(repaired.chain))), 'key_held/new_key/known');
    assert.equal(verdict(await node.gate.admit(handshake(repaired.chain))), 'key_held/key_awaits_approval/known');
    assert.equal((await node.register.show(deviceId))?.state, 'held');
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'admitted');
    const approved = await node.register.approve(deviceId, by);
    assert.deepEqual(approved.ok && approved.state, 'expected');
    assert.equal(verdict(await node.gate.admit(handshake(repaired.chain))), 'admitted');
    const changes = await rowsOf(database.db, 'changes', deviceId);
    assert.deepEqual(changes.map(({ action, actor_kind }) => `${actor_kind} ${action}`).toSorted(), [
      'cli add',
      'cli approve',
      'policy hold_key',
    ]);
  });

  test('the same key in a renewed certificate is no new key', async () => {
    const { deviceId, value, cell } = await known();
    const renewed = await newCell(pki, { dnsNames: [value], key: cell.pair });
    assert.equal(verdict(await node.gate.admit(handshake(renewed.chain))), 'admitted');
    assert.equal((await node.register.show(deviceId))?.certificates.length, 2);
  });

  test('a renewed certificate of a held key stays held, and one approval lets in both', async () => {
    const { deviceId, value } = await known();
    const repaired = await newCell(pki, { dnsNames: [value] });
    const renewed = await newCell(pki, { dnsNames: [value], key: repaired.pair });
    for (const cell of [repaired, renewed])
      assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'key_held/new_key/known');
    await node.register.approve(deviceId, by);
    for (const cell of [repaired, renewed])
      assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'admitted');
  });

  test('of several held keys a person must name one', async () => {
    const { deviceId, value } = await known();
    const cells = [await newCell(pki, { dnsNames: [value] }), await newCell(pki, { dnsNames: [value] })] as const;
    for (const cell of cells) await node.gate.admit(handshake(cell.chain));
    const unclear = await node.register.approve(deviceId, by);
    assert.equal(!unclear.ok && unclear.problem.kind, 'several_keys');
    const device = await node.register.show(deviceId);
    const held =
      device?.certificates.filter(({ state }) => state === 'held').map(({ fingerprint }) => fingerprint) ?? [];
    const chosen = await node.register.approve(deviceId, by, held[0]);
    assert.deepEqual(chosen.ok && chosen.state, 'held');
    const verdicts = await Promise.all(
      cells.map(async (cell) => verdict(await node.gate.admit(handshake(cell.chain)))),
    );
    assert.deepEqual(verdicts.toSorted(), ['admitted', 'key_held/key_awaits_approval/known']);
  });

  test("is admitted under the operator's own PKI, and noted", async () => {
    const { deviceId, value } = await known('operator');
    const renewed = await newCell(pki, { anchor: 'operator', dnsNames: [value] });
    assert.equal(verdict(await node.gate.admit(handshake(renewed.chain))), 'admitted');
    const changes = await rowsOf(database.db, 'changes', deviceId);
    assert.ok(changes.some(({ action, actor }) => action === 'admit_key' && actor === 'onNewKey: admit'));
  });

  test('is refused outright where the anchor says so, and not kept', async () => {
    const { deviceId, value } = await known();
    const other = await newCell(pki, { dnsNames: [value] });
    assert.equal(verdict(await strict.gate.admit(handshake(other.chain))), 'key_held/new_key_refused/known');
    assert.equal((await node.register.show(deviceId))?.certificates.length, 1);
  });

  test('the key of an operator identity does not count for the identity of the manufacturer', async () => {
    const { deviceId } = await known();
    const value = `${newEui()}.hnb.operator.example`;
    const identity = { anchor: 'operator', kind: 'hnb-fqdn', value, oui: '00A0BC' } as const;
    const linked = await node.register.add({ identity, deviceId }, by);
    assert.ok(linked.ok && !linked.created);
    const enrolled = await newCell(pki, { anchor: 'operator', dnsNames: [value] });
    const admission = admitted(await node.gate.admit(handshake(enrolled.chain)));
    assert.equal(admission.deviceId, deviceId);
  });

  test('of two keys that come at once to an identity never seen, one is the first and the other is held', async () => {
    const value = `${newEui()}.hnb.acme.example`;
    await node.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    const cells = await Promise.all([1, 2, 3].map(() => newCell(pki, { dnsNames: [value] })));
    const verdicts = await Promise.all(
      cells.map(async (cell) => verdict(await node.gate.admit(handshake(cell.chain)))),
    );
    assert.deepEqual(verdicts.toSorted(), ['admitted', 'key_held/new_key/known', 'key_held/new_key/known']);
  });

  test('a CA gone mad cannot fill the register: held certificates of a device are bounded', async () => {
    const { deviceId, value } = await known();
    for (let i = 0; i < 12; i += 1) {
      const cell = await newCell(pki, { dnsNames: [value] });
      assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'key_held/new_key/known');
    }
    assert.equal((await rowsOf(database.db, 'device_certificates', deviceId)).length, 9);
  });
});
