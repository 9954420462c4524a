import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { JobFailure, type JobWork, startJobRunner } from '../../src/platform/job-runner.ts';
import { createJobs, type Job } from '../../src/platform/jobs.ts';
import { createLogger } from '../../src/platform/telemetry.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const actor = { kind: 'key', name: 'test' };

describe('long work', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  const redact = (_kind: string, input: unknown) => ({ ...(input as object), secret: '(masked)' });
  const store = () => createJobs({ db: database.db, clock: systemClock, redact });
  const runner = (kinds: Record<string, JobWork>, leaseMs = 30_000) => {
    const { db } = database;
    const { read } = store();
    const deps = { db, clock: systemClock, logger: createLogger('silent'), kinds, redact, read };
    const started = startJobRunner({ ...deps, leaseMs, every: 20 });
    started.kick();
    return started;
  };
  const until = async (id: string, is: (job: Job) => boolean): Promise<Job> => {
    for (;;) {
      const job = await store().get(id);
      if (job !== undefined && is(job)) return job;
      await sleep(10);
    }
  };
  const ended = (id: string) => until(id, ({ finishedAt }) => finishedAt !== null);
  const make = async (kind: string, more: object = {}) =>
    (await store().create({ kind, input: { secret: 'x' }, actor, ...more })).job.id;

  test('is done once, says how far it is and what came of it, and forgets what was secret', async () => {
    const id = await make('count', { total: 3 });
    let begun = 0;
    const work: JobWork = async (run) => {
      begun += 1;
      for (let done = 1; done <= 3; done += 1) await run.advance({ done, result: { last: done } });
      await run.write(Buffer.from('one '));
      await run.write(Buffer.from('two'));
      return { last: 3 };
    };
    const nodes = [runner({ count: work }), runner({ count: work })];
    const job = await ended(id);
    await Promise.all(nodes.map((one) => one.stop()));
    assert.deepEqual([job.state, job.done, job.total, job.result, begun], ['done', 3, 3, { last: 3 }, 1]);
    assert.deepEqual(job.input, { secret: '(masked)' });
    const parts: Uint8Array[] = [];
    for await (const part of store().read(id, 'output')) parts.push(part);
    assert.equal(Buffer.concat(parts).toString(), 'one two');
  });

  test('that another node was at when it died goes on where that one was', async () => {
    const id = await make('resume');
    const seen: unknown[] = [];
    const work: JobWork = async (run) => {
      seen.push(run.job.position);
      if (run.job.position === null) {
        await run.advance({ done: 7, position: { after: 'seven' } });
        // As a killed process: nothing more is heard of it, and its step fails.
        throw new Error('gone');
      }
      return {};
    };
    const node = runner({ resume: work }, 50);
    const job = await ended(id);
    await node.stop();
    assert.deepEqual([job.state, job.done, seen], ['done', 7, [null, { after: 'seven' }]]);
  });

  test('that never comes any further is given up, and says so', async () => {
    const id = await make('hopeless');
    const node = runner(
      {
        hopeless: async () => {
          throw new Error('a defect');
        },
      },
      10,
    );
    const job = await ended(id);
    await node.stop();
    assert.deepEqual([job.state, job.fault], ['failed', 'it was begun 5 times and came no further']);
  });

  test('that cannot be done says why, at once', async () => {
    const id = await make('refused');
    const node = runner({
      refused: async () => {
        throw new JobFailure('the file has no header');
      },
    });
    const job = await ended(id);
    await node.stop();
    assert.deepEqual([job.state, job.fault, job.attempts], ['failed', 'the file has no header', 1]);
  });

  test('is cancelled before it began at once, and under way at its next step; the step itself is undone', async () => {
    const waiting = await make('nobody');
    assert.equal(await store().cancel(waiting, 'maria@noc'), 'cancelled');
    assert.equal(await store().cancel(waiting, 'maria@noc'), 'ended');
    const gone = await store().get(waiting);
    assert.deepEqual([gone?.state, gone?.fault], ['cancelled', 'cancelled by maria@noc']);
    const id = await make('long');
    const node = runner({
      long: async (run) => {
        for (let done = 1; ; done += 1) {
          await database.db.transaction((tx) => run.advance({ done }, tx));
          await sleep(5);
        }
      },
    });
    await until(id, ({ done }) => done > 0);
    assert.equal(await store().cancel(id, 'maria@noc'), 'asked');
    const job = await ended(id);
    await node.stop();
    assert.deepEqual([job.state, job.fault], ['cancelled', 'cancelled by maria@noc']);
  });

  test('is given back by a node that stops, and another one goes on at once', async () => {
    const id = await make('handed');
    const endless: JobWork = async (run) => {
      for (let done = run.job.done + 1; ; done += 1) {
        await run.advance({ done });
        await sleep(5);
      }
    };
    const first = runner({ handed: endless });
    await until(id, ({ done }) => done > 0);
    await first.stop();
    assert.equal((await store().get(id))?.state, 'queued');
    const second = runner({ handed: async (run) => ({ from: run.job.done }) });
    const job = await ended(id);
    await second.stop();
    assert.ok(Number(job.result.from) > 0);
  });

  test('asked for twice by one key is one, and of another group it is not there', async () => {
    const one = await store().create({ kind: 'nobody', input: {}, actor, idempotencyKey: 'k', group: 'north' });
    const two = await store().create({ kind: 'nobody', input: {}, actor, idempotencyKey: 'k', group: 'north' });
    assert.deepEqual([one.created, two.created, two.job.id], [true, false, one.job.id]);
    assert.equal(await store().get(one.job.id, 'south'), undefined);
    assert.equal(await store().cancel(one.job.id, 'maria@noc', { group: 'south' }), 'missing');
    assert.deepEqual(await store().list({ limit: 10 }, 'south'), []);
    assert.equal((await store().list({ limit: 10 }, 'north')).length, 1);
  });
});
