import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { issueDevice } from '../../src/simulator/device-certificates.ts';
import { type Cell, type LoadResult, runLoad } from './load.ts';
import { cpuSeconds, cpuSecondsBelow } from './process-cpu.ts';
import { enrol, fillParameters, type Register, openRegister } from './register.ts';
import { median, type Row } from './row.ts';
import { type RunningHems, type Running, startBareServer, startHems } from './servers.ts';

const cellCount = 64;
const rounds = 5;
const sessionsARound = 400;
const concurrency = 4;
/** Both servers: compilers warm up over thousands of calls, and the first seconds of a server are not its life. */
const warmUpSessions = 1500;

interface Setting {
  readonly pki: DevelopmentPki;
  readonly cells: Cell[];
  readonly bare: Running;
  readonly hems: RunningHems;
  readonly register: Register;
}

interface Sample {
  /** Milliseconds of CPU a session, in the process of the server. */
  readonly cpu: number;
  readonly postgres: number;
  readonly queries: number;
  readonly load: LoadResult;
}

export const eui = (index: number): string => `00a0bc${index.toString(16).padStart(6, '0')}`;

export function informOf(index: number): string {
  const serial = `BENCH${index.toString().padStart(6, '0')}`;
  const parameters = [
    ['Device.RootDataModelVersion', '2.11'],
    ['Device.DeviceInfo.HardwareVersion', '1.0'],
    ['Device.DeviceInfo.SoftwareVersion', '4.2.1'],
    ['Device.DeviceInfo.ProvisioningCode', ''],
    ['Device.ManagementServer.ParameterKey', ''],
    ['Device.ManagementServer.ConnectionRequestURL', 'http://192.0.2.1:7547/cr'],
    ['Device.Services.FAPService.1.FAPControl.LTE.OpState', '1'],
    ['Device.Services.FAPService.1.FAPControl.LTE.RFTxStatus', '1'],
  ];
  const list = parameters
    .map(
      ([name, value]) =>
        `<ParameterValueStruct><Name>${name}</Name><Value xsi:type="xsd:string">${value}</Value></ParameterValueStruct>`,
    )
    .join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-1"><soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header><soap:Body><cwmp:Inform><DeviceId><Manufacturer>Acme</Manufacturer><OUI>00A0BC</OUI><ProductClass>FAP</ProductClass><SerialNumber>${serial}</SerialNumber></DeviceId><Event soapenc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-01-01T00:00:00Z</CurrentTime><RetryCount>0</RetryCount><ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[${parameters.length}]">${list}</ParameterList></cwmp:Inform></soap:Body></soap:Envelope>`;
}

const reply = `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-1"><soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header><soap:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse></soap:Body></soap:Envelope>`;

export async function makeCells(pki: DevelopmentPki): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (let index = 0; index < cellCount; index += 1) {
    const { chain, key } = await issueDevice({
      pki,
      anchor: 'acme',
      identity: `${eui(index)}.hnb.acme.example`,
      key: 'ec',
      at: new Date(),
    });
    cells.push({ cert: chain, key, inform: informOf(index) });
  }
  return cells;
}

