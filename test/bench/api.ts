import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Client } from 'undici';
import { systemClock } from '../../src/platform/clock.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { migrate } from '../../src/platform/migrations.ts';
import { openPool } from '../../src/platform/postgres.ts';
import { createApiKeys } from '../../src/trust/access/api-keys.ts';
import { migrationsDirectory } from '../support/database.ts';
import { fillRegister } from '../support/filled-register.ts';
import { listRows } from './api-lists.ts';
import { type Api, by, idOf, quantile } from './api-setting.ts';
import { tasksBesideSessions } from './api-tasks.ts';
import { cpuSeconds, cpuSecondsBelow } from './process-cpu.ts';
import type { Row } from './row.ts';
import { startHems } from './servers.ts';

/** Megabytes that Postgres keeps pages in, as in `register-million`. */
const memory = 4096;
const warmUp = 1200;
const calls = 2000;

/** One call after the other, each of another device. */
async function getRows(api: Api): Promise<Row[]> {
  const call = () => api.ask(`/api/v1/devices/${idOf(1 + Math.floor(Math.random() * api.devices))}`);
  for (let i = 0; i < warmUp; i += 1) await call();
  const before = { hems: cpuSeconds(api.hems), postgres: cpuSecondsBelow(api.postmaster) };
  const times: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  const hems = ((cpuSeconds(api.hems) - before.hems) * 1000) / calls;
  const postgres = ((cpuSecondsBelow(api.postmaster) - before.postgres) * 1000) / calls;
  return [
    {
      name: 'get a device',
      value: `${hems.toFixed(2)} ms`,
      note: `server CPU a call (asked: 1 at most); Postgres ${postgres.toFixed(2)} ms`,
    },
    {
      name: 'get a device, p99',
      value: `${quantile(times, 0.99).toFixed(1)} ms`,
      note: `wall at concurrency 1 (asked: 20 at most); median ${quantile(times, 0.5).toFixed(1)} ms`,
    },
  ];
}

/** The API of a server as a user starts it, over a register of this size. */
export async function benchApi(devices: number): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'hems-bench-api-'));
  const postgres = await startEmbeddedPostgres({ dataDir: dir, sharedBuffers: memory, durable: false });
  const db = openPool({ url: postgres.url, poolSize: 2, statementTimeout: 3_000_000 });
  try {
    await migrate(db, migrationsDirectory);
    const started = performance.now();
    await fillRegister(db, { devices, audit: 4, onStep: (step) => process.stderr.write(`  ${step}\n`) });
    await db.query({ text: 'checkpoint' }).catch(() => undefined);
    const filling = `${((performance.now() - started) / 1000).toFixed(0)} s`;
    const made = await createApiKeys({ db, clock: systemClock }).create({ name: 'bench', role: 'administrator' }, by);
    if (!made.ok) throw new Error(made.cause);
    const hems = await startHems(dir);
    const client = new Client(hems.management, { bodyTimeout: 0, headersTimeout: 0 });
    try {
      const ids = { hems: hems.pid, postmaster: postgres.pid, cwmpPort: hems.port, url: hems.management };
      const api: Api = { db, devices, dir, key: made.secret, ask: askOf(client, made.secret), ...ids };
      return [
        { name: 'filling', value: filling, note: `${devices} devices` },
        ...(await getRows(api)),
        ...(await listRows(api)),
        ...(await tasksBesideSessions(api)),
      ];
    } finally {
      await client.close();
      await hems.stop();
    }
  } finally {
    await db.close();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function askOf(client: Client, key: string): Api['ask'] {
  return async (path, { method = 'GET', body } = {}) => {
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const answer = await client.request({
      path,
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    // The minute's allowance is no part of what is measured.
    if (answer.statusCode === 429) throw new Error('the server limits requests: raise management.requestsPerMinute');
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return /json/.test(String(answer.headers['content-type'])) ? JSON.parse(text) : text;
  };
}
