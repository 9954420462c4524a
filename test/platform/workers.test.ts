import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { hostGauge } from '../../src/platform/host-gauge.ts';
import { createLogger, createMetrics, nodeGauges } from '../../src/platform/telemetry.ts';
import { createHostMetrics } from '../../src/platform/workers/host-metrics.ts';
import {
  type Figure,
  type Figures,
  figuresOf,
  figuresText,
  mergedFigures,
} from '../../src/platform/workers/figures.ts';
import { createWorkerPool, type WorkerPool, type WorkerPoolDeps } from '../../src/platform/workers/worker-pool.ts';
import { WorkerFailed } from '../../src/platform/workers/worker-process.ts';
import { until } from '../integration/evidence.ts';
import { cleanup } from '../support/cleanup.ts';
import type { FixtureOrder } from './worker-fixture.ts';

const counter = (value: number, labels = ''): Figure => {
  return {
    ...{ name: 'done_total', help: 'done', type: 'counter', aggregator: 'sum' },
    series: [`done_total${labels}`],
    values: [value],
  };
};
const gauge = (name: string, aggregator: Figure['aggregator'], value: number): Figure => {
  return { ...{ name, help: name, type: 'gauge', aggregator }, series: [name], values: [value] };
};

async function pageOf(processes: readonly Figures[], now?: readonly number[]): Promise<string> {
  const metrics = createHostMetrics(new Registry());
  for (const [life, figures] of processes.entries()) metrics.told(life, figures);
  return metrics.page(new Set(now ?? processes.keys()));
}

describe('the figures of several processes as those of one target', () => {
  test('counts are added up, and each gauge comes together as its author said', async () => {
    const process = (value: number): Figures => [
      counter(value),
      ...(['sum', 'max', 'min', 'first'] as const).map((aggregator) => gauge(`open_${aggregator}`, aggregator, value)),
    ];
    const page = await pageOf([process(3), process(5), process(4)]);
    for (const line of ['done_total 12', 'open_sum 12', 'open_max 5', 'open_min 3', 'open_first 3'])
      assert.match(page, new RegExp(`^${line}$`, 'm'));
  });

  test('a process that does not answer now keeps its counts, and none of its gauges', async () => {
    const page = await pageOf(
      [
        [counter(3), gauge('open', 'sum', 3)],
        [counter(5), gauge('open', 'sum', 5)],
      ],
      [1],
    );
    assert.match(page, /^done_total 8$/m);
    assert.match(page, /^open 5$/m);
  });

  test('what a process counted stays when it is gone, through any number of them, gauges do not', async () => {
    const metrics = createHostMetrics(new Registry());
    for (let life = 0; life < 5; life += 1) {
      metrics.told(life, [counter(2), counter(1, '{kind="x"}'), gauge('open', 'sum', 9)]);
      metrics.ended(life);
    }
    metrics.told(9, [counter(1)]);
    const page = await metrics.page(new Set([9]));
    assert.match(page, /^done_total 11$/m);
    assert.match(page, /^done_total\{kind="x"\} 5$/m);
    assert.doesNotMatch(page, /^open/m);
  });

  test('sums of fractions do not fall by a last digit when they are added in another order', async () => {
    const metrics = createHostMetrics(new Registry());
    for (const [life, value] of [0.1, 0.2, 0.3].entries()) metrics.told(life, [counter(value)]);
    const shown = async (): Promise<number> =>
      Number(/^done_total (.*)$/m.exec(await metrics.page(new Set([0, 1, 2])))?.[1]);
    let last = await shown();
    for (const life of [0, 2, 1]) {
      metrics.ended(life);
      const now = await shown();
      assert.ok(now >= last, `${last}, then ${now}`);
      last = now;
    }
  });

  test('the text of one process alone is what its registry would write, whatever stands in it', async () => {
    const registry = createMetrics();
    const registers = [registry];
    const labelNames = ['kind'];
    const odd = new Counter({ name: 'odd_total', help: 'back\\slash\nand line', labelNames, registers });
    odd.inc({ kind: 'quo"te \\ and\nline' }, 1.5);
    new Histogram({ name: 'took', help: 'took', labelNames, buckets: [0.1, 1], registers }).observe({ kind: 'a' }, 0.5);
    new Gauge({ name: 'empty', help: 'empty', labelNames, registers });
    new Gauge({ name: 'far', help: 'far', registers }).set(Infinity);
    const still = (text: string): string[] => text.split('\n').filter((line) => !/^(process|nodejs)_/.test(line));
    const [ours, theirs] = [figuresText(mergedFigures([await figuresOf(registry)])), await registry.metrics()];
    assert.deepEqual(still(ours), still(theirs));
  });

  test('of every figure of Node it is said what several of it are together', () => {
    const gauges = createMetrics()
      .getMetricsAsArray()
      .filter(({ name }) => !/^hems_|_seconds_total$|gc_duration/.test(name));
    for (const { name, aggregator } of gauges) assert.equal(nodeGauges[name], aggregator, name);
    assert.ok(gauges.length > 20);
  });

  test('a gauge says so where it is made', () => {
    const registry = new Registry();
    const made = hostGauge({ name: 'open', help: 'open', aggregator: 'min', registers: [registry] });
    assert.equal((made as unknown as { aggregator: string }).aggregator, 'min');
  });
});

