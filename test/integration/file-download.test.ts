import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { until } from './evidence.ts';
import { ask, eventually, type FileDesk, fileDesk, image, sha256 } from './file-stage.ts';
import { openStage, ownFolder, type Stage } from './stage.ts';
import { by } from './task-stage.ts';

const day = 86_400_000;

describe('a file that is fetched', { timeout: 120_000 }, () => {
  let stage: Stage;
  let desk: FileDesk;
  let cell: Femtocell;
  let other: Femtocell;
  let deviceId: string;
  const bytes = image(700_000);
  before(async () => {
    stage = await openStage({ config: { files: { cacheDirectory: ownFolder() } } });
    desk = fileDesk(stage.db);
    const [one, two] = [await stage.known(), await stage.known()];
    [cell, other] = [await dress(stage.context, one), await dress(stage.context, two)];
    deviceId = await stage.deviceId(one);
  });
  after(() => stage.stop());

  const links = new Map<string, Promise<string>>();
  async function makeLink(name: string): Promise<string> {
    const file = await desk.add(name, bytes);
    const link = await desk.transfers.link(deviceId, file.id, new Date(Date.now() + day), by);
    assert.ok(link.ok);
    return `/files/${link.transferId}`;
  }
  function linkTo(name: string): Promise<string> {
    const made = links.get(name) ?? makeLink(name);
    links.set(name, made);
    return made;
  }
  const fetch = async (headers: Record<string, string> = {}, method = 'GET') =>
    ask(stage.port(), cell, await linkTo('a.bin'), { headers, method });

  test('arrives as it was added, with its length, its hash and an ETag; the record says so', async () => {
    const path = await linkTo('whole.bin');
    const reply = await ask(stage.port(), cell, `${path}/whole.bin`);
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, bytes);
    assert.equal(reply.headers['content-length'], String(bytes.length));
    assert.equal(reply.headers.etag, `"${sha256(bytes)}"`);
    assert.equal(reply.headers['repr-digest'], `sha-256=:${Buffer.from(sha256(bytes), 'hex').toString('base64')}:`);
    await eventually(async () => {
      const seen = await desk.transfers.get(deviceId, path.slice('/files/'.length));
      return [seen?.state, seen?.bytesDone, seen?.sha256];
    }, ['fetched', bytes.length, sha256(bytes)]);
  });

  test('by HEAD has its head alone, and does not count as fetched', async () => {
    const path = await linkTo('head.bin');
    const reply = await ask(stage.port(), cell, path, { method: 'HEAD' });
    assert.deepEqual([reply.status, reply.headers['content-length'], reply.body.length], [200, '700000', 0]);
    assert.equal((await desk.transfers.get(deviceId, path.slice(7)))?.state, 'offered');
  });

  for (const [range, from, to] of [
    ['bytes=0-99', 0, 99],
    ['bytes=699990-', 699_990, 699_999],
    ['bytes=-5', 699_995, 699_999],
    ['bytes=262100-262200', 262_100, 262_200],
    ['bytes=10-9999999', 10, 699_999],
  ] as const)
    test(`${range} is answered with that part`, async () => {
      const reply = await fetch({ Range: range });
      assert.equal(reply.status, 206);
      assert.equal(reply.headers['content-range'], `bytes ${from}-${to}/700000`);
      assert.deepEqual(reply.body, bytes.subarray(from, to + 1));
    });

  test('a range beyond the end is 416 and says how long the file is', async () => {
    for (const Range of ['bytes=700000-', 'bytes=-0']) {
      const reply = await fetch({ Range });
      assert.deepEqual([reply.status, reply.headers['content-range']], [416, 'bytes */700000']);
    }
  });

  test('what is no range, or several at once, gets the whole file', async () => {
    for (const Range of ['bytes=5-1', 'lines=1-2', 'bytes=a-b', 'bytes=0-1,5-6', 'bytes=-'])
      assert.equal((await fetch({ Range })).status, 200, Range);
  });

  test('If-Range holds the part to the file that was begun', async () => {
    const Range = 'bytes=100-199';
    assert.equal((await fetch({ Range, 'If-Range': `"${sha256(bytes)}"` })).status, 206);
    assert.equal((await fetch({ Range, 'If-Range': '"another"' })).status, 200);
    assert.equal((await fetch({ Range, 'If-Range': 'Tue, 05 May 2026 10:00:00 GMT' })).status, 200);
  });

  test('is not sent to who has it already, nor to who wants another', async () => {
    assert.equal((await fetch({ 'If-None-Match': `W/"x", "${sha256(bytes)}"` })).status, 304);
    assert.equal((await fetch({ 'If-Match': '"another"' })).status, 412);
  });

  test('in parts is fetched when no gap is left', async () => {
    const path = await linkTo('parts.bin');
    const seen = async () => {
      const transfer = await desk.transfers.get(deviceId, path.slice(7));
      return [transfer?.state, transfer?.bytesDone];
    };
    const part = (Range: string) => ask(stage.port(), cell, path, { headers: { Range } });
    await part('bytes=0-299999');
    await eventually(seen, ['started', 300_000]);
    await part('bytes=500000-');
    await part('bytes=300000-399999');
    await eventually(seen, ['started', 400_000]);
    await part('bytes=400000-');
    await eventually(seen, ['fetched', 700_000]);
  });

  test('is refused to every other device, with a row in the audit and a suspicion', async () => {
    const path = await linkTo('mine.bin');
    for (const method of ['GET', 'HEAD', 'PUT', 'POST'])
      assert.equal((await ask(stage.port(), other, path, { method })).status, 403, method);
    const refusals = await until(
      () => stage.events.filter((event) => event.kind === 'admission' && event.reason === 'file_refused'),
      (found) => found.length >= 4,
      'four refusals',
    );
    for (const event of refusals)
      assert.ok(event.kind === 'admission' && event.detail === 'link_of_another_device' && event.stage === 'session');
    assert.ok(stage.events.some((event) => event.kind === 'suspicion' && event.suspicion === 'foreign_file_link'));
    const text = `select count(*)::int as count from admissions
                   where reason = 'file_refused' and detail = 'link_of_another_device'`;
    await eventually(async () => (await stage.db.query<{ count: number }>({ text })).rows[0]?.count, 4);
  });

  test('is refused when its link has expired or was ended; one that was never made is not found', async () => {
    const file = await desk.add('old.bin', bytes);
    const link = await desk.transfers.link(deviceId, file.id, new Date(Date.now() - 1000), by);
    assert.ok(link.ok);
    assert.equal((await ask(stage.port(), cell, `/files/${link.transferId}`)).status, 403);
    const ended = await desk.transfers.link(deviceId, file.id, new Date(Date.now() + day), by);
    assert.ok(ended.ok);
    assert.ok((await desk.files.unlink(ended.transferId, by)).ok);
    assert.equal((await ask(stage.port(), cell, `/files/${ended.transferId}`)).status, 403);
    for (const path of [
      '/files/',
      '/files/x',
      '/files/00000000-0000-7000-8000-000000000000',
      '/files/../cwmp',
      '/files/slots/none',
    ])
      assert.equal((await ask(stage.port(), cell, path)).status, 404, path);
  });

  test('by the link of a model goes to the devices of that model alone', async () => {
    const file = await desk.add('model.bin', bytes, { productClass: 'FAP' });
    const made = await desk.files.linkModel(file.id, 'FAP', new Date(Date.now() + day), by);
    assert.ok(made.ok);
    const path = `/files/${made.link.id}/model.bin`;
    assert.equal((await ask(stage.port(), cell, path)).status, 403);
    // The register learns its model from its first Inform.
    await runSession(cell);
    assert.equal((await ask(stage.port(), cell, path)).status, 200);
    await eventually(async () => (await desk.transfers.get(deviceId, made.link.id))?.state, 'fetched');
    assert.equal((await ask(stage.port(), other, path)).status, 403);
  });

  test('with a password besides the certificate is refused, and by other methods too', async () => {
    const path = await linkTo('a.bin');
    const headers = { Authorization: 'Basic dXNlcjpwYXNz' };
    assert.equal((await ask(stage.port(), cell, path, { headers })).status, 403);
    assert.equal((await ask(stage.port(), cell, path, { method: 'DELETE' })).status, 405);
    assert.equal((await ask(stage.port(), cell, path, { method: 'PUT', body: 'x' })).status, 405);
  });
});
