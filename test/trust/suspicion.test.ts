import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createSuspicions, type Suspicions } from '../../src/fleet/suspicions.ts';
import type { HemsEvent } from '../../src/platform/events.ts';
import { informOf } from '../fleet/informs.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { suspicionsOf } from './suspicions-of.ts';
import { admitted, by, handshake, type Node, newCell, newEui, newNode, newPki, type Pki, verdict } from './world.ts';

describe('what looks as if a device were not who it was', () => {
  let database: TestDatabase;
  let pki: Pki;
  let node: Node;
  let suspicions: Suspicions;
  const events: HemsEvent[] = [];
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    node = await newNode(database.db, pki, {
      anchors: { acme: { afterEnrolment: 'initial-only' }, zenith: { afterEnrolment: 'refuse' } },
      suspicions: (deps) => {
        suspicions = createSuspicions(deps);
        return suspicions;
      },
    });
    node.bus.subscribe((event) => void events.push(event));
  });
  after(async () => {
    await node.gate.close();
    await database.drop();
  });

  async function enrolled(anchor: 'acme' | 'zenith' = 'acme') {
    const value = `${newEui()}.hnb.${anchor}.example`;
    const added = await node.register.add({ identity: { anchor, kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    const cell = await newCell(pki, { anchor, dnsNames: [value] });
    return { deviceId: added.deviceId, value, cell };
  }

  const admit = async (chain: readonly Uint8Array[], facts = {}) => node.gate.admit(handshake(chain, facts));

  /** Kind and evidence of what stands against a device. */
  async function against(deviceId: string) {
    await suspicions.close();
    return suspicionsOf(database.db, deviceId);
  }

  const kinds = async (deviceId: string): Promise<string[]> => (await against(deviceId)).map(({ kind }) => kind).sort();

  test('a second key, with both keys as evidence, once an hour', async () => {
    const { deviceId, value, cell } = await enrolled();
    admitted(await admit(cell.chain));
    assert.deepEqual(await kinds(deviceId), []);
    for (let i = 0; i < 3; i += 1) await admit((await newCell(pki, { dnsNames: [value] })).chain);
    const [suspicion, ...more] = await against(deviceId);
    assert.deepEqual([suspicion?.kind, more], ['two_keys', []]);
    const evidence = suspicion?.evidence as { fingerprint: string; known: { certificates: { fingerprint: string }[] } };
    assert.ok(evidence.known.certificates.some(({ fingerprint }) => fingerprint !== evidence.fingerprint));
    const event = events.find((one) => one.kind === 'suspicion' && one.deviceId === deviceId);
    assert.ok(event?.kind === 'suspicion' && event.suspicion === 'two_keys');
    assert.match(await node.metrics.metrics(), /hems_fleet_suspicions_total\{kind="two_keys"\} [1-9]/);
  });

  test('two addresses at once, and not one after the other', async () => {
    const { deviceId, cell } = await enrolled();
    const first = admitted(await admit(cell.chain, { remoteAddress: '192.0.2.1' }));
    node.gate.released(first);
    const second = admitted(await admit(cell.chain, { remoteAddress: '198.51.100.1' }));
    admitted(await admit(cell.chain, { remoteAddress: '::ffff:198.51.100.1' }));
    assert.deepEqual(await kinds(deviceId), []);
    admitted(await admit(cell.chain, { remoteAddress: '203.0.113.9' }));
    const [suspicion] = await against(deviceId);
    assert.equal(suspicion?.kind, 'two_addresses');
    assert.deepEqual([suspicion.evidence.address, suspicion.evidence.otherAddress], ['203.0.113.9', '198.51.100.1']);
    node.gate.released(second);
  });

  test('another serial than before, and that of another device', async () => {
    const [one, two] = [await enrolled(), await enrolled()];
    const inform = async ({ cell }: typeof one, serial: string) => {
      const connection = admitted(await admit(cell.chain));
      const outcome = await node.informs.recordInform({ connection, inform: informOf(serial), cwmpVersion: '1.0' });
      node.gate.released(connection);
      return outcome.kind;
    };
    assert.equal(await inform(one, `A-${one.value}`), 'stored');
    assert.equal(await inform(two, `A-${one.value}`), 'refused');
    assert.equal(await inform(one, 'B\u001b'), 'refused');
    assert.deepEqual([await kinds(one.deviceId), await kinds(two.deviceId)], [['two_claims'], ['two_claims']]);
    const [own] = await against(one.deviceId);
    assert.equal(own?.evidence.serialNumber, 'B\\u{1b}');
    const known = own?.evidence.known as { serialNumber: string } | undefined;
    assert.equal(known?.serialNumber, `A-${one.value}`);
  });

  test('a certificate of the same key and another serial in mid-life, or of another device', async () => {
    const { deviceId, value, cell } = await enrolled();
    admitted(await admit(cell.chain));
    admitted(await admit((await newCell(pki, { dnsNames: [value], key: cell.pair })).chain));
    assert.deepEqual(await kinds(deviceId), ['certificate_twin']);
    const other = await enrolled();
    admitted(await admit((await newCell(pki, { dnsNames: [other.value], key: cell.pair })).chain));
    const [suspicion] = await against(other.deviceId);
    assert.deepEqual([suspicion?.kind, suspicion?.evidence.twinDevice], ['certificate_twin', deviceId]);
  });

  test('a renewal with the same key late in a certificate’s life is none', async () => {
    const { deviceId, value } = await enrolled();
    const old = await newCell(pki, { dnsNames: [value], notAfter: new Date('2026-05-20T00:00:00Z') });
    admitted(await admit(old.chain));
    admitted(await admit((await newCell(pki, { dnsNames: [value], key: old.pair })).chain));
    assert.deepEqual(await kinds(deviceId), []);
  });

  test('a retired or replaced device that comes back', async () => {
    const [gone, old, fresh] = [await enrolled(), await enrolled(), await enrolled()];
    await node.register.retire(gone.deviceId, by);
    await node.register.replace(old.deviceId, fresh.deviceId, by);
    for (const { cell } of [gone, old]) assert.equal((await admit(cell.chain)).outcome, 'refused');
    assert.deepEqual(
      (await against(gone.deviceId)).map(({ kind, evidence }) => [kind, evidence.was]),
      [['gone_device_returned', 'retired']],
    );
    assert.deepEqual(
      (await against(old.deviceId)).map(({ kind, evidence }) => [kind, evidence.was]),
      [['gone_device_returned', 'replaced']],
    );
  });

  test('a device without fault is under no suspicion', async () => {
    const { deviceId, cell } = await enrolled();
    for (let i = 0; i < 3; i += 1) admitted(await admit(cell.chain));
    assert.deepEqual(await kinds(deviceId), []);
  });

  test('once enrolled to the operator’s PKI, the manufacturer’s identity is good for what its anchor says', async () => {
    for (const [anchor, initial] of [
      ['acme', 'admitted'],
      ['zenith', 'identity_superseded/enrolled_with_operator/known'],
    ] as const) {
      const { deviceId, value, cell } = await enrolled(anchor);
      const own = value.replace(anchor, 'operator');
      const identity = { anchor: 'operator', kind: 'hnb-fqdn', value: own, oui: '00A0BC' } as const;
      assert.ok((await node.register.add({ identity, deviceId }, by)).ok);
      assert.equal(verdict(await admit(cell.chain)), 'admitted', 'until it has come with the new one');
      admitted(await admit((await newCell(pki, { anchor: 'operator', dnsNames: [own] })).chain));
      assert.equal(verdict(await admit(cell.chain)), 'identity_superseded/enrolled_with_operator/known');
      assert.equal(verdict(await admit(cell.chain, { role: 'initial' })), initial);
    }
  });
});
