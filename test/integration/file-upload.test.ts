import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cleanup } from '../support/cleanup.ts';
import { httpRequest, openTlsSocket, sayOverTls, wire } from './clients.ts';
import { type Asking, ask, begin, eventually, type FileDesk, fileDesk, image, withFileStage } from './file-stage.ts';
import { openStage, ownFolder, type Stage } from './stage.ts';
import { by, taskStage } from './task-stage.ts';

const uploadBytes = 1_000_000;
const deviceBytes = 2_500_000;

describe('at the file door', { timeout: 240_000 }, () => {
  let stage: Stage;
  let desk: FileDesk;
  before(async () => {
    const slots = [{ name: 'pm', bytes: 200_000, keep: 3 }];
    const limits = { uploadBytes, deviceBytes, leastRate: 20_000, patience: '400ms', transferTime: '30s' };
    stage = await openStage({ config: { files: { cacheDirectory: ownFolder(), slots, ...limits } } });
    desk = fileDesk(stage.db);
  });
  after(() => stage.stop());

  /** A device that has been asked for a file and has not sent it yet. */
  async function asked() {
    const device = await taskStage(stage);
    const wished = await desk.transfers.upload(device.deviceId, { fileType: '2 Vendor Log File' }, by);
    assert.ok(wished.ok);
    const path = `/files/${wished.transferId}`;
    const send = (asking: Asking) => ask(stage.port(), device.cell, path, { method: 'PUT', ...asking });
    const uploads = () => desk.transfers.uploads(device.deviceId, { limit: 10 });
    const failure = async () => (await desk.transfers.get(device.deviceId, wished.transferId))?.failure;
    const content = async () => {
      const [first] = await uploads();
      return first && buffer(desk.transfers.read(first, by));
    };
    return { ...device, ...wished, path, send, uploads, failure, content };
  }
  const orphans = async (): Promise<number> => {
    const text = `select count(*)::int as count from file_contents c
                   where not exists (select from files f where f.content_id = c.id)
                     and not exists (select from device_uploads u where u.content_id = c.id)`;
    return (await stage.db.query<{ count: number }>({ text })).rows[0]?.count ?? -1;
  };

  for (const [name, asking] of [
    ['PUT', {}],
    ['POST', { method: 'POST' }],
    ['chunks', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['100-continue', { headers: { Expect: '100-continue' } }],
  ] as const)
    test(`a file that is sent by ${name} is kept byte for byte`, async () => {
      const { send, content } = await asked();
      const body = randomBytes(600_000);
      assert.equal((await send({ ...asking, body })).status, 201);
      assert.deepEqual(await content(), body);
    });

  test('a compressed file is kept inflated', async () => {
    const { send, content } = await asked();
    const body = Buffer.alloc(900_000, 'log ');
    const sent = await send({ headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(body) });
    assert.equal(sent.status, 201);
    assert.deepEqual(await content(), body);
  });

  test('a file sent twice, as by a device that lost the answer, is one; the later counts', async () => {
    const { send, uploads, content } = await asked();
    for (const body of ['first', 'second']) assert.equal((await send({ body })).status, 201);
    assert.equal((await uploads()).length, 1);
    assert.equal((await content())?.toString(), 'second');
  });

  test('an empty file is a file', async () => {
    const { send, uploads } = await asked();
    assert.equal((await send({ body: '' })).status, 201);
    assert.equal((await uploads())[0]?.size, 0);
  });

  test('a gzip bomb is refused at the limit, and nothing of it is kept', async () => {
    const { send, uploads, failure } = await asked();
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    assert.ok(bomb.length < uploadBytes);
    const before = process.memoryUsage().rss;
    assert.equal((await send({ headers: { 'Content-Encoding': 'gzip' }, body: bomb })).status, 413);
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, 'it is not unpacked first');
    assert.deepEqual(await uploads(), []);
    await eventually(failure, 'too_large');
    await eventually(orphans, 0);
  });

  test('what is no gzip, a broken one, another encoding and a part of a file are refused', async () => {
    const { send, uploads } = await asked();
    const gzip = gzipSync(randomBytes(10_000));
    const encoded = (body: Buffer) => send({ headers: { 'Content-Encoding': 'gzip' }, body });
    assert.equal((await encoded(Buffer.from('no gzip'))).status, 400);
    assert.equal((await encoded(gzip.subarray(0, 5000))).status, 400);
    assert.equal((await send({ headers: { 'Content-Encoding': 'br' }, body: gzip })).status, 415);
    assert.equal((await send({ headers: { 'Content-Range': 'bytes 0-9/20' }, body: '0123456789' })).status, 400);
    assert.deepEqual(await uploads(), []);
  });

  test('a file larger than allowed is refused before it is sent, and in chunks as soon as it is', async () => {
    const { send, uploads, path, cell } = await asked();
    const head = httpRequest('PUT', path, { headers: { 'Content-Length': '1000001', Expect: '100-continue' } });
    const heard = await sayOverTls({ ...wire(stage, cell), bytes: head });
    assert.match(heard.bytes.toString(), /^HTTP\/1\.1 413 /, 'nothing of it is asked for');
    const body = randomBytes(1_100_000);
    assert.equal((await send({ headers: { 'Transfer-Encoding': 'chunked' }, body })).status, 413);
    assert.deepEqual(await uploads(), []);
  });

  test('a body longer than announced is cut where it was to end, and the rest is no request', async () => {
    const { path, cell, content } = await asked();
    const bytes = `${httpRequest('PUT', path, { headers: { 'Content-Length': '10' } })}0123456789and some more\r\n\r\n`;
    const heard = (await sayOverTls({ ...wire(stage, cell), bytes })).bytes.toString();
    assert.match(heard, /^HTTP\/1\.1 (201|400) /);
    assert.match(heard, /HTTP\/1\.1 400 /);
    assert.ok([undefined, '0123456789'].includes((await content())?.toString()));
  });

  test('a body shorter than announced is no file', async () => {
    const { path, cell, uploads, failure, deviceId, transferId } = await asked();
    const bytes = `${httpRequest('PUT', path, { headers: { 'Content-Length': '1000' } })}only so much`;
    const socket = await openTlsSocket({ ...wire(stage, cell), when: 'after' });
    socket.write(bytes);
    await eventually(async () => (await desk.transfers.get(deviceId, transferId))?.startedAt instanceof Date, true);
    socket.destroy();
    await eventually(failure, 'aborted');
    assert.deepEqual(await uploads(), []);
    await eventually(orphans, 0);
  });

  test('an upload that stalls is ended in time', async () => {
    const { path, cell, uploads, failure } = await asked();
    const head = httpRequest('PUT', path, { headers: { 'Content-Length': '500000' } });
    const heard = await sayOverTls({ ...wire(stage, cell), bytes: `${head}a little`, withinMs: 20_000 });
    assert.equal(heard.closedBy, 'server');
    assert.match(heard.bytes.toString(), /^HTTP\/1\.1 408 /);
    await eventually(failure, 'too_slow');
    assert.deepEqual(await uploads(), []);
  });

  test('a reader that stops reading is ended in time, and what it has is on record', async () => {
    const { cell, deviceId } = await asked();
    const file = await desk.add('slow.bin', image(24 * 1024 * 1024));
    const link = await desk.transfers.link(deviceId, file.id, new Date(Date.now() + 86_400_000), by);
    assert.ok(link.ok);
    const response = await begin(stage.port(), cell, `/files/${link.transferId}`);
    response.pause();
    const closed = new Promise<void>((resolve) =>
      response.once('error', () => resolve()).once('close', () => resolve()),
    );
    await eventually(async () => (await desk.transfers.get(deviceId, link.transferId))?.failure, 'too_slow');
    response.resume();
    await closed;
    const seen = await desk.transfers.get(deviceId, link.transferId);
    assert.equal(seen?.state, 'started');
    assert.ok((seen?.bytesDone ?? 0) < file.size);
  });

  test('a device has so much room and no more; what it replaces gives room back', async () => {
    const { cell, deviceId, tasks } = await asked();
    const more = async (size: number) => {
      const wished = await desk.transfers.upload(deviceId, { fileType: '2 Vendor Log File' }, by);
      assert.ok(wished.ok);
      const put = (body: Buffer) =>
        ask(stage.port(), cell, `/files/${wished.transferId}`, { method: 'PUT', body }).then(({ status }) => status);
      return { put, first: await put(randomBytes(size)) };
    };
    const [one, two] = [await more(900_000), await more(900_000)];
    assert.deepEqual([one.first, two.first], [201, 201]);
    assert.equal((await more(900_000)).first, 507);
    assert.equal(await two.put(randomBytes(990_000)), 201, 'in the place of what it sent before');
    assert.ok((await tasks.list({ deviceId }, 10)).length >= 3);
  });

  test('a slot takes files of every device, each its own, no larger than it says', async () => {
    const { cell, deviceId } = await asked();
    const put = async (name: string, size: number) =>
      (await ask(stage.port(), cell, `/files/slots/pm/${name}`, { method: 'PUT', body: randomBytes(size) })).status;
    for (let i = 0; i < 5; i += 1) assert.equal(await put(`A2026050${i}.xml`, 150_000), 201);
    assert.equal(await put('large.xml', 200_001), 413);
    assert.equal((await ask(stage.port(), cell, '/files/slots/pm/A20260501.xml')).status, 405, 'it is not read here');
    const uploads = await desk.transfers.uploads(deviceId, { limit: 10 });
    assert.deepEqual(
      uploads.map(({ name }) => name),
      ['A20260504.xml', 'A20260503.xml', 'A20260502.xml'],
    );
  });

  test('hostile names are kept as text', async () => {
    const { cell, deviceId } = await asked();
    const name = encodeURIComponent('../../\u0000\u001b[31m\u202e=1+1.xml');
    assert.equal((await ask(stage.port(), cell, `/files/slots/pm/${name}`, { method: 'PUT', body: 'x' })).status, 201);
    const [upload] = await desk.transfers.uploads(deviceId, { limit: 1 });
    assert.doesNotMatch(upload?.name ?? '', /[\p{Cc}\p{Cf}]/u);
  });

  test('a file that nobody asked for, or not any more, is refused', async () => {
    const { cell, deviceId, send, tasks, task } = await asked();
    assert.equal((await send({ body: 'x' })).status, 201);
    assert.ok((await tasks.cancel(deviceId, task.id, by)).ok);
    assert.equal((await send({ body: 'y' })).status, 403);
    const [upload] = await desk.transfers.uploads(deviceId, { limit: 1 });
    assert.equal(upload?.size, 1);
    assert.equal((await ask(stage.port(), cell, '/files/', { method: 'PUT', body: 'x' })).status, 404);
  });
});

