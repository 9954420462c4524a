import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { stage as dress, perform } from '../../src/simulator/scenarios/cast.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import type { Observation } from '../../src/simulator/scenarios/scenario.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';
import { openTlsSocket } from './clients.ts';
import { development, hems, processesOf, serve, start, testFolder } from './command.ts';
import { until } from './evidence.ts';
import { ownConfig, ownGround } from './production.ts';
import { openWorkers, type Workers, workersOf } from './workers.ts';

const admitted = (figures: ReadonlyMap<string, number>): number =>
  [...figures]
    .filter(([series]) => /^hems_trust_decisions_total\{outcome="admitted"/.test(series))
    .reduce((sum, [, value]) => sum + value, 0);

const restarts = (figures: ReadonlyMap<string, number>): number =>
  figures.get('hems_platform_worker_restarts_total{cause="ended"}') ?? 0;

const nothingOf = (folder: string): Promise<unknown> =>
  until(
    () => processesOf(folder),
    (left) => left.length === 0,
    'no process of the data directory is left',
    30_000,
  );

async function session(cell: Femtocell): Promise<Observation> {
  const seen = await perform(cell);
  assert.deepEqual([seen.informed, seen.complete], [true, true], JSON.stringify(seen));
  return seen;
}

/** Sessions of new devices until each worker had some; how many there were. */
async function sessionsOnBoth(workers: Workers): Promise<number> {
  const met = new Set<number>();
  for (let sessions = 0; sessions < 60; ) {
    const cells = await Promise.all(
      Array.from({ length: 6 }, async () => dress(workers.context, await workers.known())),
    );
    const seen = await Promise.all(cells.map(session));
    sessions += seen.length;
    for (const { localPorts } of seen) met.add(await workers.workerAt(localPorts[0]));
    if (met.size === 2) return sessions;
  }
  throw new Error('sixty connections, and all came to one worker');
}

/** Asked often enough to meet both. */
async function scrapes(workers: Workers): Promise<ReadonlyMap<string, number>[]> {
  const pages: ReadonlyMap<string, number>[] = [];
  for (let i = 0; i < 8; i += 1) pages.push(await workers.scrape());
  return pages;
}

describe('serve with two workers', { timeout: 300_000 }, () => {
  let workers: Workers;
  before(async () => {
    workers = await openWorkers(2);
  });
  after(() => workers.stop());

  test('shares the devices among both, and any of them shows the figures of both', async () => {
    assert.deepEqual([...workersOf(workers.running.pid).keys()].sort(), [1, 2]);
    assert.equal(workers.running.ready.pid, workers.running.pid, 'who is to be stopped is the supervisor');
    assert.equal((await fetch(`${workers.running.ready.management}/readyz`)).status, 200);
    const sessions = await sessionsOnBoth(workers);
    for (const figures of await scrapes(workers)) {
      assert.equal(admitted(figures), sessions);
      assert.equal(figures.get('hems_southbound_sessions_total{listener="cwmp",outcome="completed"}'), sessions);
      assert.equal(figures.get('hems_southbound_session_seconds_count{listener="cwmp"}'), sessions);
      assert.equal(figures.get('hems_platform_workers{state="serving"}'), 2);
      assert.equal([...figures.keys()].filter((series) => series.startsWith('hems_build_info{')).length, 1);
      assert.equal(figures.get('hems_deviation_active{deviation="development_pki"}'), 1, 'not once for each worker');
    }
    // What is open at this moment is counted wherever it is.
    const { context } = workers;
    const url = new URL(context.doors.main);
    const { options } = await dress(context, await workers.known());
    const wire = { port: Number(url.port), ca: options.ca, credentials: options.credentials };
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openTlsSocket(wire)));
    for (const figures of await scrapes(workers))
      assert.equal(figures.get('hems_southbound_connections{listener="cwmp"}'), 10);
    for (const socket of sockets) socket.destroy();
    const { stdout } = await hems(['status'], { env: statusEnvironment(workers) });
    assert.match(stdout, /^Node .*, 2 of 2 workers {2}hems/m);
    assert.equal(stdout.match(/^Node /gm)?.length, 1);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`${version}: a session that one worker began is resumed at the other, and judged there`, async () => {
      const cell = await dress(workers.context, await workers.known(), { tls: { version } });
      const at: number[] = [await workers.workerAt((await session(cell)).localPorts[0])];
      while (new Set(at).size < 2 && at.length < 60) {
        const next = await session(cell);
        assert.equal(next.resumed, true);
        at.push(await workers.workerAt(next.localPorts[0]));
      }
      assert.equal(new Set(at).size, 2, `always worker ${at[0]}`);
    });

  test('a worker that is killed is started again; no counter falls, and the other serves meanwhile', async () => {
    await sessionsOnBoth(workers);
    const figuresBefore = await workers.scrape();
    const victim = workersOf(workers.running.pid).get(2) ?? 0;
    assert.ok(victim > 0);
    process.kill(victim, 'SIGKILL');
    let last = figuresBefore;
    const figures = await until(
      async () => {
        const now = await workers.scrape();
        for (const [series, value] of last)
          if (/^hems_\w+_(total|count|bucket|sum)(\{|$)/.test(series))
            assert.ok((now.get(series) ?? 0) >= value, `${series}: ${value}, then ${now.get(series)}`);
        last = now;
        return now;
      },
      (now) => restarts(now) === 1 && now.get('hems_platform_workers{state="serving"}') === 2,
      'the worker is there again',
      60_000,
    );
    assert.equal(admitted(figures), admitted(figuresBefore));
    assert.ok((workersOf(workers.running.pid).get(2) ?? victim) !== victim);
    const more = await sessionsOnBoth(workers);
    assert.equal(admitted(await workers.scrape()), admitted(figuresBefore) + more);
    assert.ok(
      workers
        .log()
        .some(({ msg, worker, signal }) => /started again/.test(msg) && worker === 2 && signal === 'SIGKILL'),
    );
  });

  test('SIGHUP reaches all of them', async () => {
    const loaded = async (): Promise<number> =>
      (await workers.scrape()).get('hems_southbound_certificate_reloads_total{listener="cwmp",outcome="loaded"}') ?? 0;
    const before = await loaded();
    workers.running.child.kill('SIGHUP');
    await until(loaded, (now) => now === before + 2, 'both have read their certificates again');
  });
});

const statusEnvironment = (workers: Workers): Record<string, string> => ({
  HEMS_DATA_DIR: workers.running.ready.dataDir,
  DATABASE_URL: workers.databaseUrl,
});

describe('the processes of a server with workers', { timeout: 300_000 }, () => {
  const withTwo = (folder: string) => ({ ...development(join(folder, 'data')), HEMS_WORKERS: '2' });

  test('all end with it, its database last; after kill -9 they and the database end by themselves', async (t) => {
    const folder = testFolder(t);
    const first = await serve(['--dev'], { env: withTwo(folder) });
    cleanup(t, () => void first.child.kill('SIGKILL'));
    assert.equal(workersOf(first.pid).size, 2);
    first.child.kill('SIGTERM');
    const { code, stdout, stderr } = await first.ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout.split('\n').length, 2, 'the ready line and nothing else');
    assert.doesNotMatch(stderr, /"level":"(error|fatal)"/);
    await nothingOf(folder);

    const second = await serve(['--dev'], { env: withTwo(folder) });
    second.child.kill('SIGKILL');
    await nothingOf(folder);
  });

  test('Ctrl-C in the middle of the start ends all of it', async (t) => {
    const folder = testFolder(t);
    const running = start(['serve', '--dev', '--json'], { env: withTwo(folder) });
    await until(
      () => workersOf(running.pid).size,
      (there) => there > 0,
      'the first worker',
      60_000,
    );
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    await nothingOf(folder);
  });

  async function faultOf(t: TestContext, env: Record<string, string>, args: readonly string[]) {
    const folder = testFolder(t);
    const ended = await hems(['serve', ...args], { env: { ...env, HEMS_DATA_DIR: join(folder, 'data') } });
    await nothingOf(folder);
    return {
      code: ended.code,
      text: ended.stderr
        .split('\n')
        .filter((line) => !line.startsWith('{'))
        .join('\n'),
    };
  }

  test('a port that is taken is told once and as by one process, whoever has it', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    cleanup(t, () => other.close());
    const port = String((other.address() as { port: number }).port);
    const env = { HEMS_CWMP_PORT: port, HEMS_MANAGEMENT_PORT: '0' };
    const alone = await faultOf(t, env, ['--dev']);
    assert.match(alone.text, /listeners\[0\]\.port: port \d+ at 127\.0\.0\.1 is taken/);
    assert.deepEqual(await faultOf(t, { ...env, HEMS_WORKERS: '2' }, ['--dev']), alone);
  });

  test('a hems that shares its port among its own workers shares it with no other one', async (t) => {
    const workers = await openWorkers(2);
    cleanup(t, () => workers.stop());
    const taken = new URL(workers.running.ready.cwmp).port;
    const env = { HEMS_CWMP_PORT: taken, HEMS_MANAGEMENT_PORT: '0', HEMS_WORKERS: '2' };
    const { code, text } = await faultOf(t, env, ['--dev']);
    assert.equal(code, 3);
    assert.match(text, /listeners\[0\]\.port: port \d+ at 127\.0\.0\.1 is taken/);
  });

  test('what only a worker finds out is told once and as by one process', async (t) => {
    const folder = testFolder(t);
    const ground = await ownGround(join(folder, 'own'));
    const config = ownConfig(ground, 'hems.yaml', {
      door: { certificates: [{ chain: 'hems.crt', key: 'other.key' }] },
    });
    const { url } = await withDatabase(t);
    const env = { DATABASE_URL: url };
    const alone = await faultOf(t, env, ['--config', config]);
    assert.equal(alone.code, 2, alone.text);
    assert.match(alone.text, /listeners\[0\]\.certificates/);
    assert.deepEqual(await faultOf(t, { ...env, HEMS_WORKERS: '3' }, ['--config', config]), alone);
  });
});