interface Opened {
  readonly pool: WorkerPool;
  readonly log: string[];
  page(): Promise<string>;
}

/** Two workers that do as ordered, quickly. */
function open(t: TestContext, does: (start: number) => FixtureOrder, pace: WorkerPoolDeps['pace'] = {}): Opened {
  const log: string[] = [];
  const metrics = new Registry();
  let starts = 0;
  const pool = createWorkerPool({
    module: join(import.meta.dirname, 'worker-fixture.ts'),
    ...{ label: 'test', workers: 2, metrics },
    order: () => does(++starts),
    logger: createLogger('info', { write: (line: string) => log.push(line) > 0 } as unknown as NodeJS.WritableStream),
    pace: { firstPause: 10, ...pace },
  });
  cleanup(t, () => pool.stop());
  return { pool, log, page: () => pool.page() };
}

const pidIn = (line: string | undefined): number => Number(/"pid":(\d+)/.exec(line ?? '')?.[1]);

const isThere = (pid: number): boolean => {
  try {
    // A zombie is there and is no process any more.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a pool of worker processes', { timeout: 120_000 }, () => {
  test('starts one, then the others, and adds up what they count', async (t) => {
    const { pool, page } = open(t, () => ({ does: 'serve', counts: 4 }));
    const heard: unknown[] = [];
    await pool.start((what) => heard.push(what));
    assert.deepEqual(heard, [{ worker: 1, page: 'serve' }]);
    const text = await page();
    assert.match(text, /^done_total 8$/m);
    assert.match(text, /^open 30$/m);
    assert.match(text, /^hems_platform_workers\{state="serving"\} 2$/m);
  });

  test('does not start where the first cannot, and hands on its word', async (t) => {
    const { pool } = open(t, () => ({ does: 'fail', counts: 0 }));
    await assert.rejects(
      pool.start(() => assert.fail('it does not serve')),
      (error) => error instanceof WorkerFailed && (error.fault as { because?: string }).because === 'it is told to',
    );
  });

  test('does not start where the second ends without a word, and leaves nothing running', async (t) => {
    const { pool } = open(t, (start) => ({ does: start === 2 ? 'end' : 'serve', counts: 0 }));
    await assert.rejects(
      pool.start(() => undefined),
      /worker 2 ended with exit code 7 before it served/,
    );
    await pool.stop();
  });

  test('starts again whoever ends, with longer pauses while that fails', async (t) => {
    const { pool, log, page } = open(t, (start) => ({
      does: start === 3 ? 'end' : start === 4 ? 'fail' : 'serve',
      counts: start,
    }));
    await pool.start(() => undefined);
    await page();
    process.kill(pool.pids().get(2) ?? 0, 'SIGKILL');
    await until(
      page,
      (text) =>
        /^hems_platform_workers\{state="serving"\} 2$/m.test(text) && /restarts_total\{cause="failed"\} 2$/m.test(text),
      'the worker serves again',
      60_000,
    );
    const text = await page();
    assert.match(text, /restarts_total\{cause="ended"\} 1$/m);
    assert.match(text, /^done_total 8$/m, 'the first 1, the killed 2, its heir, the fifth that was started, 5');
    const pauses = log.flatMap((line) => /"pause":(\d+)/.exec(line)?.[1] ?? []).map(Number);
    assert.deepEqual(pauses, [10, 20, 40]);
  });

  test('ends and starts again a worker that answers nothing; the page does not wait for it', async (t) => {
    const pace = { answerWithin: 300, watchEvery: 100, patience: 2 };
    const { pool, page, log } = open(t, () => ({ does: 'serve', counts: 1 }), pace);
    await pool.start(() => undefined);
    await page();
    const before = pool.pids().get(1) ?? 0;
    pool.tell({ tell: 'reload' }, 1);
    assert.match(await page(), /^done_total 2$/m);
    await until(page, (text) => /restarts_total\{cause="silent"\} 1$/m.test(text), 'it is ended', 30_000);
    await until(page, (text) => /state="serving"\} 2$/m.test(text), 'another one serves', 60_000);
    assert.ok(!isThere(before));
    assert.ok(log.some((line) => pidIn(line) === before && line.includes('answers nothing')));
    assert.match(await page(), /^done_total 3$/m);
  });

  test('stops in time, whatever a worker makes of it', async (t) => {
    const { pool } = open(t, () => ({ does: 'stay', counts: 0 }), { stopWithin: 300 });
    await pool.start(() => undefined);
    const pids = [...pool.pids().values()];
    assert.equal(pids.length, 2);
    await pool.stop();
    assert.ok(!pids.some(isThere));
  });
});
