/** `hems demo --prometheus` as people run it, with what the demo's fleet does not bring: tasks, a CRL that cannot be had. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { askNow } from '../support/panel-answers.ts';
import { hems, openFolder, type Running, start } from './command.ts';
import { until } from './evidence.ts';

export interface WatchedDemo {
  readonly prometheus: string;
  /** Works as `hems_readonly`, like Grafana. */
  readonly readonly: pg.Client;
  stop(): Promise<void>;
}

const policy = `anchors:
  - name: acme
    onUnknown: admit
    sources: [{ kind: operator-crl, url: 'http://127.0.0.1:9/acme.crl', timeout: 200ms }, { kind: uploaded-crl }]
`;

/** `whenSeen`: seconds that Prometheus has watched the fleet when it resolves. */
export async function openWatchedDemo(whenSeen: number): Promise<WatchedDemo> {
  const folder = openFolder();
  const dataDir = join(folder, 'data');
  const env = { HEMS_DATA_DIR: dataDir, HEMS_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };
  const demo = start(['demo', '--prometheus', '--json'], { env, withinMs: 900_000 });
  let postgres: EmbeddedPostgres | undefined;
  let readonly: pg.Client | undefined;
  const stop = async (): Promise<void> => {
    await readonly?.end();
    await postgres?.stop();
    await end(demo);
  };
  try {
    const prometheus = await whereIsPrometheus(demo);
    await addWork(folder, dataDir, env);
    postgres = await startEmbeddedPostgres({ dataDir });
    readonly = new pg.Client({ connectionString: postgres.url, options: '-c role=hems_readonly' });
    await readonly.connect();
    await sleep(whenSeen * 1000);
    // Counted after the last scenario of revocation, and taken over by the recording rules.
    const counted = () =>
      askNow(prometheus, 'hems_fleet_tasks{state="queued"} > 0 and on () hems:devices_refused:count');
    await until(counted, ({ length }) => length > 0, 'the tasks are counted', 90_000).catch(() => []);
    return { prometheus, readonly, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function whereIsPrometheus(demo: Running): Promise<string> {
  const said = await until(
    () =>
      /^\{"prometheus":"([^"]+)"\}$/m.exec(demo.stdout())?.[1] ?? (demo.child.exitCode === null ? undefined : 'gone'),
    (url) => url !== undefined,
    'the demo says where Prometheus is',
    300_000,
  );
  assert.notEqual(said, 'gone', demo.stderr());
  return said ?? '';
}

async function addWork(folder: string, dataDir: string, env: Readonly<Record<string, string>>): Promise<void> {
  const run = async (...args: string[]) => {
    const ended = await hems([...args, '--data-dir', dataDir], { env });
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout;
  };
  const { devices } = JSON.parse(await run('device', 'list', '--json')) as { devices: { deviceId: string }[] };
  const [device = ''] = devices.map(({ deviceId }) => deviceId);
  await run('task', 'add', device, 'reboot');
  const added = JSON.parse(await run('task', 'add', device, 'reboot', '--json')) as { id: string };
  await run('task', 'cancel', added.id);
  writeFileSync(join(folder, 'policy.yaml'), policy);
  await run('policy', 'apply', join(folder, 'policy.yaml'), '--offline', '--reason', 'a test');
}

async function end(demo: Running): Promise<void> {
  demo.child.kill('SIGINT');
  await demo.ended;
}
