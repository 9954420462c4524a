import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionEvent } from '../../src/platform/events.ts';
import { createFemtocell, type Femtocell } from '../../src/simulator/femtocell.ts';
import { type HttpConnection, type HttpReply, httpConnection } from '../../src/simulator/http-client.ts';
import { stage as dress, perform, type Role } from '../../src/simulator/scenarios/cast.ts';
import type { Observation } from '../../src/simulator/scenarios/scenario.ts';
import { envelopeXml, informXml } from '../../src/simulator/soap-writer.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openTlsSocket, wire } from './clients.ts';
import { type AuditRow, metric, rowsFrom, until } from './evidence.ts';
import { cellOptions } from './further-ways.ts';
import { mintDevice } from './mint.ts';
import { openStage, type Stage, withStage } from './stage.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'stolen' } as const;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

async function rowOf(stage: Stage, seen: Observation): Promise<AuditRow> {
  const [row] = await rowsFrom(stage.db, seen.localPorts);
  assert.ok(row !== undefined);
  return row;
}

function assertAdmitted(seen: Observation, resumed: boolean): void {
  assert.deepEqual([seen.informed, seen.complete, seen.resumed], [true, true, resumed]);
}

function assertUnanswered(seen: Observation): void {
  assert.deepEqual([seen.informed, seen.statuses, seen.closedBy], [false, [], 'acs']);
}

describe('a TLS session that is resumed is judged anew', { timeout: 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.stop());

  for (const version of versions)
    test(`over ${version}: a device that was blocked in between stays outside, and comes back when unblocked`, async () => {
      const device = await stage.known();
      const cell = await dress(stage.context, device, { tls: { version } });
      assertAdmitted(await perform(cell), false);
      assertAdmitted(await perform(cell), true);
      const deviceId = await stage.deviceId(device);
      await stage.register.block(deviceId, by);
      const refused = await perform(cell);
      assertUnanswered(refused);
      assert.equal(refused.resumed, true);
      const row = await rowOf(stage, refused);
      assert.deepEqual(
        [row.stage, row.reason, row.detail, row.peer, row.resumed, row.device_id, row.identity],
        ['device', 'device_blocked', 'blocked', 'known', true, deviceId, device.identity],
      );
      assert.match(row.fingerprint ?? '', /^[0-9a-f]{64}$/);
      assert.match(row.subject ?? '', /^CN=/);
      await stage.register.unblock(deviceId, by);
      assertAdmitted(await perform(cell), true);
    });

  test('a device whose record is retired stays outside', async () => {
    const device = await stage.known('zenith');
    const cell = await dress(stage.context, device);
    assertAdmitted(await perform(cell), false);
    const values = [await stage.deviceId(device)];
    await stage.db.query({ text: `update devices set state = 'retired' where id = $1`, values });
    const refused = await perform(cell);
    assertUnanswered(refused);
    const row = await rowOf(stage, refused);
    assert.deepEqual([row.reason, row.resumed], ['device_retired', true]);
  });

  test('a certificate that expired in between does not come in by the old session', async () => {
    const device = await stage.known();
    const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
    const order = { subject: [['CN', 'cell']], alternative: [device.identity], notAfter } as const;
    const credentials = await mintDevice(stage.pki, order);
    const cell = createFemtocell(cellOptions(stage, device, { credentials }));
    assertAdmitted(await perform(cell), false);
    // Valid to the end of that second.
    await sleep(notAfter.getTime() + 1050 - Date.now());
    const refused = await perform(cell);
    assertUnanswered(refused);
    const row = await rowOf(stage, refused);
    assert.deepEqual([row.reason, row.peer, row.resumed], ['cert_expired', 'known', true]);
  });

  test('a ticket got while being refused opens nothing, until the device is known', async () => {
    const device: Role = { anchor: 'acme', identity: `${stage.cast.eui('acme')}.hnb.acme.example` };
    const cell = await dress(stage.context, device);
    assertUnanswered(await perform(cell));
    const again = await perform(cell);
    assertUnanswered(again);
    assert.equal((await rowOf(stage, again)).reason, 'device_unknown');
    await stage.enrol([{ identities: [device] }]);
    const known = await perform(cell);
    assert.deepEqual([known.informed, known.complete], [true, true]);
  });
});

describe('a ticket opens only the door it was made at', { timeout: 60_000 }, () => {
  const decisionOf = (stage: Stage, seen: Observation): Promise<AdmissionEvent | undefined> =>
    until(
      () =>
        stage.events.find(
          (event): event is AdmissionEvent =>
            event.kind === 'admission' && seen.localPorts.includes(event.remotePort) && event.outcome === 'admitted',
        ),
      (event) => event !== undefined,
      'the event of an admission',
    );

  for (const version of versions)
    test(`over ${version}: at another door that would admit it too, the handshake is a full one`, async (t) => {
      const stage = await withStage(t);
      const device = await stage.known('operator');
      const cell = await dress(stage.context, device, { tls: { version } });
      assertAdmitted(await perform(cell), false);
      const elsewhere = createFemtocell({ ...cell.options, url: stage.context.doors.second });
      elsewhere.tlsSession = cell.tlsSession;
      assert.ok(elsewhere.tlsSession !== undefined);
      const seen = await perform(elsewhere);
      assertAdmitted(seen, false);
      const event = await decisionOf(stage, seen);
      assert.deepEqual([event?.listener, event?.resumed], ['second', false]);
      assertAdmitted(await perform(elsewhere), true);
    });

  test('a session older than the configured age is not resumed', async (t) => {
    const stage = await withStage(t, { config: { maxResumptionAge: '2s' } });
    const cells = await Promise.all(
      versions.map(async (version) => dress(stage.context, await stage.known(), { tls: { version } })),
    );
    // The key may turn between two calls, but not always.
    for (const cell of cells)
      await until(
        () => perform(cell),
        ({ resumed }) => resumed === true,
        'a resumption within the age',
      );
    await sleep(4300);
    for (const cell of cells) assertAdmitted(await perform(cell), false);
  });
});

