import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTasks } from '../../src/fleet/tasks.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { issueDevice } from '../../src/simulator/device-certificates.ts';
import { type HttpConnection, httpConnection } from '../../src/simulator/http-client.ts';
import { openTls } from '../../src/simulator/tls-client.ts';
import { cpuSeconds, cpuSecondsBelow } from './process-cpu.ts';
import { enrol, openRegister, type Register } from './register.ts';
import { median, type Row } from './row.ts';
import { eui, informOf } from './sessions.ts';
import { type RunningHems, startHems } from './servers.ts';

const count = 1000;
const sessionsARound = 60;
const rounds = 5;

interface Setting {
  readonly hems: RunningHems;
  readonly register: Register;
  /** One a round: a single one would soon have called as often as a device may in a minute. */
  readonly devices: readonly Device[];
}

interface Device {
  readonly index: number;
  readonly connection: HttpConnection;
  readonly deviceId: string;
}

interface Cost {
  /** Milliseconds of CPU a session. */
  readonly hems: number;
  readonly postgres: number;
  readonly queries: number;
}

/** The answer of a cell to GetParameterValues of its neighbour list, about 190 KB. */
function valuesXml(changed: (n: number) => boolean, round: number): string {
  const items = Array.from({ length: count }, (_, n) => {
    const name = `Device.Services.FAPService.1.CellConfig.LTE.RAN.NeighborList.LTECell.${n}.PhyCellID`;
    const value = changed(n) ? `value ${n} of ${round}` : `value ${n}`;
    return `\n<ParameterValueStruct>\n<Name>${name}</Name>\n<Value xsi:type="xsd:string">${value}</Value>\n</ParameterValueStruct>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-1"><soap:Header><cwmp:ID soap:mustUnderstand="1">acs-1</cwmp:ID></soap:Header><soap:Body><cwmp:GetParameterValuesResponse><ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[${count}]">${items.join('')}</ParameterList></cwmp:GetParameterValuesResponse></soap:Body></soap:Envelope>`;
}

async function post({ connection }: Device, body: string, status: number): Promise<void> {
  const headers = [['Content-Type', 'text/xml; charset=utf-8']] as const;
  const reply = await connection.post({ path: '/cwmp', host: 'localhost', headers, body });
  if (reply.kind !== 'reply' || reply.status !== status) throw new Error(`not ${status}: ${JSON.stringify(reply)}`);
}

async function queue({ register }: Setting, { deviceId }: Device, tasks: number): Promise<void> {
  const desk = createTasks({ db: register.db, clock: systemClock, policy: { connectionRequest: 'off' } });
  const by = { actor: { kind: 'cli', name: 'bench' } } as const;
  for (let n = 0; n < tasks; n += 1) {
    const added = await desk.add(deviceId, { kind: 'read-values', paths: ['Device.Services.'] }, by, {
      // One a session: the next ones are not there for the ACS's second turn.
      priority: -n,
    });
    if (!added.ok) throw new Error(added.problem.message);
  }
}

async function measured(setting: Setting, sessions: number, run: (n: number) => Promise<void>): Promise<Cost> {
  const { hems, register } = setting;
  const queries = async (): Promise<number> => {
    const text = await (await fetch(`${hems.management}/metrics`)).text();
    return Number(/^hems_platform_query_seconds_count (\d+)/m.exec(text)?.[1] ?? Number.NaN);
  };
  // Asked first and last: what the page of metrics costs is no part of a session.
  const queriesBefore = await queries();
  const before = [cpuSeconds(hems.pid), cpuSecondsBelow(register.postmaster)] as const;
  for (let n = 0; n < sessions; n += 1) await run(n);
  const after = [cpuSeconds(hems.pid), cpuSecondsBelow(register.postmaster)] as const;
  return {
    hems: ((after[0] - before[0]) * 1000) / sessions,
    postgres: ((after[1] - before[1]) * 1000) / sessions,
    queries: ((await queries()) - queriesBefore) / sessions,
  };
}

/** Sessions follow one another on one connection, so that TLS has no part in it. */
async function idle(setting: Setting): Promise<Cost> {
  return measured(setting, sessionsARound * 3, async (n) => {
    const device = setting.devices[n % setting.devices.length] as Device;
    await post(device, informOf(device.index), 200);
    await post(device, '', 204);
  });
}

/** Every task is answered in a session of its own, in which nothing else waits. */
async function reading(
  setting: Setting,
  device: Device,
  answer: (n: number) => string,
  sessions = sessionsARound,
): Promise<Cost> {
  const answers = Array.from({ length: sessions }, (_, n) => answer(n));
  const { db } = setting.register;
  await queue(setting, device, sessions);
  // All but the first wait for their minute.
  await db.query({
    text: `with ordered as (select id, row_number() over (order by priority desc) as n from tasks where state = 'queued')
           update tasks t set not_before = now() + interval '1 year' from ordered o where o.id = t.id and o.n > 1`,
  });
  const cost = await measured(setting, sessions, async (n) => {
    await post(device, informOf(device.index), 200);
    await post(device, '', 200);
    await post(device, answers[n] ?? '', 204);
    await db.query({
      text: `update tasks set not_before = now() where id = (
               select id from tasks where state = 'queued' order by priority desc limit 1)`,
    });
  });
  await db.query({ text: 'delete from tasks' });
  return cost;
}

async function compare(setting: Setting): Promise<Row[]> {
  const samples: Record<'none' | 'few' | 'all', Cost>[] = [];
  for (const [round, device] of setting.devices.entries()) {
    // What is not changed has to be there.
    await reading(setting, device, () => valuesXml(() => false, 0), 1);
    const base = await idle(setting);
    const less = (cost: Cost): Cost => ({
      hems: cost.hems - base.hems,
      postgres: cost.postgres - base.postgres,
      queries: cost.queries - base.queries,
    });
    const stamp = round * 1000;
    const none = less(await reading(setting, device, () => valuesXml(() => false, 0)));
    const few = less(await reading(setting, device, (n) => valuesXml((item) => item < 10, stamp + n)));
    const all = less(await reading(setting, device, (n) => valuesXml(() => true, stamp + n)));
    // The first round fills the table, and warms the server up.
    if (round > 0) samples.push({ none, few, all });
  }
  const row = (name: string, which: 'none' | 'few' | 'all', note: string): Row => {
    const of = (pick: (cost: Cost) => number): number => median(samples.map((sample) => pick(sample[which])));
    return {
      name,
      value: `${of((cost) => cost.hems).toFixed(1)} ms`,
      note: `${note}; Postgres ${of((cost) => cost.postgres).toFixed(1)} ms; ${of((cost) => cost.queries).toFixed(1)} round trips`,
    };
  };
  return [
    row(`${count} values, none changed`, 'none', 'server CPU beyond an idle session; asked: 8 ms at most'),
    row(`${count} values, 10 changed`, 'few', 'asked: 8 ms at most'),
    row(`${count} values, all changed`, 'all', 'asked: 15 ms at most'),
  ];
}

/** What a task costs that reads a thousand values, from the queue to the table. */
export async function benchTasks(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'hems-bench-'));
  const pki = await createDevelopmentPki(join(dir, 'pki'), new Date());
  const hems = await startHems(dir);
  const register = await openRegister(dir);
  try {
    const devices: Device[] = [];
    for (let index = 0; index <= rounds; index += 1) devices.push(await openDevice(pki, hems, register, index));
    return await compare({ hems, register, devices });
  } finally {
    await register.close();
    await hems.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function openDevice(pki: DevelopmentPki, hems: RunningHems, register: Register, index: number): Promise<Device> {
  const identity = `${eui(index)}.hnb.acme.example`;
  await enrol(register, [{ anchor: 'acme', value: identity }]);
  const credentials = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at: new Date() });
  const url = new URL(`https://localhost:${hems.port}/cwmp`);
  const opened = await openTls({ url, ca: credentials.ca }, credentials, { timeoutMs: 10_000 }, () => undefined);
  if (opened.kind !== 'open') throw new Error('no connection');
  const { rows } = await register.db.query<{ id: string }>({ text: 'select id from devices order by id desc limit 1' });
  return { index, connection: httpConnection(opened.socket, 60_000), deviceId: rows[0]?.id ?? '' };
}
