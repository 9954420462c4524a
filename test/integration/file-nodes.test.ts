import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createContentStore } from '../../src/fleet/files/content-stores.ts';
import { sweepFiles } from '../../src/fleet/files/file-sweeping.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { withDatabase } from '../support/database.ts';
import { peer, unless } from '../support/peers.ts';
import { metric } from './evidence.ts';
import { ask, eventually, fileDesk, image, sha256, withFileStage } from './file-stage.ts';
import { ownFolder } from './stage.ts';
import { by, taskStage } from './task-stage.ts';

const folder = ownFolder();
const tomorrow = (): Date => new Date(Date.now() + 86_400_000);
const hit = { outcome: 'hit' };

describe('the cache of a node', { timeout: 120_000 }, () => {
  test('reads a hot file out of the database once, however many ask at once', async (t) => {
    const stage = await withFileStage(t);
    const desk = fileDesk(stage.db);
    const { cell, deviceId } = await taskStage(stage);
    const bytes = image(1_500_000);
    const file = await desk.add('hot.bin', bytes);
    const link = await desk.transfers.link(deviceId, file.id, tomorrow(), by);
    assert.ok(link.ok);
    const get = () => ask(stage.port(), cell, `/files/${link.transferId}`);
    const replies = await Promise.all(Array.from({ length: 8 }, get));
    for (const { body } of replies) assert.ok(body.equals(bytes));
    const counted = (outcome: string) => metric(stage.metrics, 'hems_fleet_file_cache_total', { outcome });
    assert.equal(await counted('filled'), 1);
    await stage.db.query({ text: 'update file_chunks set bytes = $1', values: [Buffer.from('nothing')] });
    assert.ok((await get()).body.equals(bytes), 'the database is not asked for it any more');
    assert.ok((await metric(stage.metrics, 'hems_fleet_file_cache_total', hit)) >= 1);
  });

  test('notices that a cached file was changed, and fetches it anew', async (t) => {
    const cacheDirectory = mkdtempSync(join(folder, 'cache-'));
    const stage = await withFileStage(t, { cacheDirectory });
    const desk = fileDesk(stage.db);
    const { cell, deviceId } = await taskStage(stage);
    const bytes = image(300_000);
    const file = await desk.add('changed.bin', bytes);
    const link = await desk.transfers.link(deviceId, file.id, tomorrow(), by);
    assert.ok(link.ok);
    const get = () => ask(stage.port(), cell, `/files/${link.transferId}`);
    await get();
    const path = join(cacheDirectory, sha256(bytes));
    const broken = await readFile(path);
    broken[1000] = (broken[1000] ?? 0) ^ 1;
    await writeFile(path, broken);
    await utimes(path, new Date(0), new Date(0));
    assert.ok((await get()).body.equals(bytes));
    assert.equal(await metric(stage.metrics, 'hems_fleet_file_cache_total', { outcome: 'corrupt' }), 1);
    assert.ok((await readFile(path)).equals(bytes));
  });

  test('sends nothing that is not what was added, whoever changed it in the database', async (t) => {
    const stage = await withFileStage(t);
    const desk = fileDesk(stage.db);
    const { cell, deviceId } = await taskStage(stage);
    const file = await desk.add('forged.bin', image(200_000));
    const link = await desk.transfers.link(deviceId, file.id, tomorrow(), by);
    assert.ok(link.ok);
    await stage.db.query({
      text: 'update file_chunks set bytes = set_byte(bytes, 5, 7) where content_id = $1 and n = 0',
      values: [file.contentId],
    });
    assert.equal((await ask(stage.port(), cell, `/files/${link.transferId}`)).status, 500);
  });

  test('holds no more than it may: the least recently used file goes', async (t) => {
    const cacheDirectory = mkdtempSync(join(folder, 'cache-'));
    const stage = await withFileStage(t, { cacheDirectory, cacheBytes: 500_000 });
    const desk = fileDesk(stage.db);
    const { cell, deviceId } = await taskStage(stage);
    const get = async (name: string, size: number) => {
      const bytes = image(size);
      const file = await desk.add(name, bytes);
      const link = await desk.transfers.link(deviceId, file.id, tomorrow(), by);
      assert.ok(link.ok);
      assert.ok((await ask(stage.port(), cell, `/files/${link.transferId}`)).body.equals(bytes));
      return sha256(bytes);
    };
    const [, second, third] = [await get('1', 200_000), await get('2', 200_000), await get('3', 200_000)];
    assert.deepEqual((await readdir(cacheDirectory)).sort(), [second, third].sort());
    await get('large', 600_000);
    assert.equal((await readdir(cacheDirectory)).length, 2, 'too large for the cache, it comes from the store');
  });
});

