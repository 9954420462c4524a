import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OwnAuthority, ownAuthority } from '../integration/production.ts';
import { anchorOf } from './anchor.ts';
import { changingRequests, type Wanted } from './changing-requests.ts';
import { departure, described, operations } from './contract.ts';
import { type Answered, type ManagementStage, openManagementStage } from './management-stage.ts';

const changing = [...operations.values()].filter(
  ({ method, idempotency }) => method === 'POST' && idempotency !== 'none',
);

describe('an Idempotency-Key', { timeout: 300_000 }, () => {
  let stage: ManagementStage;
  let authority: OwnAuthority;
  before(async () => {
    authority = await ownAuthority('Acme');
    const secretKey = randomBytes(32).toString('base64');
    stage = await openManagementStage(undefined, { anchors: await anchorOf(authority), secretKey });
  });
  after(() => stage.stop());

  const send = async (wanted: Wanted, idempotencyKey: string, key = stage.of.administrator): Promise<Answered> => {
    const { path, body, upload } = wanted;
    const headers = {
      ...wanted.headers,
      'Idempotency-Key': idempotencyKey,
      ...(upload !== undefined && { 'Content-Type': upload.type }),
    };
    return stage.ask(path, {
      method: 'POST',
      key,
      headers,
      ...((upload?.text ?? body) && { body: upload?.text ?? body }),
    });
  };

  /** Rows of every table but that of the keys themselves. */
  const rows = async (): Promise<Readonly<Record<string, number>>> => {
    const { rows: tables } = await stage.db.query<{ name: string }>({
      text: `select c.oid::regclass::text as name from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace
                and relname <> 'idempotency_keys'`,
    });
    const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as count from ${name}`);
    const { rows: found } = await stage.db.query<{ name: string; count: number }>({ text: counts.join(' union all ') });
    return Object.fromEntries(found.map(({ name, count }) => [name, count]));
  };

  const audited = (counts: Readonly<Record<string, number>>): number =>
    Object.entries(counts).reduce((sum, [name, count]) => sum + (/(^|_)changes(_|$)/.test(name) ? count : 0), 0);

  /** What a job does, it has done by then. */
  const settled = async ({ status, headers }: Answered): Promise<void> => {
    const location = headers.get('location') ?? '';
    if (status !== 202 || !location.includes('/jobs/')) return;
    for (;;) {
      const { body } = await stage.ask(location, { key: stage.of.administrator });
      if (!['queued', 'running'].includes((body as { state: string }).state)) return;
      await sleep(20);
    }
  };

  const other = ({ body, upload, ...rest }: Wanted): Wanted => ({
    ...rest,
    ...(body !== undefined && { body: { ...body, reason: 'for another reason' } }),
    ...(upload !== undefined && { upload: { ...upload, text: upload.text.replace(/.$/s, 'X') } }),
  });

  test('is taken by every POST that changes something, and its contract says so', () => {
    assert.deepEqual(Object.keys(changingRequests).sort(), changing.map(({ id }) => id).sort());
    const without = described.filter(
      ({ method, parameters }) => method === 'POST' && parameters.every(({ name }) => name !== 'idempotency-key'),
    );
    assert.deepEqual(without.map(({ operationId }) => operationId).sort(), [
      'checkRevocationPolicy',
      'revealParameters',
    ]);
  });

  // In the order of the table: one needs what another made.
  for (const [id, prepare] of Object.entries(changingRequests))
    test(`under one ${id} is done once`, async () => {
      const of = described.find(({ operationId }) => operationId === id) ?? assert.fail(id);
      const asDocumented = (answer: Answered): Answered => {
        const type = answer.headers.get('content-type') ?? '';
        assert.equal(departure(of, answer.status, type, answer.body), undefined);
        return answer;
      };
      const wanted = await prepare({ stage, authority });
      const before = audited(await rows());
      const first = asDocumented(await send(wanted, `key-of-${id}`));
      assert.ok(first.status < 300, `${first.status} ${JSON.stringify(first.body)}`);
      assert.equal(first.headers.get('idempotency-replayed'), null);
      await settled(first);
      const between = await rows();
      // Which reads, and is a job for its length alone.
      if (id !== 'verifyAudit') assert.ok(audited(between) > before, 'it is in the audit');
      const again = asDocumented(await send(wanted, `key-of-${id}`));
      assert.deepEqual(await rows(), between, 'nothing was made');
      assert.ok(again.status < 300, `${again.status} ${JSON.stringify(again.body)}`);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      if (operations.get(id)?.idempotency !== 'own') {
        assert.equal(again.status, first.status);
        const shownOnce = id === 'createApiKey' && { secret: null, secretShownBefore: true };
        assert.deepEqual(again.body, { ...(first.body as object), ...shownOnce });
      } else assert.equal((again.body as { id: string }).id, (first.body as { id: string }).id);
      if (wanted.body?.reason === undefined && wanted.upload === undefined) return;
      const strange = asDocumented(await send(other(wanted), `key-of-${id}`));
      assert.deepEqual([strange.status, (strange.body as { code: string }).code], [422, 'key_taken']);
      assert.deepEqual(await rows(), between, 'nor was the other');
    });

  const addition = (identity: string): Wanted => ({ path: '/api/v1/devices', body: { anchor: 'acme', identity } });

  test('is of one caller and one operation; what was refused frees it', async () => {
    const device = addition('00a0bcaa0001.hnb.acme.example');
    assert.equal((await send(device, 'shared')).status, 201);
    const theirs = await send(addition('00a0bcaa0002.hnb.acme.example'), 'shared', stage.of.operator);
    assert.equal(theirs.status, 201);
    const { id } = theirs.body as { id: string };
    assert.equal((await send({ path: `/api/v1/devices/${id}/block`, body: { reason: 'x' } }, 'shared')).status, 200);
    assert.equal((await send(addition('00a0bcaa0003.hnb.strange.example'), 'mended')).status, 422);
    assert.equal((await send(addition('00a0bcaa0003.hnb.acme.example'), 'mended')).status, 201);
    const odd = await send(addition('00a0bcaa0004.hnb.acme.example'), 'two words');
    assert.deepEqual([odd.status, (odd.body as { field: string }).field], [400, 'idempotency-key']);
  });

  test('that is being worked on says when to come again; one that was abandoned is taken over by the same request', async () => {
    const device = addition('00a0bcaa0005.hnb.acme.example');
    assert.equal((await send(device, 'lost')).status, 201);
    const lease = (until: string) =>
      stage.db.query({
        text: `update idempotency_keys set claimed_until = ${until}, status = null, headers = null, answer = null
                where operation = 'addDevice' and key = sha256('lost')`,
      });
    await lease(`now() + interval '40 s'`);
    const busy = await send(device, 'lost');
    assert.deepEqual([busy.status, (busy.body as { code: string }).code], [409, 'in_progress']);
    const wait = Number(busy.headers.get('retry-after'));
    assert.ok(wait > 30 && wait <= 40, String(wait));
    await lease(`now() - interval '1 s'`);
    assert.equal((await send(addition('00a0bcaa0006.hnb.acme.example'), 'lost')).status, 422);
    const over = await send(device, 'lost');
    assert.deepEqual([over.status, over.headers.get('idempotency-replayed')], [200, null], 'it was there by then');
    assert.equal((await send(device, 'lost')).headers.get('idempotency-replayed'), 'true');
  });

  test('of a task is that of the same task, however late its end is counted by then', async () => {
    const path = `/api/v1/devices/${stage.devices[0]}/tasks`;
    const until = (expiresAt: string) => send({ path, body: { request: { kind: 'get-methods' }, expiresAt } }, 'until');
    const [first, again] = [await until('2099-01-01T00:00:00Z'), await until('2099-01-01T00:00:01Z')];
    assert.deepEqual([first.status, again.status], [201, 200]);
    assert.equal((again.body as { expiresAt: string }).expiresAt, '2099-01-01T00:00:00.000Z');
  });

  test('of two at once does one', async () => {
    const path = `/api/v1/devices/${stage.devices[1]}/tasks`;
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => send({ path: '/api/v1/audit/checkpoints' }, 'at-once')),
    );
    const statuses = answers.map(({ status, headers }) => [status, headers.get('idempotency-replayed')].join(' '));
    assert.deepEqual(
      [...new Set(statuses)].filter((one) => !['201 ', '201 true', '409 '].includes(one)),
      [],
    );
    assert.equal(statuses.filter((one) => one === '201 ').length, 1, String(statuses));
    const tasks = await Promise.all(
      Array.from({ length: 6 }, () => send({ path, body: { request: { kind: 'reboot' } } }, 'tasks-at-once')),
    );
    assert.equal(new Set(tasks.map(({ body }) => (body as { id: string }).id)).size, 1);
  });

  test('keeps no secret, and neither itself nor what was asked can be read from the database', async () => {
    const { rows: found } = await stage.db.query({ text: 'select * from idempotency_keys' });
    const text = JSON.stringify(found);
    for (const word of ['key-of-', 'hems_']) assert.ok(!text.includes(word), word);
  });

  test('of a longer file, or of another of the same length, is another request', async () => {
    const wanted = await changingRequests.addFile?.({ stage, authority });
    assert.ok(wanted?.upload !== undefined);
    for (const text of ['an image that is longer', 'an imagf', 'an'])
      assert.equal((await send({ ...wanted, upload: { ...wanted.upload, text } }, 'key-of-addFile')).status, 422, text);
    assert.equal((await send(wanted, 'key-of-addFile')).status, 201);
  });
});
