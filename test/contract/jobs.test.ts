import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { departure, described } from './contract.ts';
import { type Answered, type ManagementStage, openManagementStage } from './management-stage.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly done: number;
  readonly total: number | null;
  readonly result: Readonly<Record<string, unknown>>;
  readonly output: string | null;
  readonly fault: string | null;
}

describe('work on many devices by the API', () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  const post = (path: string, body: unknown, headers?: Record<string, string>, key = stage.of.operator) =>
    stage.ask(path, { method: 'POST', key, body, ...(headers && { headers }) });
  const codeOf = ({ status, body }: Answered) => [status, (body as { code: string }).code];
  const getOf = described.find(({ operationId }) => operationId === 'getJob') ?? assert.fail();

  async function ended({ status, headers, body }: Answered, key = stage.of.operator): Promise<Job> {
    assert.equal(status, 202, JSON.stringify(body));
    const location = headers.get('location') ?? '';
    assert.equal(location, `/api/v1/jobs/${(body as Job).id}`);
    for (;;) {
      const found = await stage.ask(location, { key });
      assert.equal(departure(getOf, found.status, 'application/json', found.body), undefined);
      const job = found.body as Job;
      if (!['queued', 'running'].includes(job.state)) return job;
      await sleep(20);
    }
  }

  async function upload(
    query: string,
    text: string | Iterable<string>,
    type = 'text/csv',
    headers = {},
  ): Promise<Answered> {
    const answer = await fetch(`${stage.url}/api/v1/bulk/device-imports?${query}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${stage.of.operator}`, 'Content-Type': type, ...headers },
      body: typeof text === 'string' ? text : (Readable.toWeb(Readable.from(text)) as ReadableStream),
      duplex: 'half',
    } as RequestInit);
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  const fqdn = (n: number) => `00a0bc${n.toString(16).padStart(6, '0')}.hnb.acme.example`;

  function* file(from: number, count: number): Generator<string> {
    yield 'EUI,oui,serial_number,tags\n';
    for (let n = from; n < from + count; n += 1) yield `${fqdn(n)},00A0BC,S${n},fleet\n`;
  }

  test('a shipping file is taken in, and the rows that are not are there to be mended', async () => {
    const rows = [...file(0x1000, 1500), 'nonsense,00A0BC,S1,fleet\n', `${fqdn(0x9000)},00A0BC,S4096,fleet\n`];
    const job = await ended(await upload('anchor=acme&columns=identity:EUI&reason=delivery', rows));
    assert.deepEqual([job.state, job.result], ['done', { created: 1500, changed: 0, unchanged: 0, rejected: 2 }]);
    assert.equal(job.done, job.total);
    const rejected = await stage.ask(job.output ?? '', { key: stage.of.operator });
    assert.match(rejected.headers.get('content-type') ?? '', /^text\/csv/);
    assert.match(
      String(rejected.body),
      /^line,reason,EUI,oui,serial_number,tags\n1502,identity is neither.*\n1503,.*belongs to device.*\n$/,
    );
    const again = await ended(await upload('anchor=acme&columns=identity:EUI', [...file(0x1000, 1500)]));
    assert.deepEqual([again.result.unchanged, again.output], [1500, null]);
  });

  test('a dry run judges and changes nothing; a file without a header says what it needs', async () => {
    const dry = await ended(await upload('anchor=acme&columns=identity:EUI&dryRun=true', [...file(0x2000, 10)]));
    assert.equal(dry.result.created, 10);
    const real = await ended(
      await upload('anchor=acme', `{"identity":"${fqdn(0x2000)}"}\n`, 'application/x-ndjson; charset=utf-8'),
    );
    assert.equal(real.result.created, 1);
    const none = await ended(await upload('anchor=acme', 'a,b\n1,2\n'));
    assert.equal(none.state, 'failed');
    assert.match(none.fault ?? '', /no column names the identity.*the first line must name/);
    assert.deepEqual(codeOf(await upload('anchor=acme', '{}', 'application/json')), [415, 'unsupported_media_type']);
    assert.deepEqual(codeOf(await upload('columns=nothing', 'x')), [400, 'invalid']);
  });

  test('the register goes out as it came in, each group its own', async () => {
    const all = await stage.ask('/api/v1/bulk/device-export?tag=fleet', { key: stage.of.viewer });
    const lines = String(all.body).trimEnd().split('\n');
    assert.equal(lines[0], 'device,anchor,identity,oui,product_class,serial_number,fingerprint,tags,site,note');
    assert.equal(lines.length, 1501);
    const own = await stage.ask('/api/v1/bulk/device-export?format=ndjson', { key: stage.north.viewer });
    const records = String(own.body).trimEnd().split('\n');
    assert.deepEqual(
      records.map((text) => (JSON.parse(text) as { device: string }).device),
      [stage.devices[0]],
    );
  });

  test('a move of many is counted first, and done only by who knows how many', async () => {
    const body = { move: 'block', filter: { tag: 'fleet' }, reason: 'recall' };
    assert.deepEqual((await post('/api/v1/bulk/device-moves', body)).body, { devices: 1500 });
    assert.deepEqual(codeOf(await post('/api/v1/bulk/device-moves', { ...body, confirm: 7 })), [409, 'count_differs']);
    assert.deepEqual(codeOf(await post('/api/v1/bulk/device-moves', { ...body, filter: {} })), [400, 'invalid']);
    const job = await ended(
      await post('/api/v1/bulk/device-moves', { ...body, confirm: 1500 }, { 'Idempotency-Key': 'recall' }),
    );
    assert.deepEqual([job.state, job.done, job.result], ['done', 1500, { moved: 1500, left: [] }]);
    const twice = await post('/api/v1/bulk/device-moves', { ...body, confirm: 1500 }, { 'Idempotency-Key': 'recall' });
    assert.equal((twice.body as Job).id, job.id);
    const other = { filter: { tag: 'fleet' }, request: { kind: 'reboot' }, confirm: 1500 };
    const taken = await post('/api/v1/bulk/tasks', other, { 'Idempotency-Key': 'recall' });
    assert.deepEqual(codeOf(taken), [422, 'key_taken']);
    const { rows } = await stage.db.query<{ count: number; actors: string[] }>({
      text: `select count(*)::int as count, array_agg(distinct actor_kind) as actors from changes where action = 'block' and reason = 'recall'`,
    });
    assert.deepEqual(rows[0], { count: 1500, actors: ['key'] });
  });

  test('the records of a handover are kept with the job that retired the devices', async () => {
    const body = { move: 'handover', filter: { identityPrefix: '00a0bc0010' }, reason: 'sold', format: 'ndjson' };
    const { devices } = (await post('/api/v1/bulk/device-moves', body)).body as { devices: number };
    assert.equal(devices, 256);
    const job = await ended(await post('/api/v1/bulk/device-moves', { ...body, confirm: 256 }));
    assert.equal(job.result.moved, 256);
    const records = await stage.ask(job.output ?? '', { key: stage.of.operator });
    assert.equal(String(records.body).trimEnd().split('\n').length, 256);
    const { rows } = await stage.db.query<{ count: number }>({
      text: `select count(*)::int as count from devices where state = 'retired'`,
    });
    assert.equal(rows[0]?.count, 256);
  });

  test('a task for many is one for each device, with its audit row, and of one group alone', async () => {
    const request = { kind: 'read-values', paths: ['Device.'] };
    const body = { filter: { tag: 'fleet' }, request, priority: -5, reason: 'survey' };
    const { devices } = (await post('/api/v1/bulk/tasks', body)).body as { devices: number };
    assert.equal(devices, 1500 - 256);
    const job = await ended(await post('/api/v1/bulk/tasks', { ...body, confirm: devices }));
    assert.deepEqual(job.result, { queued: devices, left: 0 });
    const { rows } = await stage.db.query({
      text: `select count(distinct t.device_id)::int as devices, count(*)::int as tasks, min(t.priority) as priority,
                    (select count(*)::int from changes where action = 'queue_task' and reason = 'survey') as noted
               from tasks t`,
    });
    assert.deepEqual(rows[0], { devices, tasks: devices, priority: -5, noted: devices });
    const own = await post('/api/v1/bulk/tasks', { filter: { state: 'expected' }, request }, {}, stage.north.operator);
    assert.deepEqual(own.body, { devices: 1 });
    const asked = { filter: { state: 'expected' }, request, confirm: 1 };
    const small = await ended(await post('/api/v1/bulk/tasks', asked, {}, stage.north.operator), stage.north.operator);
    assert.equal(small.result.queued, 1);
    const foreign = await stage.ask(`/api/v1/jobs/${job.id}`, { key: stage.north.operator });
    assert.deepEqual(codeOf(foreign), [404, 'job_missing']);
    const listed = await stage.ask('/api/v1/jobs', { key: stage.north.viewer });
    assert.deepEqual(
      (listed.body as { items: Job[] }).items.map(({ id }) => id),
      [small.id],
    );
  });

  test('what no device may be told, and a secret that is of one device, is told to none', async () => {
    const filter = { tag: 'fleet' };
    const plain = { kind: 'download', fileType: '1 Firmware Upgrade Image', url: 'http://f.example/x' };
    assert.deepEqual(codeOf(await post('/api/v1/bulk/tasks', { filter, request: plain })), [422, 'not_https']);
    const secret = { kind: 'write-values', values: [{ name: 'Device.X.Password', value: 'same' }] };
    assert.deepEqual(codeOf(await post('/api/v1/bulk/tasks', { filter, request: secret })), [422, 'shared_secret']);
  });

  test('a job that has ended cannot be cancelled', async () => {
    const { items } = (await stage.ask('/api/v1/jobs?limit=1', { key: stage.of.viewer })).body as { items: Job[] };
    assert.deepEqual(codeOf(await post(`/api/v1/jobs/${items[0]?.id}/cancel`, {})), [409, 'job_ended']);
  });
});
