import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createInformRecorder } from '../../src/fleet/informs.ts';
import { readPlace } from '../../src/fleet/places.ts';
import { createSuspicions, type Suspicion, type Suspicions } from '../../src/fleet/suspicions.ts';
import { createPlaceWatch } from '../../src/trust/place-watch.ts';
import { informOf } from '../fleet/informs.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { suspicionsOf } from './suspicions-of.ts';
import { admitted, by, handshake, newCell, newEui, newNode, newPki, type Pki } from './world.ts';

const logger = pino({ level: 'silent' });

describe('a device at two addresses, on two nodes', () => {
  let database: TestDatabase;
  let pki: Pki;
  const stops: (() => Promise<void>)[] = [];
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
  });
  after(async () => {
    for (const stop of stops) await stop();
    await database.drop();
  });

  async function node() {
    const { db } = database;
    const seen: Suspicion[] = [];
    let suspicions: Suspicions | undefined;
    const made = await newNode(db, pki, { suspicions: (deps) => (suspicions = createSuspicions(deps)) });
    const places = createPlaceWatch({ db, logger });
    const informs = createInformRecorder({ db, clock: made.clock, moved: places.tell });
    const suspect = (suspicion: Suspicion): void => {
      seen.push(suspicion);
      suspicions?.suspect(suspicion);
    };
    const stop = await places.watch(made.gate, suspect);
    stops.push(async () => {
      await stop();
      await made.gate.close();
      await suspicions?.close();
    });
    return { ...made, informs, seen, written: () => suspicions?.close() };
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 200 && !condition(); i += 1) await sleep(25);
    assert.ok(condition(), 'in time');
  }

  test('is suspected by the node that holds the older connection, and not once that has ended', async () => {
    const [one, two] = [await node(), await node()];
    const value = `${newEui()}.hnb.acme.example`;
    const added = await one.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    const cell = await newCell(pki, { dnsNames: [value] });
    const call = async (at: typeof one, remoteAddress: string) => {
      const connection = admitted(await at.gate.admit(handshake(cell.chain, { remoteAddress })));
      const stored = await at.informs.recordInform({ connection, inform: informOf('SN1'), cwmpVersion: '1.0' });
      assert.equal(stored.kind, 'stored');
      return connection;
    };
    const first = await call(one, '192.0.2.1');
    one.gate.released(first);
    const second = await call(two, '198.51.100.1');
    // What was told is behind this: notifications come in the order of their commits.
    const third = await call(one, '203.0.113.9');
    await until(() => two.seen.length === 1);
    assert.deepEqual(one.seen, [], 'its first connection had ended');
    const [{ kind, evidence } = assert.fail()] = two.seen;
    assert.deepEqual(
      [kind, evidence.address, evidence.otherAddress, evidence.otherConnectionId],
      ['two_addresses', '203.0.113.9', '198.51.100.1', second.handshake.connectionId],
    );
    await two.written();
    const suspicions = await suspicionsOf(database.db, added.deviceId);
    assert.deepEqual(
      suspicions.map((suspicion) => suspicion.kind),
      ['two_addresses'],
    );
    two.gate.released(second);
    await call(two, '203.0.113.9');
    one.gate.released(third);
    assert.equal(two.seen.length, 1, 'the same address is no sign');
  });

  test('is read from what a node says and from nothing else', () => {
    for (const payload of ['', 'x', '{}', '[]', 'null', '{"deviceId":"x"}'])
      assert.equal(readPlace(payload), undefined, payload);
  });
});
