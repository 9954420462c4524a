import type { Query } from '../platform/postgres.ts';

/** The tables whose rows are links. */
export const evidenceSources = [
  'admissions',
  'changes',
  'suspicions',
  'revocation_changes',
  'access_changes',
  'file_changes',
] as const;

export type EvidenceSource = (typeof evidenceSources)[number];

/** The facts of a row, as its trigger hashed them: a JSON list of texts, in this order. */
const facts: Readonly<Record<EvidenceSource, string>> = {
  admissions: `array[r.device_id::text, moment_text(r.at), r.id::text, r.outcome, r.stage, r.reason, r.detail, r.peer,
    r.connection_id, r.listener, r.role, r.remote_address::text, r.remote_port::text, r.tls_version, r.cipher_suite,
    r.resumed::text, r.server_name, r.anchor, r.identity_kind, r.identity_value, encode(r.fingerprint, 'hex'), r.subject,
    r.issuer, r.serial_number, moment_text(r.recorded_at)]
    || case when r.verdict is null then '{}'::text[] else array[r.verdict::text] end`,
  changes: `array[r.device_id::text, moment_text(r.at), r.id::text, r.actor_kind, r.actor, r.action, r.before::text,
    r.after::text, r.reason, moment_text(r.recorded_at)]`,
  suspicions: `array[r.device_id::text, moment_text(r.at), r.id::text, r.kind, r.evidence::text,
    moment_text(r.recorded_at)]`,
  revocation_changes: `array[r.seq::text, moment_text(r.at), r.actor_kind, r.actor, r.action, r.subject, r.after::text,
    r.reason, moment_text(r.recorded_at)]`,
  access_changes: `array[r.id::text, moment_text(r.at), r.actor_kind, r.actor, r.action, r.subject, r.after::text,
    r.reason, moment_text(r.recorded_at)]`,
  file_changes: `array[r.id::text, moment_text(r.at), r.actor_kind, r.actor, r.action, r.subject::text, r.after::text,
    r.reason, moment_text(r.recorded_at)]`,
};

export interface LinkRow {
  link: number;
  digest: Buffer;
  facts: string;
}

/** Links of one chain behind `after`, in their order. Two rows may bear one number: then one of them is not ours. */
export function linksOf(source: EvidenceSource, chain: number, after: number, limit: number): Query {
  return {
    name: `trust_links_of_${source}`,
    text: `select r.link, r.digest, array_to_json(${facts[source]})::text as facts
             from ${source} r where r.chain = $1 and r.link > $2 order by r.link limit $3`,
    values: [chain, after, limit],
  };
}

export interface HeadRow {
  source: EvidenceSource;
  chain: number;
  link: number;
  digest: string;
}

export const chainHeads: Query = {
  name: 'trust_chain_heads',
  text: `select source, chain, link, encode(digest, 'hex') as digest from audit_chains order by source, chain`,
};

/** Chains that rows speak of, heads or not, and rows that stand in no chain. */
export function chainsSeen(source: EvidenceSource): Query {
  return {
    text: `with recursive seen as (
             (select chain from ${source} where chain is not null order by chain limit 1)
             union all
             select (select n.chain from ${source} n where n.chain > s.chain order by n.chain limit 1)
               from seen s where s.chain is not null
           )
           select array(select chain from seen where chain is not null) as chains,
                  exists (select from ${source} where chain is null) as unchained,
                  exists (select from ${source} where chain is null and recorded_at > (
                    select recorded_at from ${source} where chain is not null order by chain, link limit 1)) as slipped`,
  };
}

export interface ChainsRow {
  chains: number[];
  unchained: boolean;
  /** Rows outside the chains that are younger than the first link. */
  slipped: boolean;
}

export interface CheckpointRow {
  number: number;
  at: Date;
  statement: string;
  signature: Buffer;
  publicKey: Buffer;
  exportedTo: string | null;
}

const checkpointColumns = `number, at, statement, signature, public_key as "publicKey", exported_to as "exportedTo"`;

export function checkpointsAfter(number: number, limit: number): Query {
  return {
    text: `select ${checkpointColumns} from audit_checkpoints where number > $1 order by number limit $2`,
    values: [number, limit],
  };
}

export const lastCheckpoint: Query = {
  text: `select ${checkpointColumns} from audit_checkpoints order by number desc limit 1`,
};

/** One node at a time; the others pass. */
export const tryCheckpointTurn: Query = {
  text: `select pg_try_advisory_xact_lock(hashtext('audit checkpoint')) as mine`,
};

export const checkpointTurn: Query = { text: `select pg_advisory_xact_lock(hashtext('audit checkpoint'))` };

export function insertCheckpoint(row: CheckpointRow): Query {
  return {
    text: `insert into audit_checkpoints (number, at, statement, signature, public_key, exported_to)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [row.number, row.at, row.statement, row.signature, row.publicKey, row.exportedTo],
  };
}

export interface DroppedRow {
  source: EvidenceSource;
  chain: number;
  first: number;
  last: number;
  digest: string;
}

export const droppedRanges: Query = {
  text: `select source, chain, first_link as first, last_link as last, encode(digest, 'hex') as digest
           from audit_dropped order by source, chain, first_link`,
};

export interface PartitionRow {
  source: string;
  partition: string;
  /** Exclusive. */
  until: Date;
}

/** Partitions of the audit that end before then, oldest first; the default partitions are never among them. */
export function partitionsBefore(until: Date): Query {
  return {
    text: `select p.relname as source, c.relname as partition,
                  substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz as until
             from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
            where p.relname in ('admissions', 'changes', 'refusals', 'refusal_summaries', 'informs')
              and p.relnamespace = current_schema()::regnamespace
              and pg_get_expr(c.relpartbound, c.oid) like 'FOR VALUES%'
              and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz <= $1
            order by until, source`,
    values: [until],
  };
}

/** The unbroken ranges of links in a partition, with the digest that each ends in. */
export function rangesIn(partition: string): Query {
  return {
    text: `with numbered as (
             select chain, link, link - row_number() over (partition by chain order by link) as island
               from ${identifier(partition)} where chain is not null
           ), ranges as (
             select chain, min(link) as first, max(link) as last from numbered group by chain, island
           )
           select ranges.chain, ranges.first, ranges.last, encode(p.digest, 'hex') as digest
             from ranges join ${identifier(partition)} p on p.chain = ranges.chain and p.link = ranges.last
            order by 1, 2`,
  };
}

export function insertDropped(range: DroppedRow, partition: string, at: Date): Query {
  return {
    text: `insert into audit_dropped (source, partition, chain, first_link, last_link, digest, dropped_at)
           values ($1, $2, $3, $4, $5, decode($6, 'hex'), $7)`,
    values: [range.source, partition, range.chain, range.first, range.last, range.digest, at],
  };
}

export function lockPartition(partition: string): Query {
  return { text: `lock table ${identifier(partition)} in access exclusive mode` };
}

export function dropPartition(partition: string): Query {
  return { text: `drop table ${identifier(partition)}` };
}

/** From the catalogue, quoted all the same. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
