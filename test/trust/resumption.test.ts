import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { by, type Cell, handshake, newCell, newEui, newNode, newPki, type Node, type Pki, verdict } from './world.ts';

describe('a resumed TLS session, which shows the leaf alone', () => {
  let database: TestDatabase;
  let pki: Pki;
  let first: Node;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    first = await newNode(database.db, pki);
  });
  after(async () => {
    await first.gate.close();
    await database.drop();
  });

  async function enrol(): Promise<{ cell: Cell; deviceId: string }> {
    const value = `${newEui()}.hnb.acme.example`;
    const added = await first.register.add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } },
      by,
    );
    assert.ok(added.ok);
    return { cell: await newCell(pki, { dnsNames: [value] }), deviceId: added.deviceId };
  }

  const full = (node: Node, cell: Cell) => node.gate.admit(handshake(cell.chain));
  const resume = (node: Node, cell: Cell) =>
    node.gate.admit(handshake(cell.chain.slice(0, 1), { resumed: true, cipherSuite: 'TLS_AES_256_GCM_SHA384' }));

  test('is judged in full from what the first handshake left behind', async () => {
    const { cell, deviceId } = await enrol();
    assert.equal(verdict(await full(first, cell)), 'admitted');
    const admission = await resume(first, cell);
    assert.equal(verdict(admission), 'admitted');
    assert.ok(admission.outcome === 'admitted' && admission.path.intermediates.length === 1);
    await first.register.block(deviceId, by);
    assert.equal(verdict(await resume(first, cell)), 'device_blocked/blocked/known');
  });

  test('is judged on another node from the stored chain, in two round trips the first time and one after', async (t) => {
    const { cell } = await enrol();
    assert.equal(verdict(await full(first, cell)), 'admitted');
    const second = await newNode(database.db, pki);
    const query = t.mock.method(database.db, 'query');
    // The audit writes in its own time.
    const asked = (): number =>
      query.mock.calls.filter(({ arguments: [one] }) => !one?.name?.startsWith('trust_insert')).length;
    assert.equal(verdict(await resume(second, cell)), 'admitted');
    assert.equal(asked(), 2);
    assert.equal(verdict(await resume(second, cell)), 'admitted');
    assert.equal(asked(), 3);
    const sister = await enrol();
    await full(first, sister.cell);
    query.mock.resetCalls();
    assert.equal(verdict(await resume(second, sister.cell)), 'admitted');
    assert.equal(asked(), 1, 'cells of one manufacturer share their chain');
    await second.gate.close();
  });

  test('of a leaf that was never kept is judged with the chain of its issuer', async () => {
    const { cell } = await enrol();
    assert.equal(verdict(await full(first, cell)), 'admitted');
    const value = `${newEui()}.hnb.acme.example`;
    const stranger = await newCell(pki, { dnsNames: [value] });
    const second = await newNode(database.db, pki);
    assert.equal(verdict(await resume(second, stranger)), 'device_unknown/not_registered/trusted-chain');
    await second.gate.close();
  });

  test('is refused when nothing is stored of its chain', async () => {
    const otherDatabase = await createTestDatabase();
    const lonely = await newNode(otherDatabase.db, pki);
    const cell = await newCell(pki, { dnsNames: [`${newEui()}.hnb.acme.example`] });
    assert.match(verdict(await resume(lonely, cell)), /^chain_(incomplete|untrusted)\//);
    await lonely.gate.close();
    await otherDatabase.drop();
  });

  test('of an expired certificate is refused, though it was good when the session began', async () => {
    const { cell } = await enrol();
    assert.equal(verdict(await full(first, cell)), 'admitted');
    const later = await newNode(database.db, pki);
    later.clock.set(new Date('2030-01-01T00:00:00Z'));
    assert.equal(verdict(await resume(later, cell)), 'cert_expired/expired/known');
    await later.gate.close();
  });

  test('is not held against an old verdict of OpenSSL', async () => {
    const { cell } = await enrol();
    assert.equal(verdict(await full(first, cell)), 'admitted');
    const resumed = handshake(cell.chain.slice(0, 1), { resumed: true, secondLock: 'CERT_HAS_EXPIRED' });
    assert.equal(verdict(await first.gate.admit(resumed)), 'admitted');
  });
});
