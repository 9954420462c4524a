import { ofGroup } from '../fleet/groups-queries.ts';
import {
  type BoundedSearch,
  boundedCounts,
  type Conditions,
  inTime,
  type TimeFilter,
} from '../platform/bounded-search-queries.ts';
import type { Query } from '../platform/postgres.ts';
import type { DecisionFilter, DecisionKey } from './decision-search.ts';

const columns = `t.id, t.at, t.stage, t.reason, t.detail, t.peer, t.connection_id as "connectionId", t.listener, host(t.remote_address) as "remoteAddress",
  t.remote_port as "remotePort", t.tls_version as "tlsVersion", t.cipher_suite as "cipherSuite", t.resumed, t.anchor,
  t.identity_value as identity, encode(t.fingerprint, 'hex') as fingerprint, t.subject, t.issuer,
  t.serial_number as "serialNumber", t.verdict`;

export type DecisionTable = 'admissions' | 'refusals';

type DecisionSearch = DecisionFilter & TimeFilter;

const order = ['at', 'id'];

const looked: Conditions<DecisionSearch> = {
  peer: (bind, value) => `t.peer = ${bind(value)}`,
  anchor: (bind, value) => `t.anchor = ${bind(value)}`,
  address: (bind, value) => `t.remote_address <<= ${bind(value)}::inet`,
};

export const decisionSearches: Readonly<Record<DecisionTable, BoundedSearch<DecisionSearch>>> = {
  admissions: {
    table: 'admissions',
    columns: `${columns}, t.outcome, t.device_id as "deviceId"`,
    order,
    indexed: {
      deviceId: (bind, value) => `t.device_id = ${bind(value)}::uuid`,
      // The index of the reasons has the refused alone.
      reason: (bind, value) => `t.reason = ${bind(value)} and t.outcome = 'refused'`,
      // And so has another one in the order of time.
      outcome: (bind, value) => (value === 'refused' ? `t.outcome = 'refused'` : `t.outcome = ${bind(value)}`),
      ...inTime,
    },
    looked: { ...looked, group: ofGroup },
  },
  refusals: {
    table: 'refusals',
    columns: `${columns}, 'refused' as outcome, null::uuid as "deviceId"`,
    order,
    indexed: { reason: (bind, value) => `t.reason = ${bind(value)}`, ...inTime },
    looked,
  },
};

const keys: Readonly<Record<DecisionKey, string>> = {
  outcome: `t.outcome`,
  reason: `coalesce(t.reason, 'admitted')`,
  peer: 't.peer',
  anchor: `coalesce(t.anchor, '')`,
  // The network that an operator would block: /24, and /64 of IPv6.
  network: `coalesce(text(network(set_masklen(t.remote_address,
              case family(t.remote_address) when 4 then 24 else 64 end))), '')`,
  hour: `to_char(date_trunc('hour', t.at at time zone 'UTC'), 'YYYY-MM-DD"T"HH24:00:00"Z"')`,
  day: `to_char(date_trunc('day', t.at at time zone 'UTC'), 'YYYY-MM-DD"T"00:00:00"Z"')`,
};

export function countDecisions(table: DecisionTable, filter: DecisionFilter, by: DecisionKey, most?: number): Query {
  return boundedCounts(
    decisionSearches[table],
    filter,
    table === 'refusals' && by === 'outcome' ? `'refused'` : keys[by],
    most,
  );
}

/** Refusals of a flood that have no row of their own; `anchor` is not kept of them. */
export function countSuppressed({ from, until, reason, peer, address }: DecisionFilter): Query {
  return {
    text: `select coalesce(sum(suppressed), 0)::bigint as suppressed from (
             select s.suppressed from refusal_summaries s
              where s.device_id is null and ($1::timestamptz is null or s.minute >= $1)
                and ($2::timestamptz is null or s.minute < $2) and ($3::text is null or s.reason = $3)
                and ($4::text is null or s.peer = $4) and ($5::inet is null or s.source <<= $5)
              order by s.minute desc limit 100000) newest`,
    values: [from, until, reason, peer, address].map((value) => value ?? null),
  };
}
