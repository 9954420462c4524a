import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { createFemtocell, deviceIdOf } from '../../src/simulator/femtocell.ts';
import { openCredentials } from '../../src/simulator/fleet-credentials.ts';
import { transferPlanSchema } from '../../src/simulator/transfer-plan.ts';
import { cleanup } from '../support/cleanup.ts';
import { development, hems, json, serve, testFolder } from './command.ts';
import { until } from './evidence.ts';
import { image } from './file-stage.ts';

/** A port that was free a moment ago: the server must come back where it was. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

interface Listed {
  readonly transfers: readonly { state: string; requests: number; bytesDone: number; size: number; runs: string }[];
}

describe('kill -9 of the server in the middle', { timeout: 300_000 }, () => {
  test('of a download and of an upload: both are whole in the end, and told as what they are', async (t) => {
    const folder = testFolder(t);
    const options = { env: { ...development(join(folder, 'data')), HEMS_CWMP_PORT: String(await freePort()) } };
    const start = async () => {
      const running = await serve(['--dev'], options);
      cleanup(t, () => void running.child.kill('SIGKILL'));
      return running;
    };
    const command = async (...args: string[]) => {
      const ended = await hems(args, options);
      assert.equal(ended.code, 0, ended.stderr);
      return ended;
    };
    let server = await start();
    const { cwmp: url, dataDir } = server.ready;
    await command('simulate', '--url', url, '--certs', dataDir, '--enrol', '--seed', 'killed');
    const opened = await openCredentials(dataDir, 'killed', new Date());
    assert.ok(opened.ok);
    const dressed = await opened.source.device(0, undefined);
    const { ca, identity, manufacturer } = dressed;
    const cell = createFemtocell({ url, ca, credentials: dressed, deviceId: deviceIdOf(identity, manufacturer) });
    const moved = async (direction: string): Promise<number> => {
      const text = await (await fetch(`${server.ready.management}/metrics`)).text();
      const pattern = `^hems_southbound_file_bytes_total\\{[^}]*direction="${direction}"[^}]*\\} (\\d+)`;
      return Number(new RegExp(pattern, 'm').exec(text)?.[1] ?? 0);
    };
    /** The device is at it when the server is killed, and goes on with the next one. */
    const interrupted = async (direction: string): Promise<void> => {
      const session = runSession(cell);
      await until(
        () => moved(direction),
        (bytes) => bytes > 600_000,
        `the ${direction} is under way`,
        30_000,
      );
      server.child.kill('SIGKILL');
      await server.ended;
      server = await start();
      assert.equal((await session).complete, true);
      await runSession(cell);
    };
    const listed = async () => json<Listed>(await command('device', 'transfers', identity, '--json')).transfers[0];

    const bytes = image(4_000_000, '4.2.0');
    writeFileSync(join(folder, 'fap-4.2.0.bin'), bytes);
    const about = ['--type', 'firmware', '--model', 'FAP', '--file-version', '4.2.0'];
    await command('file', 'add', join(folder, 'fap-4.2.0.bin'), ...about);
    await command('device', 'download', identity, 'fap-4.2.0.bin', '--no-wait');
    cell.state.transferPlans.push(transferPlanSchema.parse({ rate: 1_500_000 }));
    const inUse = await hems(['file', 'remove', 'fap-4.2.0.bin'], options);
    assert.equal(inUse.code, 1);
    assert.match(inUse.stderr, /is in use: task [0-9a-f-]{36} of device/);
    await interrupted('download');
    const download = await listed();
    assert.deepEqual([download?.state, download?.bytesDone, download?.runs], ['applied', bytes.length, '4.2.0']);
    assert.ok((download?.requests ?? 0) >= 2, 'it went on by Range');

    await command('device', 'upload', identity, 'log', '--no-wait');
    cell.state.transferPlans.push(transferPlanSchema.parse({ bytes: 4_000_000, rate: 1_500_000 }));
    await interrupted('upload');
    const upload = await listed();
    assert.deepEqual([upload?.state, upload?.size], ['completed', 4_000_000]);
    const sent = json<{ id: string; size: number }[]>(await command('device', 'uploads', identity, '--json'));
    assert.deepEqual(
      sent.map(({ size }) => size),
      [4_000_000],
    );
    const out = join(folder, 'out.log');
    await command('device', 'uploads', identity, '--get', sent[0]?.id ?? '', '--out', out);
    await command('file', 'remove', 'fap-4.2.0.bin');
    server.child.kill('SIGINT');
    assert.equal((await server.ended).code, 0);
  });
});
