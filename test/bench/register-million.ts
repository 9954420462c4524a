import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createAdmissionRecords } from '../../src/fleet/admission-records.ts';
import { createInformRecorder } from '../../src/fleet/informs.ts';
import { type DeviceFilter, listDevices } from '../../src/fleet/listing.ts';
import { listDevices as listQuery } from '../../src/fleet/listing-queries.ts';
import { ensurePartitions } from '../../src/fleet/partitions.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { readShipping, shippingText } from '../../src/fleet/shipping-file.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { migrate } from '../../src/platform/migrations.ts';
import { type Database, openPool } from '../../src/platform/postgres.ts';
import { verifyEvidence } from '../../src/trust/evidence-verify.ts';
import { informOf } from '../fleet/informs.ts';
import { migrationsDirectory } from '../support/database.ts';
import { fillRegister } from '../support/filled-register.ts';
import { median, type Row } from './row.ts';

/** Megabytes that Postgres keeps pages in: what a fleet of a million is given, a sixth of this machine. */
const memory = 4096;
const few = 1000;
const rounds = 15;
const sessionsARound = 100;
const toImport = 100_000;
const auditRows = 10;

interface Filled {
  readonly db: Database;
  readonly devices: number;
}

const by = { actor: { kind: 'cli', name: 'bench' } } as const;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const note = (text: string): unknown => process.stderr.write(`${text}\n`);

async function filled(adminUrl: string, devices: number): Promise<Filled> {
  const name = `bench_${devices}`;
  const admin = openPool({ url: adminUrl, poolSize: 1 });
  await admin.query({ text: `create database ${name} owner hems` });
  await admin.close();
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  url.username = 'hems';
  const db = openPool({ url: url.href, poolSize: 2, statementTimeout: 3_000_000 });
  await migrate(db, migrationsDirectory);
  await ensurePartitions(db);
  await fillRegister(db, { devices, audit: auditRows, onStep: (step) => note(`  ${devices} devices: ${step}`) });
  return { db, devices };
}

const value = (n: number): string => `00a0bc${n.toString(16).padStart(6, '0')}.hnb.acme.example`;

const drawn = (from: readonly number[]): number => from[Math.floor(Math.random() * from.length)] ?? 11;

