import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { departure, described } from './contract.ts';
import { type Answered, type ManagementStage, openManagementStage } from './management-stage.ts';

describe('what happens, by the API', () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  /** As the contract says, too. */
  async function get(id: string, path: string, key = stage.of.administrator): Promise<Answered> {
    const answer = await stage.ask(path, { key });
    const of = described.find(({ operationId }) => operationId === id) ?? assert.fail(id);
    const type = answer.headers.get('content-type') ?? '';
    assert.equal(departure(of, answer.status, type, answer.body), undefined);
    return answer;
  }
  const items = ({ body }: Answered) => (body as { items: Record<string, unknown>[] }).items;

  async function decide(deviceId: string, outcome: string, reason: string | null, minutesAgo: number): Promise<void> {
    await stage.db.query({
      text: `insert into admissions (device_id, at, id, outcome, stage, reason, detail, peer, connection_id, listener, role,
               remote_address, remote_port, anchor)
             values ($1, now() - $4 * interval '1 minute', gen_random_uuid(), $2, case when $3::text is not null then 'revocation' end,
               $3, case when $3::text is not null then 'd' end, 'known', 'c', 'internet', 'serving', '192.0.2.7', 4000, 'acme')`,
      values: [deviceId, outcome, reason, minutesAgo],
    });
  }

  test('what takes other methods says which, and what is not there says so', async () => {
    const key = stage.of.administrator;
    const wrong = await stage.ask(`/api/v1/devices/${stage.devices[0]}`, { key, method: 'POST', body: {} });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'GET, PATCH');
    assert.equal((wrong.body as { code: string }).code, 'method_not_allowed');
    const nothing = await stage.ask('/api/v1/nowhere', { key });
    assert.deepEqual([nothing.status, (nothing.body as { code: string }).code], [404, 'no_operation']);
  });

  test('ids of what a statement writes by itself are UUIDv7 of the time of the row too', async () => {
    const at = new Date('2026-05-01T00:00:00.123Z');
    const { rows } = await stage.db.query<{ id: string }>({
      text: 'select uuid_v7($1) as id from generate_series(1, 100)',
      values: [at],
    });
    const time = at.getTime().toString(16).padStart(12, '0');
    for (const { id } of rows)
      assert.match(id.replaceAll('-', ''), new RegExp(`^${time}7[0-9a-f]{3}[89ab][0-9a-f]{15}$`));
    assert.equal(new Set(rows.map(({ id }) => id)).size, 100);
  });

  test('decisions are counted by reason, anchor, network and time, each group its own', async () => {
    const [north, south] = stage.devices;
    await decide(north, 'refused', 'revoked_crl', 1);
    await decide(south, 'refused', 'revoked_crl', 2);
    await decide(south, 'admitted', null, 3);
    const counts = async (by: string, more = '', key?: string) => {
      const { body } = await get('countAdmissions', `/api/v1/admissions/counts?by=${by}${more}`, key);
      const { counts: found, complete } = body as { counts: { key: string; count: number }[]; complete: boolean };
      assert.equal(complete, true);
      return Object.fromEntries(found.map(({ key: name, count }) => [name, count]));
    };
    assert.deepEqual(await counts('reason'), { revoked_crl: 2, admitted: 1 });
    assert.deepEqual(await counts('reason', '&outcome=refused', stage.north.viewer), { revoked_crl: 1 });
    assert.deepEqual(await counts('anchor', '&reason=revoked_crl'), { acme: 2 });
    assert.deepEqual(await counts('network'), { '192.0.2.0/24': 3 });
    assert.deepEqual(await counts('peer', '&address=198.51.100.0/24'), {});
    const days = Object.keys(await counts('day'));
    assert.ok(days.length >= 1 && days.every((day) => /^\d{4}-\d\d-\d\dT00:00:00Z$/.test(day)));
    assert.deepEqual(items(await get('listAdmissions', '/api/v1/admissions?reason=revoked_crl')).length, 2);
  });

  test('refusals of strangers are counted with those that a flood left unwritten', async () => {
    await stage.db.query({
      text: `insert into refusals (at, id, stage, reason, detail, peer, connection_id, listener, role, remote_address, remote_port)
             values (now(), gen_random_uuid(), 'path', 'unknown_ca', 'd', 'stranger', 'c', 'internet', 'serving', '2001:db8::7', 4000)`,
    });
    await stage.db.query({
      text: `insert into refusal_summaries (minute, id, source, peer, reason, suppressed, sources, last_detail)
             values (date_trunc('minute', now()), gen_random_uuid(), '2001:db8::/64', 'stranger', 'unknown_ca', 41, 1, 'd')`,
    });
    const { body } = await get('countRefusals', '/api/v1/refusals/counts?by=network');
    const { counts, suppressed } = body as { counts: unknown; suppressed: number };
    assert.deepEqual([counts, suppressed], [[{ key: '2001:db8::/64', count: 1 }], 41]);
    const other = await get('countRefusals', '/api/v1/refusals/counts?by=reason&address=192.0.2.0/24');
    assert.equal((other.body as { suppressed: number }).suppressed, 0);
  });

  test('the parameters of a device are a tree, and are searched by a part of the name', async () => {
    const [device] = stage.devices;
    const names = [
      'Device.DeviceInfo.SoftwareVersion',
      'Device.DeviceInfo.UpTime',
      'Device.X.1.PhyCellID',
      'Device.X.',
    ];
    await stage.db.query({
      text: `insert into device_parameters (device_id, name, value, type, since) select $1, name, '7', 'xsd:string', now() from unnest($2::text[]) name`,
      values: [device, names],
    });
    const tree = async (path: string) =>
      items(await get('listParameterTree', `/api/v1/devices/${device}/parameter-tree?path=${path}`));
    assert.deepEqual(await tree(''), [{ name: 'Device.', parameters: 3 }]);
    assert.deepEqual(await tree('Device.'), [
      { name: 'Device.DeviceInfo.', parameters: 2 },
      { name: 'Device.X.', parameters: 1 },
    ]);
    assert.deepEqual(await tree('Device.X.1.'), [{ name: 'Device.X.1.PhyCellID', parameters: 1 }]);
    const found = items(await get('listParameters', `/api/v1/devices/${device}/parameters?search=PHYCELL`));
    assert.deepEqual(
      found.map(({ name }) => name),
      ['Device.X.1.PhyCellID'],
    );
  });

  test('tasks of all devices are found by state, kind and group', async () => {
    const queue = (deviceId: string, kind: string) =>
      stage.ask(`/api/v1/devices/${deviceId}/tasks`, {
        method: 'POST',
        key: stage.of.operator,
        body: { request: { kind } },
      });
    const [north, south] = stage.devices;
    for (const [device, kind] of [
      [north, 'reboot'],
      [south, 'reboot'],
      [south, 'get-methods'],
    ] as const)
      assert.equal((await queue(device, kind)).status, 201);
    const found = async (query: string, key?: string) =>
      items(await get('findTasks', `/api/v1/tasks?${query}`, key)).map(({ deviceId }) => deviceId);
    assert.deepEqual(await found('state=queued'), [south, south, north]);
    assert.deepEqual(await found('kind=reboot&limit=1'), [south]);
    assert.deepEqual(await found('', stage.north.viewer), [north]);
    assert.deepEqual(await found('state=failed'), []);
  });

  test('sessions are listed newest first, and one is shown', async () => {
    const [device] = stage.devices;
    await stage.db.query({
      text: `insert into informs (device_id, at, id, admission_id, cwmp_version, events, device_time, retry_count, max_envelopes)
             select $1, now() - n * interval '1 hour', gen_random_uuid(), gen_random_uuid(), '1.4', array['2 PERIODIC'], '', n, 1
               from generate_series(0, 2) n`,
      values: [device],
    });
    const path = `/api/v1/devices/${device}/sessions`;
    const first = await get('listSessions', `${path}?limit=2`);
    const { next } = first.body as { next: string };
    const all = [...items(first), ...items(await get('listSessions', `${path}?limit=2&cursor=${next}`))];
    assert.deepEqual(
      all.map(({ retryCount }) => retryCount),
      [0, 1, 2],
    );
    const one = await get('getSession', `${path}/${String(all[1]?.id)}`);
    assert.equal((one.body as { retryCount: number }).retryCount, 1);
    assert.equal((await get('getSession', `${path}/${device}`)).status, 404);
  });

  test('a trace is started, shown, read and stopped, with an audit row each', async () => {
    const [device] = stage.devices;
    const path = `/api/v1/devices/${device}/trace`;
    assert.equal((await get('getTrace', path)).status, 404);
    const start = (until: Date) =>
      stage.ask(path, { method: 'POST', key: stage.of.operator, body: { until: until.toISOString(), reason: 'look' } });
    assert.equal((await start(new Date(0))).status, 422);
    assert.equal((await start(new Date(Date.now() + 60_000))).status, 200);
    assert.match((await get('getTrace', path)).body ? 'there' : '', /there/);
    await stage.db.query({
      text: `insert into device_trace_messages (device_id, at, id, session_id, direction, body, bytes)
             values ($1, now(), gen_random_uuid(), 's', 'from-device', '<x/>', 4)`,
      values: [device],
    });
    assert.equal(items(await get('listTraceMessages', `${path}/messages`))[0]?.body, '<x/>');
    const stop = () => stage.ask(`${path}?reason=seen`, { method: 'DELETE', key: stage.of.operator });
    assert.equal((await stop()).status, 204);
    assert.equal((await stop()).status, 404);
    const audit = items(await get('listAudit', `/api/v1/audit?deviceId=${device}&action=trace`));
    assert.deepEqual(
      audit.map(({ reason }) => reason),
      ['seen', 'look'],
    );
  });

  test('the numbers of a first page are of all devices, or of the group of whoever asks', async () => {
    const all = (await get('getOverview', '/api/v1/overview')).body as Record<string, unknown>;
    assert.deepEqual(all.devices, { expected: 2 });
    assert.deepEqual((all.installation as { tasks: { tasks: number }[] }).tasks[0]?.tasks, 3);
    const own = (await get('getOverview', '/api/v1/overview', stage.north.viewer)).body as Record<string, unknown>;
    assert.deepEqual([own.devices, own.installation], [{ expected: 1 }, null]);
  });
});
