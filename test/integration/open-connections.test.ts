import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createFemtocell } from '../../src/simulator/femtocell.ts';
import { stage as dress, type Role } from '../../src/simulator/scenarios/cast.ts';
import { importEntries } from '../../src/trust/revocation/list-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { rowsFrom } from './evidence.ts';
import { cellOptions } from './further-ways.ts';
import { mintDevice } from './mint.ts';
import { applyPolicy, by, crlOf, holdOpen, importCrls, knownToServer } from './revoking.ts';
import { openStage, type Stage } from './stage.ts';

const acme = { name: 'acme', depth: 'end-entity', sources: [{ kind: 'uploaded-crl' }] };

describe('open connections are judged anew, on every node', { timeout: 120_000 }, () => {
  let database: TestDatabase;
  let first: Stage;
  let second: Stage;
  before(async () => {
    database = await createTestDatabase();
    [first, second] = [await openStage({ database }), await openStage({ database })];
    await importCrls(first, await crlOf(first, 'acme-issuing', []));
    await applyPolicy(first, [acme]);
    await knownToServer(second);
  });
  after(async () => {
    await first.stop();
    await second.stop();
    await database.drop();
  });

  /** One device with a connection to each node. */
  async function twice(device: Role) {
    const cell = await dress(first.context, device);
    const { credentials } = cell.options;
    const there = await dress(second.context, device);
    const twin = createFemtocell({ ...there.options, ...(credentials && { credentials }) });
    return Promise.all([holdOpen(first, cell), holdOpen(second, twin)]);
  }

  /** The refusal that stands beside the admission. */
  async function endedAs(stage: Stage, port: number, ...expected: readonly string[]): Promise<void> {
    const rows = await rowsFrom(stage.db, [port], 2);
    const refused = rows.find(({ outcome }) => outcome === 'refused');
    assert.deepEqual([refused?.stage, refused?.reason, refused?.detail], expected);
  }

  test('a device that is blocked has them closed', async () => {
    const device = await first.known();
    const open = await twice(device);
    await first.register.block(await first.deviceId(device), by);
    await Promise.all(open.map(({ closed }) => closed));
    await endedAs(first, open[0].port, 'session', 'device_blocked', 'state_changed');
    await endedAs(second, open[1].port, 'session', 'device_blocked', 'state_changed');
  });

  test('a certificate that is put on the operator’s list has them closed; its device stays what it is', async () => {
    const device = await first.known();
    const open = await twice(device);
    const entry = { kind: 'identity', key: device.identity, reason: 'unspecified', revokedAt: new Date() } as const;
    await importEntries(first.db, [entry], 'test', by, new Date());
    await Promise.all(open.map(({ closed }) => closed));
    await endedAs(second, open[1].port, 'revocation', 'revoked_crl', 'operator_list');
    assert.notEqual((await first.register.show(await first.deviceId(device)))?.state, 'blocked');
  });

  test('a change that no notification told of is found all the same', async () => {
    const device = await first.known();
    const open = await twice(device);
    // As another node’s transaction would, had its notification been lost.
    await first.db.transaction(async (tx) => {
      const { rows } = await tx.query<{ seq: number }>({
        text: `insert into revocation_changes (at, actor_kind, actor, action, subject)
               values (now(), 'cli', 'test', 'certificate_revoked', 'test') returning seq`,
      });
      await tx.query({
        text: `insert into revoked_certificates (kind, key, seq, revoked_at, reason, made_by)
               values ('identity', $1, $2, now(), 'unspecified', 'test')`,
        values: [device.identity, rows[0]?.seq],
      });
    });
    await Promise.all(open.map(({ closed }) => closed));
    await endedAs(first, open[0].port, 'revocation', 'revoked_crl', 'operator_list');
  });

  test('a stricter policy closes what does not stand under it', async () => {
    const device = await first.known();
    const open = await twice(device);
    // Nothing is uploaded that speaks of the issuing CA itself.
    await applyPolicy(first, [{ ...acme, depth: 'chain' }]);
    await Promise.all(open.map(({ closed }) => closed));
    await endedAs(second, open[1].port, 'revocation', 'revocation_unavailable', 'not_fetched');
    await applyPolicy(first, [acme]);
    await knownToServer(second);
  });

  test('a CRL that comes to its end closes what rested on it', async () => {
    const open = await twice(await first.known());
    await importCrls(first, await crlOf(first, 'acme-issuing', [], { to: 3 / 3600 }));
    await knownToServer(second);
    await Promise.all(open.map(({ closed }) => closed));
    await endedAs(first, open[0].port, 'revocation', 'revocation_stale', 'stale');
    await importCrls(first, await crlOf(first, 'acme-issuing', []));
  });

  test('a certificate that comes to its end closes its connections', async () => {
    const device = await first.known();
    const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
    const order = { subject: [['CN', 'cell']], alternative: [device.identity], notAfter } as const;
    const credentials = await mintDevice(first.pki, order);
    const open = await holdOpen(first, createFemtocell(cellOptions(first, device, { credentials })));
    await open.closed;
    await endedAs(first, open.port, 'path', 'cert_expired', 'expired');
  });
});
