import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanup } from '../support/cleanup.ts';
import { development, hems, json, serve, testFolder } from './command.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly done: number;
  readonly total: number;
  readonly result: Readonly<Record<string, number>>;
}

const rows = 12_000;

function file(): string {
  const lines = Array.from({ length: rows }, (_, n) =>
    // One in a thousand is of a realm that the anchor may not speak for.
    n % 1000 === 7
      ? `00a0bc${(0x100000 + n).toString(16)}.hnb.elsewhere.example`
      : `00a0bc${(0x100000 + n).toString(16)}.hnb.acme.example`,
  );
  return `identity\n${lines.join('\n')}\n`;
}

describe('kill -9 amid an import', { timeout: 300_000 }, () => {
  test('the next start goes on where it was: each row is taken once, and counted once', async (t) => {
    const options = { env: development(join(testFolder(t), 'data')) };
    const first = await serve(['--dev'], options);
    cleanup(t, () => void first.child.kill('SIGKILL'));
    const made = await hems(['apikey', 'create', 'oss', '--role', 'operator', '--json'], options);
    const { secret } = json<{ secret: string }>(made);
    const headers = { Authorization: `Bearer ${secret}` };
    const look = async (url: string, id: string): Promise<Job> =>
      (await (await fetch(`${url}/api/v1/jobs/${id}`, { headers })).json()) as Job;
    const until = async (url: string, id: string, is: (job: Job) => boolean): Promise<Job> => {
      for (;;) {
        const job = await look(url, id);
        if (is(job)) return job;
        await sleep(20);
      }
    };
    const upload = await fetch(`${first.ready.management}/api/v1/bulk/device-imports?anchor=acme`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'text/csv' },
      body: file(),
    });
    assert.equal(upload.status, 202);
    const { id } = (await upload.json()) as Job;
    const midway = await until(first.ready.management, id, ({ done }) => done > 0);
    first.child.kill('SIGKILL');
    await first.ended;
    assert.equal(midway.state, 'running', 'it was killed amid the work');

    const second = await serve(['--dev'], options);
    cleanup(t, () => void second.child.kill('SIGKILL'));
    const job = await until(second.ready.management, id, ({ state }) => !['queued', 'running'].includes(state));
    const rejected = rows / 1000;
    assert.deepEqual(job.result, { created: rows - rejected, changed: 0, unchanged: 0, rejected });
    assert.deepEqual([job.state, job.done], ['done', job.total]);
    const output = await fetch(`${second.ready.management}/api/v1/jobs/${id}/output`, { headers });
    assert.equal((await output.text()).trimEnd().split('\n').length, 1 + rejected, 'each rejected row once');
    second.child.kill('SIGINT');
    assert.equal((await second.ended).code, 0);
  });
});
