import { normalAddress } from '../fleet/addresses.ts';
import { bounded, strangersText } from '../fleet/strangers-text.ts';
import { uuidv7At } from '../platform/ids.ts';
import type { Query } from '../platform/postgres.ts';
import { nameToString } from '../x509/name.ts';
import type { Summary } from './audit-sampling.ts';
import { anchorOf, type Decision } from './decision.ts';
import { evidenceOf } from './evidence.ts';

/** A row of `admissions` or `refusals`, ready to be written; strangers' text escaped and bounded. */
export type DecisionRow = Readonly<Record<string, string | number | boolean | null | object>>;

/** One definition for building and reading the batch. */
const columns = {
  at: 'timestamptz',
  id: 'uuid',
  stage: 'text',
  reason: 'text',
  detail: 'text',
  peer: 'text',
  connection_id: 'text',
  listener: 'text',
  role: 'text',
  remote_address: 'inet',
  remote_port: 'int',
  tls_version: 'text',
  cipher_suite: 'text',
  resumed: 'boolean',
  server_name: 'text',
  anchor: 'text',
  identity_kind: 'text',
  identity_value: 'text',
  fingerprint: 'text',
  subject: 'text',
  issuer: 'text',
  serial_number: 'text',
  verdict: 'jsonb',
} as const;

const deviceColumns = { device_id: 'uuid', outcome: 'text', ...columns } as const;

export function decisionRow(decision: Decision): DecisionRow {
  const { facts, identity, leaf } = decision;
  const refused = decision.outcome === 'refused' ? decision : undefined;
  return {
    device_id: decision.deviceId ?? null,
    outcome: decision.outcome,
    at: decision.at.toISOString(),
    id: decision.id,
    stage: refused?.stage ?? null,
    reason: refused?.reason ?? null,
    detail: refused?.detail ?? null,
    peer: decision.peer,
    connection_id: facts.connectionId,
    listener: facts.listener,
    role: facts.role,
    remote_address: normalAddress(facts.remoteAddress),
    remote_port: facts.remotePort,
    tls_version: facts.tlsVersion ?? null,
    cipher_suite: facts.cipherSuite ?? null,
    resumed: facts.resumed ?? null,
    server_name: facts.serverName === undefined ? null : strangersText(facts.serverName, 256),
    anchor: anchorOf(decision) ?? null,
    identity_kind: identity?.kind ?? null,
    identity_value: identity === undefined ? null : strangersText(identity.value, 512),
    fingerprint: leaf?.fingerprint ?? null,
    subject: leaf === undefined ? null : bounded(nameToString(leaf.subject), 2048),
    issuer: leaf === undefined ? null : bounded(nameToString(leaf.issuer), 2048),
    serial_number: leaf === undefined ? null : strangersText(leaf.serialNumber, 128),
    verdict: decision.verdict === undefined ? null : evidenceOf(decision.verdict),
  };
}

function insert(
  table: string,
  definition: Readonly<Record<string, string>>,
  rows: readonly DecisionRow[],
  condition = '',
): Query {
  const names = Object.keys(definition);
  const values = names.map((name) => (name === 'fingerprint' ? `decode(r.fingerprint, 'hex')` : `r.${name}`));
  const typed = names.map((name) => `${name} ${definition[name]}`);
  return {
    name: `trust_insert_${table}`,
    text: `insert into ${table} (${names.join(', ')}) select ${values.join(', ')}
             from json_to_recordset($1::json) as r (${typed.join(', ')}) ${condition}
           on conflict do nothing`,
    values: [JSON.stringify(rows)],
  };
}

/**
 * Decisions about devices of the register. A batch that is written twice, because its answer was lost, finds its rows
 * before their link is made: a link without a row would read as evidence taken away.
 */
export function insertAdmissions(rows: readonly DecisionRow[]): Query {
  const there = `select from admissions a where a.device_id = r.device_id and a.at = r.at and a.id = r.id`;
  return insert('admissions', deviceColumns, rows, `where not exists (${there}) order by r.at, r.id`);
}

export function insertRefusals(rows: readonly DecisionRow[]): Query {
  return insert('refusals', columns, rows);
}

const summaryColumns = {
  minute: 'timestamptz',
  id: 'uuid',
  source: 'inet',
  device_id: 'uuid',
  peer: 'text',
  reason: 'text',
  suppressed: 'bigint',
  sources: 'bigint',
  last_detail: 'text',
} as const;

export function summaryRow(summary: Summary): DecisionRow {
  return {
    minute: summary.minute.toISOString(),
    id: uuidv7At(summary.minute),
    source: summary.source ?? null,
    device_id: summary.deviceId ?? null,
    peer: summary.peer,
    reason: summary.reason,
    suppressed: summary.suppressed,
    sources: summary.sources,
    last_detail: summary.lastDetail,
  };
}

export function insertSummaries(rows: readonly DecisionRow[]): Query {
  return insert('refusal_summaries', summaryColumns, rows);
}