async function queryCount(hems: RunningHems): Promise<number> {
  const text = await (await fetch(`${hems.management}/metrics`)).text();
  return Number(/^hems_platform_query_seconds_count (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

async function sample(
  setting: Setting,
  server: 'bare' | 'hems',
  tlsVersion: 'TLSv1.2' | 'TLSv1.3',
  resume: boolean,
): Promise<Sample> {
  const target = setting[server];
  const options = { port: target.port, ca: setting.pki.operatorCa.pem, tlsVersion, resume, concurrency };
  // The first sessions fill caches, compile code, and get the tickets that the counted ones resume.
  await runLoad(setting.cells, { ...options, sessions: setting.cells.length });
  const before = {
    cpu: cpuSeconds(target.pid),
    postgres: cpuSecondsBelow(setting.register.postmaster),
    queries: await queryCount(setting.hems),
  };
  const load = await runLoad(setting.cells, { ...options, sessions: sessionsARound });
  const after = {
    cpu: cpuSeconds(target.pid),
    postgres: cpuSecondsBelow(setting.register.postmaster),
    queries: await queryCount(setting.hems),
  };
  if (resume !== load.resumed > 0.9 * load.sessions && server === 'hems')
    throw new Error(`${load.resumed} of ${load.sessions} sessions were resumed`);
  return {
    cpu: ((after.cpu - before.cpu) * 1000) / load.sessions,
    postgres: ((after.postgres - before.postgres) * 1000) / load.sessions,
    queries: (after.queries - before.queries) / load.sessions,
    load,
  };
}

async function warmUp({ pki, cells, bare, hems }: Setting): Promise<void> {
  for (const { port } of [bare, hems]) {
    for (const tlsVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { port, ca: pki.operatorCa.pem, tlsVersion, resume: false, concurrency };
      await runLoad(cells, { ...options, sessions: warmUpSessions / 2 });
      forget(cells);
    }
  }
}

function forget(cells: readonly Cell[]): void {
  for (const cell of cells) delete cell.session;
}

/** Bare, full and resumed in turn, so that a drift of the machine's speed meets all three. */
async function compare(setting: Setting, tlsVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<Row[]> {
  const samples: { bare: Sample; full: Sample; resumed: Sample }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    forget(setting.cells);
    const bare = await sample(setting, 'bare', tlsVersion, false);
    forget(setting.cells);
    const full = await sample(setting, 'hems', tlsVersion, false);
    const resumed = await sample(setting, 'hems', tlsVersion, true);
    samples.push({ bare, full, resumed });
  }
  const of = (pick: (s: (typeof samples)[number]) => number): number => median(samples.map(pick));
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return [
    {
      name: `${tlsVersion} bare mutual TLS`,
      value: ms(of((s) => s.bare.cpu)),
      ratio: '1.00',
      note: 'server CPU an idle session, full handshake',
    },
    {
      name: `${tlsVersion} hems, full handshake`,
      value: ms(of((s) => s.full.cpu)),
      ratio: of((s) => s.full.cpu / s.bare.cpu).toFixed(2),
      note: `asked: 1.40 at most; Postgres ${ms(of((s) => s.full.postgres))}; ${of((s) => s.full.queries).toFixed(2)} round trips (asked: 2 at most)`,
    },
    {
      name: `${tlsVersion} hems, resumed`,
      value: ms(of((s) => s.resumed.cpu)),
      ratio: of((s) => s.resumed.cpu / s.bare.cpu).toFixed(2),
      note: `asked: 1.00 at most; Postgres ${ms(of((s) => s.resumed.postgres))}; ${of((s) => s.resumed.queries).toFixed(2)} round trips`,
    },
  ];
}

/** The same device with nothing stored and with 1 000 parameters stored. */
async function compareStored(setting: Setting): Promise<Row[]> {
  const ratios: number[] = [];
  let cpu = 0;
  for (let round = 0; round < rounds; round += 1) {
    await fillParameters(setting.register, 0);
    forget(setting.cells);
    const none = await sample(setting, 'hems', 'TLSv1.3', false);
    await fillParameters(setting.register, 1000);
    forget(setting.cells);
    const many = await sample(setting, 'hems', 'TLSv1.3', false);
    ratios.push(many.cpu / none.cpu);
    cpu = many.cpu;
  }
  return [
    {
      name: 'with 1 000 stored parameters',
      value: `${cpu.toFixed(2)} ms`,
      ratio: median(ratios).toFixed(2),
      note: 'to the same with none; asked: 1.05 at most',
    },
  ];
}

/** What an idle session of a known device costs, beside a server that does nothing. */
export async function benchSessions(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'hems-bench-'));
  const replyFile = join(dir, 'reply.xml');
  await writeFile(replyFile, reply);
  const pki = await createDevelopmentPki(join(dir, 'pki'), new Date());
  const hems = await startHems(dir);
  const acme = pki.anchors.find(({ name }) => name === 'acme');
  const bare = await startBareServer({ ...pki.server.ec, clientCa: acme?.certificates[0] ?? '', reply: replyFile });
  const register = await openRegister(dir);
  try {
    const cells = await makeCells(pki);
    await enrol(
      register,
      cells.map((_, index) => ({ anchor: 'acme', value: `${eui(index)}.hnb.acme.example` })),
    );
    const setting = { pki, cells, bare, hems, register };
    await warmUp(setting);
    return [
      ...(await compare(setting, 'TLSv1.2')),
      ...(await compare(setting, 'TLSv1.3')),
      ...(await compareStored(setting)),
    ];
  } finally {
    await bare.stop();
    await register.close();
    await hems.stop();
    await rm(dir, { recursive: true, force: true });
  }
}
