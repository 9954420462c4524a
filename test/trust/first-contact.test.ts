import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { informOf, rowsOf } from '../fleet/informs.ts';
import { admitted, by, handshake, newCell, newEui, newNode, newPki, type Node, type Pki, verdict } from './world.ts';

describe('first contact', () => {
  let database: TestDatabase;
  let pki: Pki;
  let node: Node;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    node = await newNode(database.db, pki);
  });
  after(async () => {
    await node.gate.close();
    await database.drop();
  });

  const expect = async (fqdn: string, anchor = 'acme'): Promise<string> => {
    const oui = fqdn.slice(0, 6).toUpperCase();
    const added = await node.register.add({ identity: { anchor, kind: 'hnb-fqdn', value: fqdn, oui } }, by);
    assert.ok(added.ok);
    return added.deviceId;
  };

  test('a device that the operator expects is admitted by its certificate, and its Inform makes it active', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    const deviceId = await expect(fqdn);
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    const admission = admitted(await node.gate.admit(handshake(cell.chain)));
    assert.equal(admission.deviceId, deviceId);
    assert.equal(admission.identity.value, fqdn);
    const outcome = await node.informs.recordInform({
      connection: admission,
      inform: informOf('S1'),
      cwmpVersion: '1.2',
    });
    assert.deepEqual([outcome.kind, outcome.kind === 'stored' && outcome.learnt], ['stored', true]);
    node.gate.released(admission);
    const device = await node.register.show(deviceId);
    assert.equal(device?.state, 'active');
    assert.deepEqual(
      [device?.oui, device?.productClass, device?.serialNumber, device?.serialProvenance],
      ['00A0BC', 'Femto', 'S1', 'learnt'],
    );
    assert.equal(device?.certificates[0]?.state, 'approved');
    assert.equal(device?.lastInform?.softwareVersion, '1.0.7');
    assert.deepEqual(
      device?.decisions.map(({ outcome: word, id }) => [word, id]),
      [['admitted', admission.id]],
    );
    assert.deepEqual(device?.changes.map(({ action }) => action).toSorted(), ['activate', 'add', 'learn_serial']);
  });

  test('a known device costs the gate one round trip and its Inform one more', async (t) => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    await expect(fqdn);
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    const session = async (): Promise<void> => {
      const admission = admitted(await node.gate.admit(handshake(cell.chain)));
      await node.informs.recordInform({ connection: admission, inform: informOf(fqdn), cwmpVersion: '1.0' });
      node.gate.released(admission);
    };
    await session();
    const query = t.mock.method(database.db, 'query');
    const transaction = t.mock.method(database.db, 'transaction');
    await session();
    assert.deepEqual([query.mock.callCount(), transaction.mock.callCount()], [2, 0]);
  });

  test('without a certificate nobody is admitted', async () => {
    assert.equal(verdict(await node.gate.admit(handshake([]))), 'no_client_cert/empty_chain/stranger');
  });

  test('an identity that the operator does not know is refused, as one with a trusted chain', async () => {
    const cell = await newCell(pki, { dnsNames: [`${newEui()}.hnb.acme.example`] });
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'device_unknown/not_registered/trusted-chain');
  });

  test('the same name under another anchor is another identity', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    await expect(fqdn, 'operator');
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    assert.match(verdict(await node.gate.admit(handshake(cell.chain))), /^device_unknown/);
  });

  test('an anchor that the door does not accept leads nowhere, also for a leaf known at another door', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    await expect(fqdn);
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    admitted(await node.gate.admit(handshake(cell.chain)));
    const elsewhere = handshake(cell.chain, { listener: 'outside', anchors: ['zenith', 'operator'] });
    assert.match(verdict(await node.gate.admit(elsewhere)), /^chain_untrusted\/\w+\/stranger$/);
    const resumed = handshake(cell.chain.slice(0, 1), { listener: 'outside', anchors: ['zenith'], resumed: true });
    assert.match(verdict(await node.gate.admit(resumed)), /^chain_(untrusted|incomplete)\/\w+\/stranger$/);
  });

  test('an admission without an Inform has its row when the connection ends', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    const deviceId = await expect(fqdn);
    const cell = await newCell(pki, { dnsNames: [fqdn] });
    const admission = admitted(await node.gate.admit(handshake(cell.chain, { remoteAddress: '::ffff:198.51.100.3' })));
    node.gate.released(admission);
    await node.gate.close();
    const [row, ...more] = await rowsOf(database.db, 'admissions', deviceId);
    assert.equal(more.length, 0);
    assert.equal(row?.id, admission.id);
    assert.equal(row?.remote_address, '198.51.100.3');
    assert.equal(row?.subject, 'CN=cell');
    assert.equal(row?.issuer, 'CN=acme Issuing,O=acme');
  });

  test('an expired certificate of a known device is refused as one of ours', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    const deviceId = await expect(fqdn);
    const cell = await newCell(pki, { dnsNames: [fqdn], notAfter: new Date('2026-05-01T00:00:00Z') });
    const refusal = await node.gate.admit(handshake(cell.chain));
    assert.equal(verdict(refusal), 'cert_expired/expired/known');
    assert.equal(refusal.deviceId, deviceId);
  });

  test('a forged chain that names a known device is refused as a stranger', async () => {
    const fqdn = `${newEui()}.hnb.acme.example`;
    await expect(fqdn);
    const forged = await newCell(await newPki(), { dnsNames: [fqdn] });
    assert.match(verdict(await node.gate.admit(handshake(forged.chain))), /^chain_untrusted\/\w+\/stranger$/);
  });
});