/** What a session of a known device asks of the register: its admission, and its Inform with the admission's row. */
async function session({ db }: Filled, n: number): Promise<number> {
  const records = createAdmissionRecords({ db, clock: systemClock });
  const informs = createInformRecorder({ db, clock: systemClock });
  const identity = { anchor: 'acme', kind: 'hnb-fqdn', value: value(n), oui: '00A0BC' } as const;
  const start = performance.now();
  const standing = await records.find(identity, Buffer.alloc(32, 7), null);
  const handshake = {
    ...{ connectionId: 'c', listener: 'internet', role: 'serving', remoteAddress: '192.0.2.1', remotePort: 1 },
    ...{ tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256', resumed: false },
  };
  const deviceId = standing?.deviceId ?? '';
  const connection = {
    id: crypto.randomUUID(),
    at: new Date(),
    deviceId,
    identity,
    fingerprint: '07'.repeat(32),
    handshake,
  };
  const inform = informOf(`SN${n.toString().padStart(7, '0')}`);
  await informs.recordInform({ connection, inform, cwmpVersion: '1.4' });
  return performance.now() - start;
}

/** So many devices from all over the register, as a node sees them again and again. */
function callers({ devices }: Filled): readonly number[] {
  return Array.from({ length: few - 20 }, (_, i) => 11 + Math.floor((i * (devices - 20)) / (few - 20)));
}

/** Both registers in turn, so that a drift of the machine's speed meets both. */
async function compareAdmission(small: Filled, large: Filled): Promise<Row> {
  const calling = { small: callers(small), large: callers(large) };
  // A fleet that calls every few minutes keeps its pages in memory.
  for (const n of calling.large) await session(large, n);
  for (const n of calling.small) await session(small, n);
  const costs = { small: [] as number[], large: [] as number[] };
  for (let round = 0; round < rounds + 2; round += 1)
    for (const [name, register] of [
      ['small', small],
      ['large', large],
    ] as const) {
      const times: number[] = [];
      for (let i = 0; i < sessionsARound; i += 1) times.push(await session(register, drawn(calling[name])));
      // The first rounds fill caches.
      if (round >= 2) costs[name].push(median(times));
    }
  const [before, now] = [median(costs.small), median(costs.large)];
  return {
    name: 'admission and Inform',
    value: `${now.toFixed(2)} ms`,
    ratio: (now / before).toFixed(2),
    note: `to the same at ${few} devices (${before.toFixed(2)} ms); asked: 1.10 at most`,
  };
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

const filters: readonly DeviceFilter[] = [
  { state: 'blocked' },
  { anchor: 'rare' },
  { identityPrefix: '00a0bc0001' },
  { oui: '00FFFF' },
  { serialNumber: 'SN0000017' },
  { tag: 'tag-7' },
  { site: 'site-7' },
  { expiresBefore: new Date('2026-06-01T00:00:00Z') },
];

async function listRows({ db }: Filled): Promise<Row[]> {
  const rows: Row[] = [];
  for (const filter of filters) {
    await listDevices(db, filter, { limit: 50 });
    const { ms } = await timed(() => listDevices(db, filter, { limit: 50 }));
    const query = listQuery(filter, undefined, 51);
    const plan = await db.query<{ 'QUERY PLAN': string }>({ ...query, text: `explain ${query.text}` });
    const scans = plan.rows.flatMap(
      (row) =>
        /(\w[\w ]* Scan)(?: using (\w+))?(?: on (\w+))?/.exec(row['QUERY PLAN'])?.slice(2, 4).filter(Boolean)[0] ?? [],
    );
    rows.push({
      name: `list by ${Object.keys(filter)[0]}`,
      value: `${ms.toFixed(1)} ms`,
      note: `50 rows; ${[...new Set(scans)].slice(0, 4).join(', ')}`,
    });
  }
  return rows;
}

async function* shippingFile(from: number): AsyncGenerator<Buffer> {
  yield Buffer.from('anchor,identity,oui,product_class,serial_number,tags,site\n');
  for (let i = 0; i < toImport; i += 1000) {
    const lines = Array.from({ length: 1000 }, (_, j) => {
      const n = from + i + j;
      return `acme,${value(n)},00A0BC,Femto,NEW${n},delivery,Ulm\n`;
    });
    yield Buffer.from(lines.join(''));
  }
}

async function inAndOut({ db, devices }: Filled): Promise<Row[]> {
  const register = createRegister({ db, clock: systemClock });
  const read = () => readShipping(shippingFile(devices + 1), { format: 'csv' });
  const imported = await timed(() => register.shipping.import(read(), by));
  const again = await timed(() => register.shipping.import(read(), by));
  let most = 0;
  const exported = await timed(async () => {
    let count = 0;
    for await (const records of register.shipping.export({})) {
      count += shippingText(records, 'csv').split('\n').length - 1;
      most = Math.max(most, process.memoryUsage().heapUsed);
    }
    return count;
  });
  const blocked = await timed(() => register.moveMany('block', { tag: 'delivery' }, by));
  return [
    {
      name: `import ${toImport} rows`,
      value: seconds(imported.ms),
      note: `${imported.result.created} new; asked: 60 s at most`,
    },
    { name: 'import them again', value: seconds(again.ms), note: `${again.result.unchanged} as they were` },
    {
      name: 'export',
      value: seconds(exported.ms),
      note: `${exported.result} rows; heap at most ${Math.round(most / 1e6)} MB`,
    },
    {
      name: 'block by tag',
      value: seconds(blocked.ms),
      note: `${blocked.result.moved} devices, a row of the audit each`,
    },
  ];
}

/** The register at full size, beside one of a thousand devices. */
export async function benchRegister(devices: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hems-bench-register-'));
  const server = await startEmbeddedPostgres({ dataDir: folder, durable: false, sharedBuffers: memory });
  try {
    const small = await filled(server.adminUrl, few);
    const filling = await timed(() => filled(server.adminUrl, devices));
    const large = filling.result;
    const rows: Row[] = [
      {
        name: 'filling',
        value: seconds(filling.ms),
        note: `${devices} devices, 2 identities, 3 certificates, ${auditRows} audit rows each`,
      },
      await compareAdmission(small, large),
      ...(await listRows(large)),
      ...(await inAndOut(large)),
    ];
    const verified = await timed(() => verifyEvidence(large.db));
    rows.push({
      name: 'audit verify',
      value: seconds(verified.ms),
      note: `${verified.result.rows} rows, ${verified.result.findings.length} findings`,
    });
    await Promise.all([small.db.close(), large.db.close()]);
    return rows;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
