/** What the server left behind about a connection: rows in Postgres and counters. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { Database } from '../../src/platform/postgres.ts';

/** A row of `admissions` or `refusals`, with what `device_certificates` keeps of the certificate. */
export interface AuditRow {
  readonly kept_in: 'admissions' | 'refusals';
  readonly at: Date;
  readonly outcome: 'admitted' | 'refused';
  readonly stage: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly peer: string;
  readonly device_id: string | null;
  readonly listener: string;
  readonly remote_address: string;
  readonly remote_port: number;
  readonly tls_version: string | null;
  readonly cipher_suite: string | null;
  readonly resumed: boolean | null;
  readonly server_name: string | null;
  readonly anchor: string | null;
  readonly identity: string | null;
  readonly fingerprint: string | null;
  readonly subject: string | null;
  readonly issuer: string | null;
  readonly serial_number: string | null;
}

const shared = `at, stage, reason, detail, peer, listener, host(remote_address) as remote_address, remote_port, tls_version,
  cipher_suite, resumed, server_name, anchor, identity_value as identity, encode(fingerprint, 'hex') as fingerprint`;

const audit = `
  select 'refusals' as kept_in, 'refused' as outcome, null::uuid as device_id, ${shared}, subject, issuer, serial_number
    from refusals
  union all
  select 'admissions' as kept_in, outcome, device_id, ${shared},
         coalesce(subject, (select c.subject from device_certificates c where c.device_id = a.device_id and c.fingerprint = a.fingerprint)),
         coalesce(issuer, (select c.issuer from device_certificates c where c.device_id = a.device_id and c.fingerprint = a.fingerprint)),
         coalesce(serial_number, (select c.serial_number from device_certificates c where c.device_id = a.device_id and c.fingerprint = a.fingerprint))
    from admissions a`;

/** Every decision that has a row, in the order of time. */
export async function auditRows(db: Database): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>({ text: `select * from (${audit}) rows order by at` });
  return rows;
}

/** The rows about connections that came from these ports, once there are `least` of them. */
export async function rowsFrom(db: Database, ports: readonly number[], least = 1, door?: string): Promise<AuditRow[]> {
  const ask = async (): Promise<AuditRow[]> => {
    const { rows } = await db.query<AuditRow>({
      text: `select * from (${audit}) rows where remote_port = any($1) and listener = coalesce($2, listener) order by at`,
      values: [ports, door ?? null],
    });
    return rows;
  };
  return until(ask, (rows) => rows.length >= least, `${least} audit rows of the connections from ${ports.join(', ')}`);
}

/** Asks again until the answer is as wanted. */
export async function until<T>(
  ask: () => T | Promise<T>,
  wanted: (answer: T) => boolean,
  what: string,
  withinMs = 8000,
): Promise<T> {
  for (const end = performance.now() + withinMs; ; await sleep(20)) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}; at last ${show(answer)}`);
  }
}

function show(answer: unknown): string {
  return (JSON.stringify(answer) ?? String(answer)).slice(0, 2000);
}

type Labels = Readonly<Record<string, string>>;

/** The sum of the series of a metric that carry these labels. */
export async function metric(metrics: Registry, name: string, labels: Labels = {}): Promise<number> {
  const found = metrics.getSingleMetric(name);
  if (found === undefined) throw new Error(`there is no metric ${name}`);
  const { values } = await found.get();
  return values
    .filter((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Every series of the counter of decisions that is not 0. */
export async function decisionsCounted(metrics: Registry): Promise<Map<string, number>> {
  const { values } = (await metrics.getSingleMetric('hems_trust_decisions_total')?.get()) ?? { values: [] };
  return new Map(values.filter(({ value }) => value > 0).map(({ labels, value }) => [seriesOf(labels), value]));
}

/** What was counted between two looks. */
export function countedSince(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) {
  const grown = [...after].map(([series, count]) => [series, count - (before.get(series) ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count !== 0));
}

export function seriesOf({ outcome, reason, anchor, peer }: Partial<Record<string, string | number>>): string {
  return [outcome, reason, anchor, peer].join(' ');
}
