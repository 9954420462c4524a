import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { issueDevice } from '../../src/simulator/device-certificates.ts';
import { type Cell, runLoad } from './load.ts';
import { enrol, openRegister } from './register.ts';
import { median, type Row } from './row.ts';
import { informOf } from './sessions.ts';
import { startHems } from './servers.ts';

const perMinute = 10_000;
const sessions = 300;

const p95 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.NaN;

function startFlood(port: number, ca: string): ChildProcess {
  const script = join(import.meta.dirname, 'flood-client.ts');
  return spawn(process.execPath, [script, String(port), ca, String(perMinute)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** How an admitted device fares while strangers are refused 10 000 times a minute, full TLS handshakes all. */
export async function benchFlood(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'hems-flood-'));
  const pki = await createDevelopmentPki(join(dir, 'pki'), new Date());
  const hems = await startHems(dir);
  const register = await openRegister(dir);
  try {
    const identity = '00a0bc00f100.hnb.acme.example';
    const { chain, key } = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at: new Date() });
    await enrol(register, [{ anchor: 'acme', value: identity }]);
    const cells: Cell[] = [{ cert: chain, key, inform: informOf(0xf100) }];
    const load = () =>
      runLoad(cells, {
        port: hems.port,
        ca: pki.operatorCa.pem,
        tlsVersion: 'TLSv1.3',
        resume: false,
        sessions,
        concurrency: 1,
      });
    await load();
    const quiet = (await load()).durations;
    const flood = startFlood(hems.port, pki.operatorCa.path);
    await new Promise((resolve) => flood.stdout?.once('data', resolve));
    const flooded = (await load()).durations;
    const refused = await stopFlood(flood);
    const { rows } = await register.db.query<{ rows: number; suppressed: number }>({
      text: `select (select count(*)::int from refusals) as rows, (select coalesce(sum(suppressed), 0)::int from refusal_summaries) as suppressed`,
    });
    return [
      { name: 'session, quiet', value: `${median(quiet).toFixed(1)} ms`, note: `p95 ${p95(quiet).toFixed(1)} ms` },
      {
        name: 'session, flooded',
        value: `${median(flooded).toFixed(1)} ms`,
        ratio: (p95(flooded) / p95(quiet)).toFixed(2),
        note: `p95 ${p95(flooded).toFixed(1)} ms to the quiet one's; asked: 2.00 at most; ${refused.perMinute.toFixed(0)} refusals a minute`,
      },
      {
        name: 'rows written for the flood',
        value: String(rows[0]?.rows),
        note: `of ${refused.count} refusals; ${rows[0]?.suppressed} counted in summaries so far`,
      },
    ];
  } finally {
    await register.close();
    await hems.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function stopFlood(flood: ChildProcess): Promise<{ count: number; perMinute: number }> {
  return new Promise((resolve) => {
    let last = '';
    flood.stdout?.on('data', (chunk: Buffer) => {
      last = String(chunk);
    });
    flood.once('close', () => resolve(JSON.parse(last.trim().split('\n').at(-1) ?? '{}')));
    flood.kill('SIGTERM');
  });
}
