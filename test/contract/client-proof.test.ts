import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cleanup } from '../support/cleanup.ts';
import { openManagementStage } from './management-stage.ts';

const root = resolve(import.meta.dirname, '../..');
const modules = join(root, 'node_modules');
const run = promisify(execFile);

/** No tool speaks to its maker. */
const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: '1' };
const tool = (name: string, ...args: readonly string[]) =>
  run(join(modules, '.bin', name), [...args], { cwd: root, env, maxBuffer: 16 * 1024 * 1024, timeout: 180_000 });

describe('the contract, as the tools of others read it', { timeout: 600_000 }, () => {
  test('Redocly finds no error and no warning', async () => {
    const { stdout, stderr } = await tool('redocly', 'lint', 'openapi.yaml', '--format=summary');
    assert.match(stdout + stderr, /description is valid/);
    assert.doesNotMatch(stdout + stderr, /warning/);
  });

  test('Spectral finds no error and no warning', async () => {
    const { stdout } = await tool('spectral', 'lint', 'openapi.yaml', '--fail-severity=warn');
    assert.match(stdout, /No results/);
  });

  test('a generated client has types that hold, and drives the running server', async (t) => {
    const stage = await openManagementStage();
    cleanup(t, () => stage.stop());
    const folder = mkdtempSync(join(tmpdir(), 'hems-client-'));
    cleanup(t, () => rmSync(folder, { recursive: true, force: true }));
    symlinkSync(modules, join(folder, 'node_modules'));
    await tool('oazapfts', join(root, 'openapi.yaml'), join(folder, 'client.ts'));
    writeFileSync(join(folder, 'integrator.ts'), integrator);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    const tsc = join(modules, 'oazapfts/node_modules/typescript/bin/tsc');
    const typed = await run(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error);
    assert.equal(typed.stdout, '', 'the types hold');
    const args = [stage.url, stage.of.administrator, ...stage.devices];
    const { stdout } = await run(process.execPath, [join(folder, 'integrator.ts'), ...args], { timeout: 60_000 });
    assert.deepEqual(JSON.parse(stdout), {
      alive: 'ok',
      devices: 2,
      moved: 'blocked',
      again: false,
      task: [201, 200, 'reboot', 'cancelled'],
      stale: [428, 412, 200],
      tags: ['north', 'pilot'],
      policy: [201, 412],
      key: [201, 409, 200],
      missing: [404, 'not_found'],
      unknown: 401,
      actor: 'key',
    });
  });
});

const tsconfig = {
  compilerOptions: {
    ...{ strict: true, target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext', noEmit: true },
    ...{ lib: ['es2023', 'dom', 'dom.iterable'], skipLibCheck: true, types: [], allowImportingTsExtensions: true },
  },
  include: ['*.ts'],
};

/** What an integrator writes, who has nothing but the contract. */
const integrator = `import * as hems from './client.ts';

declare const process: { argv: string[]; stdout: { write(text: string): void } };
const [url = '', key = '', north = '', south = ''] = process.argv.slice(2);
hems.defaults.baseUrl = url;
hems.defaults.headers = { Authorization: 'Bearer ' + key };

const health = await hems.getHealth();
const alive = health.status === 200 ? health.data.status : undefined;
const page = await hems.listDevices({ limit: 10, fields: 'id,state' });
if (page.status !== 200) throw new Error(page.data.detail);
const devices: number = page.data.items.length;

const block = await hems.blockDevice(north, { reason: 'stolen' });
const repeated = await hems.blockDevice(north, { reason: 'stolen' });
if (block.status !== 200 || repeated.status !== 200) throw new Error('not blocked');

const wish = { request: { kind: 'reboot' as const } };
const opts = { idempotencyKey: 'order-1' };
const first = await hems.createTask(south, wish, opts);
const second = await hems.createTask(south, wish, opts);
if (first.status !== 201 || second.status !== 200) throw new Error('no task');
const cancelled = await hems.cancelTask(south, first.data.id, {});
const task = [first.status, second.status, second.data.request.kind, cancelled.status === 200 && cancelled.data.state];

const described = { tags: ['pilot', 'north'] };
const blind = await hems.updateDevice(north, described);
const old = await hems.updateDevice(north, described, { ifMatch: '"old"' });
const seen = await fetch(url + '/api/v1/devices/' + north, { headers: { Authorization: 'Bearer ' + key } });
const etag = seen.headers.get('etag') ?? '';
const fresh = await hems.updateDevice(north, described, { ifMatch: etag });
const tags = fresh.status === 200 ? fresh.data.tags : [];

const document = { anchors: [{ name: 'acme', sources: [{ kind: 'uploaded-crl' }], onUnknown: 'admit' }] };
const none = { ifMatch: '"0"' };
const applied = await hems.applyRevocationPolicy({ document, offline: true, reason: 'go' }, none);
const late = await hems.applyRevocationPolicy({ document, offline: true, reason: 'go' }, none);

const made = await hems.createApiKey({ name: 'integrator', role: 'viewer' });
const taken = await hems.createApiKey({ name: 'integrator', role: 'viewer' });
if (made.status !== 201) throw new Error('no key');
const revoked = await hems.revokeApiKey(made.data.id, { reason: 'done' });

const missing = await hems.getDevice('00000000-0000-4000-8000-000000000000');
const audit = await hems.listAudit({ deviceId: north, action: 'block' });
const actor = audit.status === 200 ? audit.data.items[0]?.actorKind : undefined;
hems.defaults.headers = {};
const unknown = await hems.listDevices();

process.stdout.write(
  JSON.stringify({
    alive,
    devices,
    moved: block.data.state,
    again: repeated.data.changed,
    task,
    stale: [blind.status, old.status, fresh.status],
    tags,
    policy: [applied.status, late.status],
    key: [made.status, taken.status, revoked.status],
    missing: [missing.status, missing.status === 404 && missing.data.code],
    unknown: unknown.status,
    actor,
  }),
);
`;
