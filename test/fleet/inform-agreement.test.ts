import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AdmittedConnection, InformOutcome } from '../../src/fleet/informs.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  admitted,
  by,
  type Cell,
  handshake,
  newCell,
  newEui,
  newNode,
  newPki,
  type Node,
  type Pki,
} from '../trust/world.ts';
import { informOf, rowsOf } from './informs.ts';

describe('the Inform must agree with the certificate', () => {
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

  interface Device {
    readonly deviceId: string;
    readonly cell: Cell;
  }

  async function newDevice(serial?: { oui: string; productClass?: string; serialNumber: string }): Promise<Device> {
    const value = `${newEui()}.hnb.acme.example`;
    const identity = { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } as const;
    const added = await node.register.add({ identity, ...(serial && { serial }) }, by);
    assert.ok(added.ok);
    return { deviceId: added.deviceId, cell: await newCell(pki, { dnsNames: [value] }) };
  }
  const connect = async (device: Device): Promise<AdmittedConnection> =>
    admitted(await node.gate.admit(handshake(device.cell.chain)));
  const say = async (connection: AdmittedConnection, ...claim: Parameters<typeof informOf>) =>
    node.informs.recordInform({ connection, inform: informOf(...claim), cwmpVersion: '1.0' });
  const inform = async (device: Device, ...claim: Parameters<typeof informOf>) => say(await connect(device), ...claim);
  const word = (outcome: InformOutcome): string =>
    outcome.kind === 'stored' ? (outcome.learnt ? 'learnt' : 'stored') : `${outcome.reason}/${outcome.detail}`;
  const serialOf = async ({ deviceId }: Device): Promise<string> => {
    const device = await node.register.show(deviceId);
    return `${device?.oui} ${device?.productClass} ${device?.serialNumber} ${device?.serialProvenance}`;
  };

  let serials = 0;
  const newSerial = (): string => {
    serials += 1;
    return `S${serials}`;
  };

  test('OUI and serial are learnt at first contact and hold from then on', async () => {
    const device = await newDevice();
    const serial = newSerial();
    assert.equal(word(await inform(device, serial)), 'learnt');
    assert.equal(word(await inform(device, serial)), 'stored');
    assert.equal(word(await inform(device, newSerial())), 'identity_mismatch/serial_changed');
    assert.equal(word(await inform(device, serial, { oui: '00A0BD' })), 'identity_mismatch/serial_changed');
    assert.equal(await serialOf(device), `00A0BC Femto ${serial} learnt`);
    assert.equal((await rowsOf(database.db, 'informs', device.deviceId)).length, 2);
  });

  test('a claim on what another device holds is a conflict, at first contact and later', async () => {
    const [owner, thief, convert] = await Promise.all([newDevice(), newDevice(), newDevice()]);
    const serial = newSerial();
    await inform(owner, serial);
    assert.equal(word(await inform(thief, serial)), 'identity_conflict/serial_of_another_device');
    assert.equal(
      word(await inform(thief, serial, { productClass: 'Other' })),
      'identity_conflict/serial_of_another_device',
    );
    await inform(convert, newSerial());
    assert.equal(word(await inform(convert, serial)), 'identity_conflict/serial_of_another_device');
    assert.equal(word(await inform(owner, serial)), 'stored');
    assert.equal(await serialOf(thief), 'null null null null');
    assert.equal((await node.register.show(thief.deviceId))?.state, 'expected');
  });

  test('an imported serial needs no learning and allows no other', async () => {
    const serial = newSerial();
    const device = await newDevice({ oui: '00a0bc', productClass: 'Femto', serialNumber: serial });
    assert.equal(word(await inform(device, newSerial())), 'identity_mismatch/serial_changed');
    assert.equal(word(await inform(device, serial)), 'stored');
    assert.equal(await serialOf(device), `00A0BC Femto ${serial} imported`);
    assert.equal((await node.register.show(device.deviceId))?.state, 'active');
  });

  test('an import beats what another device had said of itself', async () => {
    const liar = await newDevice();
    const serial = newSerial();
    await inform(liar, serial);
    const rightful = await newDevice({ oui: '00A0BC', productClass: 'Femto', serialNumber: serial });
    assert.equal(word(await inform(liar, serial)), 'identity_conflict/serial_of_another_device');
    assert.equal(word(await inform(rightful, serial)), 'stored');
    const lost = await rowsOf(database.db, 'changes', liar.deviceId);
    assert.ok(lost.some(({ action, actor }) => action === 'lose_serial' && actor === 'maria@noc'));
  });

  test('two imported devices may share OUI and serial under two product classes, and neither may be the other', async () => {
    const serial = newSerial();
    const [one, two] = [
      await newDevice({ oui: '00A0BC', productClass: 'A', serialNumber: serial }),
      await newDevice({ oui: '00A0BC', productClass: 'B', serialNumber: serial }),
    ];
    assert.equal(word(await inform(one, serial, { productClass: 'A' })), 'stored');
    assert.equal(word(await inform(two, serial, { productClass: 'B' })), 'stored');
    assert.equal(word(await inform(one, serial, { productClass: 'B' })), 'identity_conflict/serial_of_another_device');
    const taken = await node.register.add(
      {
        identity: { anchor: 'acme', kind: 'hnb-fqdn', value: `${newEui()}.hnb.acme.example`, oui: '00A0BC' },
        serial: { oui: '00A0BC', productClass: 'A', serialNumber: serial },
      },
      by,
    );
    assert.equal(!taken.ok && taken.problem.kind, 'serial_taken');
    assert.equal(!taken.ok && taken.problem.deviceId, one.deviceId);
  });

  test('product class, manufacturer and the case of the OUI may vary, and each new word is noted once', async () => {
    const device = await newDevice();
    const serial = newSerial();
    await inform(device, serial);
    for (let i = 0; i < 2; i += 1)
      assert.equal(
        word(await inform(device, serial, { oui: '00a0bc', productClass: 'Femto2', manufacturer: 'ACME' })),
        'stored',
      );
    const noted = (await rowsOf(database.db, 'changes', device.deviceId)).filter(
      ({ action }) => action === 'claim_varies',
    );
    assert.deepEqual(
      noted.map(({ before, after: to }) => [before, to]),
      [
        [
          { manufacturer: 'Acme', oui: '00A0BC', productClass: 'Femto' },
          { manufacturer: 'ACME', oui: '00a0bc', productClass: 'Femto2' },
        ],
      ],
    );
    assert.equal(await serialOf(device), `00A0BC Femto ${serial} learnt`);
  });

  test('who says something else each time fills neither the audit nor the list of conflicts', async () => {
    const [owner, liar] = await Promise.all([newDevice(), newDevice()]);
    const [serial, own] = [newSerial(), newSerial()];
    await inform(owner, serial);
    await inform(liar, own);
    for (let n = 0; n < 15; n += 1)
      assert.equal(word(await inform(liar, own, { manufacturer: `Acme ${n}` })), 'stored');
    const noted = (await rowsOf(database.db, 'changes', liar.deviceId)).filter(
      ({ action }) => action === 'claim_varies',
    );
    assert.equal(noted.length, 10);
    for (let n = 0; n < 103; n += 1)
      assert.equal(
        word(await inform(liar, serial, { productClass: `Model ${n}` })),
        'identity_conflict/serial_of_another_device',
      );
    const claimed = await rowsOf(database.db, 'serial_conflicts', liar.deviceId);
    assert.equal(claimed.length, 100);
    await inform(liar, serial, { productClass: 'Model 7' });
    const again = (await rowsOf(database.db, 'serial_conflicts', liar.deviceId)).find(
      ({ product_class }) => product_class === 'Model 7',
    );
    assert.equal(again?.claims, 2);
  });

  test('an Inform without OUI or serial is refused', async () => {
    const device = await newDevice();
    assert.equal(word(await inform(device, '')), 'identity_mismatch/serial_missing');
    assert.equal(word(await inform(device, newSerial(), { oui: '' })), 'identity_mismatch/serial_missing');
  });

  test('a common name OUI-ProductClass-Serial is what the Inform has to say', async () => {
    const serial = newSerial();
    const identity = { anchor: 'acme', kind: 'oui-serial', value: `00A0BC-Femto-${serial}`, oui: '00A0BC' } as const;
    const added = await node.register.add({ identity }, by);
    assert.ok(added.ok);
    const device = {
      deviceId: added.deviceId,
      cell: await newCell(pki, { commonNames: [`00a0bc-Femto-${serial}`] }),
    };
    assert.equal(word(await inform(device, newSerial())), 'identity_mismatch/serial_not_of_certificate');
    assert.equal(
      word(await inform(device, serial, { productClass: 'Other' })),
      'identity_mismatch/serial_not_of_certificate',
    );
    assert.equal(word(await inform(device, serial)), 'learnt');
  });

  test('a device that is blocked while it is connected has no session', async () => {
    const device = await newDevice();
    const serial = newSerial();
    await inform(device, serial);
    const connection = await connect(device);
    await node.register.block(device.deviceId, by);
    assert.equal(word(await say(connection, serial)), 'device_blocked/state_changed');
    assert.equal((await rowsOf(database.db, 'informs', device.deviceId)).length, 1);
  });

  test('the admission has its row with the first Inform of the connection, and only once', async () => {
    const device = await newDevice();
    const serial = newSerial();
    const connection = await connect(device);
    for (let i = 0; i < 3; i += 1) await say(connection, serial);
    assert.equal(node.informs.hasAdmissionRow(connection), true);
    const rows = await rowsOf(database.db, 'admissions', device.deviceId);
    assert.equal(rows.length, 1);
    const [row] = rows;
    assert.deepEqual(
      [row?.id, row?.outcome, row?.peer, row?.tls_version, row?.cipher_suite, row?.resumed, row?.anchor],
      [connection.id, 'admitted', 'known', 'TLSv1.3', 'TLS_AES_128_GCM_SHA256', false, 'acme'],
    );
    const informs = await rowsOf(database.db, 'informs', device.deviceId);
    assert.deepEqual(
      informs.map(({ admission_id }) => admission_id),
      [connection.id, connection.id, connection.id],
    );
  });

  test('a refused Inform leaves the admission row, for the device did pass the gate', async () => {
    const [owner, thief] = await Promise.all([newDevice(), newDevice()]);
    const serial = newSerial();
    await inform(owner, serial);
    await inform(thief, serial);
    assert.equal((await rowsOf(database.db, 'admissions', thief.deviceId)).length, 1);
    assert.equal((await rowsOf(database.db, 'informs', thief.deviceId)).length, 0);
  });

  test('when the database fails nothing is stored and the row is still owed', async (t) => {
    const device = await newDevice();
    const connection = await connect(device);
    t.mock.method(database.db, 'query', () => Promise.reject(new Error('gone')), { times: 1 });
    await assert.rejects(say(connection, newSerial()), /gone/);
    assert.equal(node.informs.hasAdmissionRow(connection), false);
  });

  describe('two first contacts at once', () => {
    test('with one serial: one device has it, the others are in conflict', async () => {
      for (let round = 0; round < 5; round += 1) {
        const devices = await Promise.all([newDevice(), newDevice(), newDevice(), newDevice()]);
        const connections = await Promise.all(devices.map(connect));
        const serial = newSerial();
        // Product classes differ, so that it is not the primary key alone that keeps them apart.
        const outcomes = await Promise.all(
          connections.map((connection, i) => say(connection, serial, { productClass: `P${i % 2}` })),
        );
        assert.deepEqual(outcomes.map(word).toSorted(), [
          'identity_conflict/serial_of_another_device',
          'identity_conflict/serial_of_another_device',
          'identity_conflict/serial_of_another_device',
          'learnt',
        ]);
        const { rows } = await database.db.query({
          text: 'select device_id from device_serials where serial_number = $1',
          values: [serial],
        });
        assert.equal(rows.length, 1);
      }
    });

    test('of one device with two serials: one is learnt, the other is a mismatch', async () => {
      for (let round = 0; round < 5; round += 1) {
        const device = await newDevice();
        const connections = await Promise.all([connect(device), connect(device), connect(device)]);
        const outcomes = await Promise.all(connections.map((connection) => say(connection, newSerial())));
        assert.deepEqual(outcomes.map(word).toSorted(), [
          'identity_mismatch/serial_changed',
          'identity_mismatch/serial_changed',
          'learnt',
        ]);
        assert.equal((await rowsOf(database.db, 'device_serials', device.deviceId)).length, 1);
      }
    });

    test('of one device with the same serial: all are stored', async () => {
      for (let round = 0; round < 5; round += 1) {
        const device = await newDevice();
        const serial = newSerial();
        const connections = await Promise.all([connect(device), connect(device), connect(device)]);
        const outcomes = await Promise.all(connections.map((connection) => say(connection, serial)));
        assert.deepEqual(outcomes.map(word).toSorted(), ['learnt', 'stored', 'stored']);
      }
    });
  });
});