describe('people decide while devices are connected', { timeout: 60_000 }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  function inform(cell: Femtocell): string {
    const body = informXml({
      deviceId: cell.options.deviceId,
      events: [{ eventCode: '2 PERIODIC', commandKey: '' }],
      currentTime: new Date().toISOString(),
      retryCount: 0,
      parameterList: [],
    });
    return envelopeXml({ version: '1.2', body, id: '1', isInform: true });
  }

  async function post(connection: HttpConnection, body: string): Promise<HttpReply> {
    const reply = await connection.post({
      path: '/cwmp',
      host: 'localhost',
      headers: body === '' ? [] : [['Content-Type', 'text/xml']],
      body,
    });
    assert.equal(reply.kind, 'reply');
    return reply as HttpReply;
  }

  test('a device blocked while its connection is open: the session ends in peace, its next Inform is refused', async (t) => {
    const stage = await withStage(t, { database });
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    const socket = await openTlsSocket(wire(stage, cell));
    const localPort = socket.localPort ?? 0;
    const connection = httpConnection(socket, 5000);
    assert.equal((await post(connection, inform(cell))).status, 200);
    await stage.register.block(await stage.deviceId(device), by);
    assert.equal((await post(connection, '')).status, 204);
    const refused = await post(connection, inform(cell));
    assert.equal(refused.status, 200);
    assert.match(refused.body.toString(), /<FaultCode>8001<\/FaultCode>/);
    assert.doesNotMatch(refused.body.toString(), /InformResponse/);
    assert.deepEqual(refused.headers.get('connection'), ['close']);
    await until(connection.closed, (closed) => closed, 'the server hangs up');
    const rows = await rowsFrom(stage.db, [localPort], 2);
    assert.deepEqual(
      rows.map(({ outcome, stage: at, reason, detail }) => [outcome, at, reason, detail]),
      [
        ['admitted', null, null, null],
        ['refused', 'session', 'device_blocked', 'state_changed'],
      ],
    );
    const { rows: informs } = await stage.db.query<{ count: number }>({
      text: 'select count(*) from informs where device_id = $1',
      values: [await stage.deviceId(device)],
    });
    assert.equal(informs[0]?.count, 1);
    assert.equal(await metric(stage.metrics, 'hems_southbound_sessions_total', { outcome: 'completed' }), 1);
  });

  test('a held key comes in once it is approved, on the session it was refused with, and the old key goes on', async (t) => {
    const stage = await withStage(t, { database });
    const device = await stage.known();
    const [old, fresh] = [await dress(stage.context, device), await dress(stage.context, device)];
    assertAdmitted(await perform(old), false);
    const refused = await perform(fresh);
    assertUnanswered(refused);
    assert.deepEqual(
      [(await rowOf(stage, refused)).reason, (await rowOf(stage, refused)).detail],
      ['key_held', 'new_key'],
    );
    const waiting = await perform(fresh);
    assertUnanswered(waiting);
    assert.equal((await rowOf(stage, waiting)).detail, 'key_awaits_approval');
    const deviceId = await stage.deviceId(device);
    assert.equal((await stage.register.show(deviceId))?.state, 'held');
    assertAdmitted(await perform(old), true);
    assert.equal((await stage.register.approve(deviceId, by)).ok, true);
    const approved = await perform(fresh);
    assert.deepEqual([approved.informed, approved.complete], [true, true]);
    assertAdmitted(await perform(old), true);
    const details = await stage.register.show(deviceId);
    assert.equal(details?.state, 'active');
    assert.deepEqual(details.changes.map(({ action }) => action).sort(), [
      'activate',
      'add',
      'approve',
      'hold_key',
      'learn_serial',
    ]);
  });

  test('a quarantined device comes in once it is approved', async (t) => {
    const stage = await withStage(t, { database, anchors: { zenith: { registration: 'quarantine' } } });
    const device: Role = { anchor: 'zenith', identity: `${stage.cast.eui('zenith')}.hnb.zenith.example` };
    const cell = await dress(stage.context, device);
    assertUnanswered(await perform(cell));
    assert.equal((await stage.register.approve(await stage.deviceId(device), by)).ok, true);
    const approved = await perform(cell);
    assert.deepEqual([approved.informed, approved.complete], [true, true]);
  });
});
