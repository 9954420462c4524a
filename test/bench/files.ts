import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolSchema } from '../../src/config/schema.ts';
import { fileDesk } from '../../src/fleet/files/file-desk.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import type { Fetches, FetchOrders } from './file-clients.ts';
import { type Cell, runLoad } from './load.ts';
import { cpuSeconds } from './process-cpu.ts';
import { enrol, openRegister, type Register } from './register.ts';
import { median, type Row } from './row.ts';
import { type RunningHems, startHems } from './servers.ts';
import { eui, makeCells } from './sessions.ts';

const imageBytes = 20 * 1024 * 1024;
const fetching = 50;
const concurrency = 2;
const warmUpSessions = 1500;
const sessionsARound = 300;

const by = { actor: { kind: 'cli', name: 'bench' } } as const;
const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Resident memory of a process, now. */
function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) * 1024;
}

function p95(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.NaN;
}

interface Setting {
  readonly dir: string;
  readonly hems: RunningHems;
  readonly ca: string;
  /** That fetch, and that have sessions meanwhile. */
  readonly cells: { readonly fetching: readonly Cell[]; readonly calling: readonly Cell[] };
}

/** A link of one device for each of those that fetch. */
async function linksFor(register: Register): Promise<string[]> {
  const { db } = register;
  const { files } = toolSchema.parse({});
  const desk = fileDesk({ db, clock: systemClock, config: { files } });
  const image = [randomBytes(imageBytes)] as unknown as AsyncIterable<Buffer>;
  const added = await desk.files.add({ name: 'image.bin', fileType: '1 Firmware Upgrade Image' }, image, by);
  if (!added.ok) throw new Error(added.problem.message);
  const devices = createRegister({ db, clock: systemClock });
  const paths: string[] = [];
  for (let index = 0; index < fetching; index += 1) {
    const [deviceId = ''] = await devices.find(`${eui(index)}.hnb.acme.example`);
    const link = await desk.transfers.link(deviceId, added.file.id, new Date(Date.now() + 3_600_000), by);
    if (!link.ok) throw new Error(link.problem.message);
    paths.push(`/files/${link.transferId}`);
  }
  return paths;
}

async function sessions({ hems, ca, cells }: Setting, count: number): Promise<readonly number[]> {
  const options = { port: hems.port, ca, tlsVersion: 'TLSv1.3', resume: false, sessions: count, concurrency } as const;
  return (await runLoad(cells.calling, options)).durations;
}

interface Round {
  readonly fetches: readonly number[];
  readonly meanwhile: readonly number[];
  readonly grown: number;
  readonly cpu: number;
}

/** All fetch at once; sessions go on until the last byte is there. */
async function round(setting: Setting, paths: readonly string[]): Promise<Round> {
  const { dir, hems, ca, cells } = setting;
  const file = join(dir, 'orders.json');
  const devices = paths.map((path, i) => ({
    cert: cells.fetching[i]?.cert ?? '',
    key: cells.fetching[i]?.key ?? '',
    path,
  }));
  await writeFile(file, JSON.stringify({ port: hems.port, ca, size: imageBytes, devices } satisfies FetchOrders));
  const before = { rss: residentBytes(hems.pid), cpu: cpuSeconds(hems.pid) };
  let most = before.rss;
  const look = setInterval(() => {
    most = Math.max(most, residentBytes(hems.pid));
  }, 50);
  const child = fork(join(import.meta.dirname, 'file-clients.ts'), [file]);
  let result: Fetches | undefined;
  const done = new Promise<void>((resolve, reject) => {
    child.once('message', (message) => {
      result = message as Fetches;
    });
    child.once('exit', (code) => (result === undefined ? reject(new Error(`clients ended with ${code}`)) : resolve()));
  });
  const meanwhile: number[] = [];
  const loop = async (): Promise<void> => {
    while (result === undefined && child.exitCode === null) meanwhile.push(...(await sessions(setting, 10)));
  };
  await Promise.all([done, loop()]);
  clearInterval(look);
  const cpu = cpuSeconds(hems.pid) - before.cpu;
  return { fetches: result?.durations ?? [], meanwhile, grown: most - before.rss, cpu };
}

/** A hot image to many devices, beside the sessions of others. */
export async function benchFiles(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'hems-bench-'));
  const pki = await createDevelopmentPki(join(dir, 'pki'), new Date());
  const hems = await startHems(dir);
  const register = await openRegister(dir);
  try {
    const all = await makeCells(pki);
    await enrol(
      register,
      all.map((_, index) => ({ anchor: 'acme', value: `${eui(index)}.hnb.acme.example` })),
    );
    const cells = { fetching: all.slice(0, fetching), calling: all.slice(fetching) };
    const setting: Setting = { dir, hems, ca: pki.operatorCa.pem, cells };
    await sessions(setting, warmUpSessions);
    const alone = [...(await sessions(setting, sessionsARound))];
    const paths = await linksFor(register);
    const first = await round(setting, paths);
    const second = await round(setting, paths);
    alone.push(...(await sessions(setting, sessionsARound)));
    return rows(alone, first, second);
  } finally {
    await register.close();
    await hems.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function rows(alone: readonly number[], first: Round, second: Round): Row[] {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const of = ({ fetches, grown, cpu, meanwhile }: Round, name: string): Row[] => [
    {
      name: `${name}: 50 × 20 MB at once`,
      value: `${(Math.max(...fetches) / 1000).toFixed(1)} s`,
      note: `the last byte; median ${(median(fetches) / 1000).toFixed(1)} s; ${cpu.toFixed(1)} s of server CPU`,
    },
    { name: `${name}: memory of the server grows by`, value: mib(grown), note: 'asked: 64 MiB at most' },
    {
      name: `${name}: p95 of sessions meanwhile`,
      value: ms(p95(meanwhile)),
      ratio: (p95(meanwhile) / p95(alone)).toFixed(2),
      note: `to the same without; asked: 2 at most; ${meanwhile.length} sessions, median ${ms(median(meanwhile))}`,
    },
  ];
  return [
    { name: 'p95 of sessions alone', value: ms(p95(alone)), ratio: '1.00', note: `median ${ms(median(alone))}` },
    ...of(first, 'cold'),
    ...of(second, 'hot'),
  ];
}
