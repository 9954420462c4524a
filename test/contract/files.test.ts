import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type ManagementStage, openManagementStage } from './management-stage.ts';

describe('files over the API', { timeout: 120_000 }, () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  const bytes = randomBytes(3_000_000);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const add = (query: Record<string, string>, key = stage.of.operator) =>
    fetch(`${stage.url}/api/v1/files?${new URLSearchParams(query)}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/octet-stream' },
      body: bytes,
    });
  const post = (path: string, body: unknown) => stage.ask(path, { method: 'POST', key: stage.of.operator, body });

  test('a file is kept byte for byte, listed, fetched, and refused under a name that is taken', async () => {
    const fileType = '1 Firmware Upgrade Image';
    const added = await add({ name: 'fap.bin', fileType, version: '4.2.0', sha256 });
    const file = (await added.json()) as { id: string; sha256: string; size: number };
    assert.deepEqual([added.status, file.sha256, file.size], [201, sha256, bytes.length]);
    const content = await fetch(`${stage.url}/api/v1/files/${file.id}/content`, {
      headers: { Authorization: `Bearer ${stage.of.viewer}` },
    });
    assert.equal(content.headers.get('etag'), `"${sha256}"`);
    assert.ok(bytes.equals(Buffer.from(await content.arrayBuffer())));
    assert.equal((await add({ name: 'fap.bin', fileType })).status, 409);
    assert.equal((await add({ name: 'other.bin', fileType, sha256: 'a'.repeat(64) })).status, 422);
    assert.equal((await add({ name: '../x', fileType })).status, 422);
    assert.equal((await add({ name: 'mine.bin', fileType }, stage.of.viewer)).status, 403);
    // A name may look like the id of another file, and is none.
    const posing = (await (await add({ name: file.id, fileType })).json()) as { id: string };
    const shown = await stage.ask(`/api/v1/files/${file.id}`, { key: stage.of.viewer });
    assert.equal((shown.body as { name: string }).name, 'fap.bin');
    await stage.ask(`/api/v1/files/${posing.id}`, { method: 'DELETE', key: stage.of.operator });
    const { body } = await stage.ask('/api/v1/files', { key: stage.of.viewer });
    assert.deepEqual(
      (body as { items: { name: string }[] }).items.map(({ name }) => name),
      ['fap.bin'],
    );
  });

  test('a file that a task or a link names is not removed; afterwards it is', async () => {
    const { body } = await stage.ask('/api/v1/files', { key: stage.of.viewer });
    const [file] = (body as { items: { id: string }[] }).items;
    const path = `/api/v1/files/${file?.id}`;
    const remove = (at = path) => stage.ask(at, { method: 'DELETE', key: stage.of.operator });
    const link = await post(`${path}/links`, { productClass: 'FAP' });
    assert.equal(link.status, 201);
    assert.deepEqual([(await remove()).status], [409]);
    assert.equal((await remove(`/api/v1/file-links/${(link.body as { id: string }).id}`)).status, 204);
    const [device] = stage.devices;
    const transfer = await post(`/api/v1/devices/${device}/transfers`, {
      wish: { direction: 'download', fileId: file?.id },
    });
    assert.equal(transfer.status, 201, JSON.stringify(transfer.body));
    const { taskId, state } = transfer.body as { taskId: string; state: string };
    assert.equal(state, 'requested');
    const refused = await remove();
    assert.match((refused.body as { detail: string }).detail, new RegExp(taskId));
    assert.equal((await post(`/api/v1/devices/${device}/tasks/${taskId}/cancel`, {})).status, 200);
    assert.equal((await remove()).status, 204);
    assert.equal((await stage.ask(path, { key: stage.of.viewer })).status, 404);
    const listed = await stage.ask(`/api/v1/devices/${device}/transfers`, { key: stage.of.viewer });
    const [one] = (listed.body as { items: { state: string; sha256: string }[] }).items;
    assert.deepEqual([one?.state, one?.sha256], ['cancelled', sha256], 'what was meant stays told');
  });

  test('what devices have sent is for those who may see it', async () => {
    const path = `/api/v1/devices/${stage.devices[0]}/uploads`;
    assert.deepEqual((await stage.ask(path, { key: stage.of.viewer })).body, { items: [] });
    const content = `${path}/00000000-0000-7000-8000-000000000000/content`;
    assert.equal((await stage.ask(content, { key: stage.of.viewer })).status, 403);
    assert.equal((await stage.ask(content, { key: stage.of.operator })).status, 404);
  });

  test('whoever reads what a device has sent stands in the audit', async () => {
    const { db } = stage;
    const [device] = stage.devices;
    const [contentId, upload] = [randomUUID(), randomUUID()];
    const log = Buffer.from('psk=correct horse');
    const hash = createHash('sha256').update(log).digest();
    const at = new Date();
    for (const [text, values] of [
      [
        `insert into file_contents (id, store, size, sha256, written_at) values ($1, 'postgres', $2, $3, $4)`,
        [contentId, log.length, hash, at],
      ],
      ['insert into file_chunks (content_id, n, bytes) values ($1, 0, $2)', [contentId, log]],
      [
        `insert into device_uploads (device_id, id, slot, name, file_type, content_id, size, sha256, received_at, admission_id)
         values ($1, $2, 'pm', 'x.log', '2 Vendor Log File', $3, $4, $5, $6, $2)`,
        [device, upload, contentId, log.length, hash, at],
      ],
    ] as const)
      await db.query({ text, values });
    const path = `/api/v1/devices/${device}/uploads/${upload}/content`;
    const read = await fetch(`${stage.url}${path}`, { headers: { Authorization: `Bearer ${stage.of.operator}` } });
    assert.deepEqual([read.status, await read.text()], [200, log.toString()]);
    const found = await stage.ask(`/api/v1/audit?deviceId=${device}&action=read_upload`, { key: stage.of.auditor });
    const [change] = (found.body as { items: { actor: string; after: { upload: string } }[] }).items;
    assert.equal(change?.after.upload, upload);
    assert.match(change?.actor ?? '', /operator/);
  });
});
