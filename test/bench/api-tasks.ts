import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseHnbFqdn } from '../../src/fleet/identity.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { issueDevice } from '../../src/simulator/device-certificates.ts';
import { type Api, by, quantile } from './api-setting.ts';
import { ended } from './api-lists.ts';
import { type Cell, runLoad } from './load.ts';
import type { Row } from './row.ts';
import { informOf } from './sessions.ts';

const cellCount = 32;
const concurrency = 2;
const baseline = 600;

/** Cells of their own, beside those that the register was filled with. */
async function makeCells({ db, dir }: Api): Promise<{ cells: Cell[]; ca: string }> {
  const pki = await openDevelopmentPki(join(dir, 'pki'));
  const register = createRegister({ db, clock: systemClock });
  const cells: Cell[] = [];
  for (let n = 0; n < cellCount; n += 1) {
    const identity = `00a0bcf${n.toString(16).padStart(5, '0')}.hnb.acme.example`;
    const name = parseHnbFqdn(identity);
    if (name === undefined) throw new Error(identity);
    const added = await register.add({ identity: { anchor: 'acme', ...name } }, by);
    if (!added.ok) throw new Error(added.problem.message);
    const { chain, key } = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at: new Date() });
    cells.push({ cert: chain, key, inform: informOf(n) });
  }
  return { cells, ca: pki.operatorCa.pem };
}

/** Idle sessions before, and while a task is made for every device of a filter in one call. */
export async function tasksBesideSessions(api: Api): Promise<Row[]> {
  const { cells, ca } = await makeCells(api);
  const load = { port: api.cwmpPort, ca, tlsVersion: 'TLSv1.3', resume: false, concurrency } as const;
  await runLoad(cells, { ...load, sessions: 1500 });
  const before = (await runLoad(cells, { ...load, sessions: baseline })).durations;
  const wish = { filter: { tag: 'wave' }, request: { kind: 'reboot' }, reason: 'bench' };
  const { devices } = (await api.ask('/api/v1/bulk/tasks', { method: 'POST', body: wish })) as { devices: number };
  const start = performance.now();
  const asked = { ...wish, confirm: devices };
  const { id } = (await api.ask('/api/v1/bulk/tasks', { method: 'POST', body: asked })) as { id: string };
  const accepted = performance.now() - start;
  const state = { running: true };
  const job = ended(api.ask, id, () => undefined).finally(() => {
    state.running = false;
  });
  const during: number[] = [];
  while (state.running) during.push(...(await runLoad(cells, { ...load, sessions: 40 })).durations);
  const { result } = await job;
  const seconds = (performance.now() - start) / 1000;
  const [quiet, busy] = [quantile(before, 0.95), quantile(during, 0.95)];
  return [
    {
      name: 'tasks for many',
      value: `${seconds.toFixed(1)} s`,
      note: `${devices} devices in one call, answered in ${accepted.toFixed(0)} ms: ${JSON.stringify(result)}`,
    },
    {
      name: 'sessions beside it, p95',
      value: `${busy.toFixed(1)} ms`,
      ratio: (busy / quiet).toFixed(2),
      note: `to ${quiet.toFixed(1)} ms without (asked: 2 at most); ${during.length} sessions`,
    },
  ];
}
