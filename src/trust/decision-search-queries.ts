import type { Query } from '../platform/postgres.ts';
import type { DecisionFilter, DecisionPosition } from './decision-search.ts';
import type { StoredVerdict } from './evidence.ts';

export interface FoundDecision {
  readonly id: string;
  readonly at: Date;
  readonly outcome: 'admitted' | 'refused';
  readonly deviceId: string | null;
  readonly stage: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly peer: 'known' | 'trusted-chain' | 'stranger';
  readonly listener: string;
  readonly remoteAddress: string | null;
  readonly remotePort: number;
  readonly tlsVersion: string | null;
  readonly cipherSuite: string | null;
  readonly resumed: boolean | null;
  readonly anchor: string | null;
  readonly identity: string | null;
  readonly fingerprint: string | null;
  readonly subject: string | null;
  readonly issuer: string | null;
  readonly serialNumber: string | null;
  readonly verdict: StoredVerdict | null;
}

const columns = `t.id, t.at, t.stage, t.reason, t.detail, t.peer, t.listener, host(t.remote_address) as "remoteAddress",
  t.remote_port as "remotePort", t.tls_version as "tlsVersion", t.cipher_suite as "cipherSuite", t.resumed, t.anchor,
  t.identity_value as identity, encode(t.fingerprint, 'hex') as fingerprint, t.subject, t.issuer,
  t.serial_number as "serialNumber", t.verdict`;

const own = {
  admissions: `t.outcome, t.device_id as "deviceId"`,
  refusals: `'refused' as outcome, null::uuid as "deviceId"`,
} as const;

/** Conditions on `outcome`, `deviceId` and `group` are for admissions alone. */
const conditions: Readonly<Record<keyof DecisionFilter, (parameter: string) => string>> = {
  outcome: (p) => `t.outcome = ${p}`,
  reason: (p) => `t.reason = ${p}`,
  peer: (p) => `t.peer = ${p}`,
  anchor: (p) => `t.anchor = ${p}`,
  address: (p) => `t.remote_address <<= ${p}::inet`,
  deviceId: (p) => `t.device_id = ${p}::uuid`,
  from: (p) => `t.at >= ${p}::timestamptz`,
  until: (p) => `t.at < ${p}::timestamptz`,
  group: (p) => `exists (select from devices d where d.id = t.device_id and d.tags @> array[${p}::text])`,
};

export function searchDecisions(
  table: 'admissions' | 'refusals',
  filter: DecisionFilter,
  before: DecisionPosition | undefined,
  limit: number,
): Query {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const found = (Object.keys(conditions) as (keyof DecisionFilter)[]).flatMap((key) =>
    filter[key] === undefined ? [] : [conditions[key](parameter(filter[key]))],
  );
  // `at` comes from a clock of ours, to the millisecond: a cursor carries it whole.
  if (before !== undefined)
    found.push(`(t.at, t.id) < (${parameter(before.at)}::timestamptz, ${parameter(before.id)}::uuid)`);
  const where = found.length === 0 ? '' : `where ${found.join(' and ')}`;
  return {
    text: `select ${columns}, ${own[table]} from ${table} t ${where}
            order by t.at desc, t.id desc limit ${parameter(limit)}`,
    values,
  };
}
