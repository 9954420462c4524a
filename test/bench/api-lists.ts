import { performance } from 'node:perf_hooks';
import { readFileSync } from 'node:fs';
import { type DeviceFilter, deviceSorts } from '../../src/fleet/listing.ts';
import { listDevices } from '../../src/fleet/listing-queries.ts';
import type { Query } from '../../src/platform/postgres.ts';
import type { Api } from './api-setting.ts';
import { median, type Row } from './row.ts';

const rounds = 7;

const filters: readonly DeviceFilter[] = [
  { state: 'blocked' },
  { anchor: 'rare' },
  { identityPrefix: '00a0bc0001' },
  { oui: '00FFFF' },
  { serialNumber: 'SN0000017' },
  { tag: 'tag-7' },
  { site: 'site-7' },
  { model: 'Nano' },
  { softwareVersion: '0.9' },
  { informedBefore: new Date('2026-01-02T00:00:00Z') },
  { informedAfter: new Date(Date.now() - 86_400_000) },
  { parameter: 'Device.Services.FAPService.1.CellConfig.LTE.RAN.RF.PhyCellID=17' },
  { expiresBefore: new Date('2026-06-01T00:00:00Z') },
  { tag: 'fleet', softwareVersion: '0.9', informedBefore: new Date('2026-01-02T00:00:00Z') },
];

const queryOf = (values: object): string =>
  new URLSearchParams(
    Object.entries(values).map(([name, value]): [string, string] => [
      name,
      value instanceof Date ? value.toISOString() : String(value),
    ]),
  ).toString();

async function timed(work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return median(times);
}

/** The indexes that the plan names, up to the columns of each row. */
async function scansOf({ db }: Api, query: Query): Promise<string> {
  const { rows } = await db.query<{ 'QUERY PLAN': string }>({ ...query, text: `explain ${query.text}` });
  const [own = ''] = rows
    .map((row) => row['QUERY PLAN'])
    .join('\n')
    .split('SubPlan');
  const scans = [...own.matchAll(/(Seq Scan on \w+)|Scan(?: Backward)? (?:using|on) (\w+)/g)].map(
    ([, table, index]) => table ?? index ?? '',
  );
  return [...new Set(scans)].join(', ');
}

/** Every documented filter and order, the numbers of the first page, and the register in and out. */
export async function listRows(api: Api): Promise<Row[]> {
  const rows: Row[] = [];
  const add = async (name: string, path: string, query?: Query): Promise<void> => {
    const ms = await timed(() => api.ask(path));
    rows.push({ name, value: `${ms.toFixed(1)} ms`, ...(query !== undefined && { note: await scansOf(api, query) }) });
  };
  for (const filter of filters)
    await add(
      `list by ${Object.keys(filter).join(', ')}`,
      `/api/v1/devices?${queryOf(filter)}`,
      listDevices(filter, undefined, 51),
    );
  for (const sort of deviceSorts)
    for (const descending of [false, true])
      await add(
        `sort by ${descending ? '-' : ''}${sort}`,
        `/api/v1/devices?sort=${descending ? '-' : ''}${sort}`,
        listDevices({}, undefined, 51, { sort, descending }),
      );
  const first = performance.now();
  await api.ask('/api/v1/overview');
  const counted = performance.now() - first;
  const again = await timed(() => api.ask('/api/v1/overview'));
  const note = `of the first who asks; ${again.toFixed(1)} ms from then on, for half a minute`;
  rows.push({ name: 'overview', value: `${counted.toFixed(0)} ms`, note });
  await add('admissions counted by reason', '/api/v1/admissions/counts?by=reason');
  rows.push(await exportRow(api), await importRow(api));
  return rows;
}

const residentOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;

async function exportRow({ url, key, hems, devices }: Api): Promise<Row> {
  const before = residentOf(hems);
  let most = 0;
  let bytes = 0;
  const start = performance.now();
  const answer = await fetch(`${url}/api/v1/bulk/device-export`, { headers: { authorization: `Bearer ${key}` } });
  if (answer.body === null) throw new Error('no body');
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    most = Math.max(most, residentOf(hems));
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    name: 'export',
    value: `${seconds.toFixed(1)} s`,
    note: `${(bytes / 1e6).toFixed(0)} MB of ${devices} devices; the server grew by ${Math.max(0, most - before).toFixed(0)} MB`,
  };
}

const mostImported = 100_000;

async function importRow({ url, key, hems, ask, devices }: Api): Promise<Row> {
  const imported = Math.min(mostImported, devices);
  const lines = Array.from({ length: imported }, (_, n) => {
    const eui = (0xd00000 + n).toString(16);
    return `acme,00a0bc${eui}.hnb.acme.example,00A0BC,IMP${n},delivery`;
  });
  const before = residentOf(hems);
  const start = performance.now();
  const answer = await fetch(`${url}/api/v1/bulk/device-imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
    body: `anchor,identity,oui,serial_number,tags\n${lines.join('\n')}\n`,
  });
  const { id } = (await answer.json()) as { id: string };
  const job = await ended(ask, id, () => undefined);
  const seconds = (performance.now() - start) / 1000;
  const grown = Math.max(0, residentOf(hems) - before).toFixed(0);
  const note = `${imported} rows: ${JSON.stringify(job.result)}; the server grew by ${grown} MB`;
  return { name: 'import', value: `${seconds.toFixed(1)} s`, note };
}

export interface BenchJob {
  readonly state: string;
  readonly done: number;
  readonly result: unknown;
}

/** Looks at the job until it has ended. */
export async function ended(ask: Api['ask'], id: string, onLook: (job: BenchJob) => void): Promise<BenchJob> {
  for (;;) {
    const job = (await ask(`/api/v1/jobs/${id}`)) as BenchJob;
    onLook(job);
    if (job.state === 'done') return job;
    if (job.state === 'failed' || job.state === 'cancelled') throw new Error(JSON.stringify(job));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