test('a device that falls loses its transfers at once', { timeout: 60_000 }, async (t) => {
  const stage = await withFileStage(t);
  const desk = fileDesk(stage.db);
  const { cell, deviceId } = await taskStage(stage);
  const file = await desk.add('large.bin', image(24 * 1024 * 1024));
  const link = await desk.transfers.link(deviceId, file.id, new Date(Date.now() + 86_400_000), by);
  assert.ok(link.ok);
  const response = await begin(stage.port(), cell, `/files/${link.transferId}`);
  const ended = new Promise<boolean>((resolve) => {
    response.once('error', () => resolve(false)).once('end', () => resolve(true));
  });
  response.once('data', () => response.pause());
  await stage.register.block(deviceId, by);
  await eventually(async () => (await desk.transfers.get(deviceId, link.transferId))?.failure, 'aborted');
  response.resume();
  assert.equal(await ended, false);
  const after: unknown = await ask(stage.port(), cell, `/files/${link.transferId}`).catch((error: unknown) => error);
  assert.ok(after instanceof Error, 'not even a handshake');
});

test('files that are on their way count against the room for all', { timeout: 60_000 }, async (t) => {
  const slots = [{ name: 'pm', bytes: 200_000, keep: 3 }];
  const stage = await withFileStage(t, { slots, totalBytes: 300_000, uploadBytes: 200_000, deviceBytes: 200_000 });
  const [slow, other] = [await taskStage(stage), await taskStage(stage)];
  const socket = await openTlsSocket({ ...wire(stage, slow.cell), when: 'after' });
  cleanup(t, () => socket.destroy());
  socket.write(httpRequest('PUT', '/files/slots/pm/a', { headers: { 'Content-Length': '200000' } }));
  socket.write(Buffer.alloc(199_999));
  const come = async () =>
    Number(/hems_southbound_file_bytes_total\{[^}]*upload[^}]*\} (\d+)/.exec(await stage.metrics.metrics())?.[1] ?? 0);
  await eventually(come, 199_999);
  const put = (size: number) =>
    ask(stage.port(), other.cell, `/files/slots/pm/${size}`, { method: 'PUT', body: Buffer.alloc(size) });
  assert.equal((await put(150_000)).status, 507);
  assert.equal((await put(50_000)).status, 201);
  socket.write('x');
  const sent = async () => (await stage.db.query({ text: 'select size from device_uploads' })).count;
  await eventually(sent, 2);
});