describe('two nodes', { timeout: 120_000 }, () => {
  for (const store of ['postgres', 'directory'] as const)
    test(`serve the same files and take each other's: ${store}`, async (t) => {
      const directory = mkdtempSync(join(folder, 'shared-'));
      const database = await withDatabase(t);
      const settings = { store, directory };
      const one = await withFileStage(t, settings, { database });
      const two = await withFileStage(t, settings, { database });
      const desk = fileDesk(one.db, settings);
      const { cell, deviceId } = await taskStage(one);
      const bytes = image(400_000);
      const file = await desk.add('shared.bin', bytes);
      assert.equal((await readdir(directory)).length, store === 'directory' ? 1 : 0);
      const link = await desk.transfers.link(deviceId, file.id, tomorrow(), by);
      assert.ok(link.ok);
      const path = `/files/${link.transferId}`;
      const half = { headers: { Range: 'bytes=0-199999' } };
      const rest = { headers: { Range: 'bytes=200000-', 'If-Range': `"${sha256(bytes)}"` } };
      const parts = [await ask(one.port(), cell, path, half), await ask(two.port(), cell, path, rest)];
      assert.ok(Buffer.concat(parts.map(({ body }) => body)).equals(bytes));
      await eventually(async () => (await desk.transfers.get(deviceId, link.transferId))?.state, 'fetched');
      const wished = await desk.transfers.upload(deviceId, { fileType: '2 Vendor Log File' }, by);
      assert.ok(wished.ok);
      const put = { method: 'PUT', body: 'a log' };
      assert.equal((await ask(two.port(), cell, `/files/${wished.transferId}`, put)).status, 201);
      assert.equal((await desk.transfers.uploads(deviceId, { limit: 5 })).length, 1);
      assert.ok((await desk.files.remove(file.id, by)).ok === false, 'its link is in force');
    });
});

describe('what interrupted writes leave', { timeout: 60_000 }, () => {
  for (const store of ['postgres', 'directory'] as const)
    test(`is swept away, and nothing else: ${store}`, async (t) => {
      const { db } = await withDatabase(t);
      const directory = mkdtempSync(join(folder, 'shared-'));
      const clock = manualClock(new Date('2026-05-04T10:00:00Z'));
      const config = { files: { store, directory, keepUploadsDays: 90 } } as never;
      const content = createContentStore({ db, clock, config });
      const desk = fileDesk(db, { store, directory });
      await desk.add('kept.bin', image(100_000));
      async function* endless(): AsyncGenerator<Buffer> {
        yield Buffer.alloc(70_000);
        await new Promise(() => undefined);
      }
      // Whoever writes it is killed: it is never heard of again.
      void content.write(endless());
      await eventually(async () => (await db.query({ text: 'select 1 from file_contents' })).count, 2);
      const orphan = await content.write([Buffer.from('nobody names it')] as unknown as AsyncIterable<Buffer>);
      assert.equal(await sweepFiles({ db, clock, config }), 0, 'too young');
      clock.advance(6 * 60_000);
      if (store === 'directory') {
        const old = new Date('2026-05-04T09:00:00Z');
        for (const name of await readdir(directory)) await utimes(join(directory, name), old, old);
      }
      assert.equal(await sweepFiles({ db, clock, config }), 2);
      const left = await db.query<{ id: string }>({ text: 'select id from file_contents' });
      assert.ok(left.count === 1 && left.rows[0]?.id !== orphan.id);
      assert.equal((await readdir(directory)).length, store === 'directory' ? 1 : 0);
    });
});

test('curl with the certificate of the device fetches a range and goes on with a file', {
  skip: unless('curl'),
}, async (t) => {
  const stage = await withFileStage(t);
  const desk = fileDesk(stage.db);
  const { cell, deviceId } = await taskStage(stage);
  const bytes = image(500_000);
  const file = await desk.add('curl.bin', bytes);
  const link = await desk.transfers.link(deviceId, file.id, tomorrow(), by);
  assert.ok(link.ok);
  const own = mkdtempSync(join(folder, 'curl-'));
  const put = (name: string, text: string): string => {
    writeFileSync(join(own, name), text, { mode: 0o600 });
    return join(own, name);
  };
  const { ca, credentials } = cell.options;
  const identity = [
    ...['--cacert', put('ca.pem', ca)],
    ...['--cert', put('cell.pem', credentials?.chain ?? ''), '--key', put('cell.key', credentials?.key ?? '')],
  ];
  const url = `https://localhost:${stage.port()}/files/${link.transferId}/curl.bin`;
  const curl = (...args: string[]): Promise<number | null> =>
    new Promise((resolve) => {
      const child = spawn(peer('curl') ?? '', ['-sS', '--fail', ...identity, ...args, url], { stdio: 'inherit' });
      child.once('close', resolve);
    });
  const part = join(own, 'part');
  assert.equal(await curl('-r', '1000-1999', '-o', part), 0);
  assert.ok(readFileSync(part).equals(bytes.subarray(1000, 2000)));
  const whole = join(own, 'whole');
  writeFileSync(whole, bytes.subarray(0, 123_456));
  assert.equal(await curl('-C', '-', '-o', whole), 0);
  assert.ok(readFileSync(whole).equals(bytes));
  const wished = await desk.transfers.upload(deviceId, { fileType: '2 Vendor Log File' }, by);
  assert.ok(wished.ok);
  const sent = `https://localhost:${stage.port()}/files/${wished.transferId}`;
  const code = await new Promise((resolve) => {
    spawn(peer('curl') ?? '', ['-sS', '--fail', ...identity, '-T', whole, sent], { stdio: 'inherit' }).once(
      'close',
      resolve,
    );
  });
  assert.equal(code, 0);
  assert.equal((await desk.transfers.uploads(deviceId, { limit: 1 }))[0]?.sha256, sha256(bytes));
});