test('one device takes so many of the transfers of a node, and leaves the others theirs', {
  timeout: 60_000,
}, async (t) => {
  const slots = [{ name: 'pm', bytes: 200_000, keep: 3 }];
  const stage = await withFileStage(t, { slots, transfersAtOnce: 4, transfersPerDevice: 2 });
  const [greedy, other] = [await taskStage(stage), await taskStage(stage)];
  const stalled = httpRequest('PUT', '/files/slots/pm/a', { headers: { 'Content-Length': '1000' } });
  const underWay = async () =>
    /hems_southbound_file_transfers\{[^}]*upload[^}]*\} ([1-9]\d*)/.exec(await stage.metrics.metrics())?.[1];
  for (let n = 1; n <= 2; n += 1) {
    const socket = await openTlsSocket({ ...wire(stage, greedy.cell), when: 'after' });
    cleanup(t, () => socket.destroy());
    socket.write(`${stalled}only so much`);
    await eventually(underWay, String(n));
  }
  const turnedAway = await ask(stage.port(), greedy.cell, '/files/slots/pm/b', { method: 'PUT', body: 'x' });
  assert.deepEqual([turnedAway.status, typeof turnedAway.headers['retry-after']], [503, 'string']);
  assert.equal((await ask(stage.port(), other.cell, '/files/slots/pm/b', { method: 'PUT', body: 'x' })).status, 201);
});
