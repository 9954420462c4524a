import { bounded, strangersText } from '../../fleet/strangers-text.ts';
import type { Query } from '../../platform/postgres.ts';

export interface CrlRow {
  fingerprint: Buffer;
  anchor: string;
  issuer: string;
  scope: Buffer;
  number: string | null;
  base_number: string | null;
  this_update: Date;
  next_update: Date | null;
  entries: number;
  size: number;
  signers: Buffer[];
  stored_at: Date;
}

export function insertCrl(row: CrlRow): Query {
  return {
    text: `insert into crls (fingerprint, anchor, issuer, scope, number, base_number, this_update, next_update, entries,
             size, signers, stored_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict (fingerprint) do update set signers = excluded.signers`,
    values: [
      row.fingerprint,
      row.anchor,
      bounded(row.issuer, 2048),
      row.scope,
      row.number,
      row.base_number,
      row.this_update,
      row.next_update,
      row.entries,
      row.size,
      row.signers,
      row.stored_at,
    ],
  };
}

export function insertChunk(fingerprint: Buffer, part: number, bytes: Uint8Array): Query {
  return {
    text: 'insert into crl_chunks (fingerprint, part, bytes) values ($1, $2, $3) on conflict do nothing',
    values: [fingerprint, part, bytes],
  };
}

export function readChunk(fingerprint: Buffer, part: number): Query {
  return {
    name: 'trust_crl_chunk',
    text: 'select bytes from crl_chunks where fingerprint = $1 and part = $2',
    values: [fingerprint, part],
  };
}

export interface HoldingRow {
  origin: string;
  fingerprint: string;
  anchor: string;
  issuer: string;
  number: string | null;
  base_number: string | null;
  this_update: Date;
  next_update: Date | null;
  entries: number;
  size: number;
  since: Date;
  signers: Buffer[];
}

/** Every CRL in use, once for each place it came from. */
export function holdings(): Query {
  return {
    name: 'trust_crl_holdings',
    text: `select h.origin, encode(h.fingerprint, 'hex') as fingerprint, c.anchor, c.issuer, c.number, c.base_number,
                  c.this_update, c.next_update, c.entries, c.size, h.since, c.signers
             from crl_holdings h join crls c on c.fingerprint = h.fingerprint
            order by c.anchor, c.issuer, h.origin, c.this_update`,
  };
}

export interface HeldRow {
  fingerprint: string;
  number: string | null;
  this_update: Date;
}

export function heldAt(origin: string, scope: Buffer): Query {
  return {
    text: `select encode(c.fingerprint, 'hex') as fingerprint, c.number, c.this_update
             from crl_holdings h join crls c on c.fingerprint = h.fingerprint
            where h.origin = $1 and h.scope = $2`,
    values: [origin, scope],
  };
}

export function hold(origin: string, scope: Buffer, fingerprint: Buffer, at: Date): Query {
  return {
    text: `insert into crl_holdings (origin, scope, fingerprint, since) values ($1, $2, $3, $4)
           on conflict (origin, scope) do update set fingerprint = excluded.fingerprint, since = excluded.since`,
    values: [origin, scope, fingerprint, at],
  };
}

/** A URL serves one CRL at a time. */
export function releaseOthers(origin: string, scope: Buffer): Query {
  return { text: 'delete from crl_holdings where origin = $1 and scope <> $2', values: [origin, scope] };
}

/** The bytes of what nobody holds any more; its row stays for the evidence that names it. */
export function dropUnheld(): Query {
  return {
    text: `delete from crl_chunks k where not exists (select from crl_holdings h where h.fingerprint = k.fingerprint)`,
  };
}

export interface FetchRow {
  url: string;
  anchor: string;
  pointer: boolean;
  attempted_at: Date | null;
  fetched_at: Date | null;
  outcome: string | null;
  detail: string | null;
  etag: string | null;
  last_modified: string | null;
  bytes: number;
  failures: number;
  next_at: Date;
}

const fetchColumns =
  'url, anchor, pointer, attempted_at, fetched_at, outcome, detail, etag, last_modified, bytes, failures, next_at';

export function fetchStates(): Query {
  return { name: 'trust_crl_fetches', text: `select ${fetchColumns} from crl_fetches` };
}

/** Those that were tried or made known since. */
export function fetchStatesSince(since: Date): Query {
  return {
    name: 'trust_crl_fetches_since',
    text: `select ${fetchColumns} from crl_fetches where attempted_at >= $1 or first_seen >= $1`,
    values: [since],
  };
}

export function fetchState(url: string): Query {
  return { text: `select ${fetchColumns} from crl_fetches where url = $1`, values: [url] };
}

/** Makes a URL known; a pointer only while its anchor has fewer than `most` of them. */
export function registerUrl(url: string, anchor: string, pointer: boolean, at: Date, most: number): Query {
  return {
    text: `insert into crl_fetches (url, anchor, pointer, first_seen, next_at)
           select $1, $2, $3, $4, $4
            where not $3 or (select count(*) from crl_fetches where anchor = $2 and pointer) < $5
           on conflict (url) do nothing`,
    values: [url, anchor, pointer, at, most],
  };
}

export interface PointerUse {
  urls: number;
  bytes: number;
  recent: number;
}

export function pointerUse(anchor: string, since: Date): Query {
  return {
    text: `select count(*)::int as urls, coalesce(sum(bytes), 0)::bigint as bytes,
                  count(*) filter (where attempted_at > $2)::int as recent
             from crl_fetches where anchor = $1 and pointer`,
    values: [anchor, since],
  };
}

export function recordFetch(row: Omit<FetchRow, 'anchor' | 'pointer'>): Query {
  return {
    text: `update crl_fetches set attempted_at = $2, fetched_at = $3, outcome = $4, detail = $5, etag = $6,
             last_modified = $7, bytes = $8, failures = $9, next_at = $10
            where url = $1`,
    values: [
      row.url,
      row.attempted_at,
      row.fetched_at,
      row.outcome,
      row.detail === null ? null : strangersText(row.detail, 400),
      row.etag === null ? null : row.etag.slice(0, 500),
      row.last_modified === null ? null : row.last_modified.slice(0, 100),
      row.bytes,
      row.failures,
      row.next_at,
    ],
  };
}

/** One node at a time fetches a URL; the lock goes with the connection at the latest. */
export function tryFetchLock(url: string): Query {
  return { text: `select pg_try_advisory_lock(hashtext('crl'), hashtext($1)) as mine`, values: [url] };
}

export function unlockFetch(url: string): Query {
  return { text: `select pg_advisory_unlock(hashtext('crl'), hashtext($1))`, values: [url] };
}

/** CA certificates of verified device paths, for finding who signed a CRL. */
export function knownIntermediates(): Query {
  return { text: 'select distinct c as der from certificate_chains, unnest(certificates) as c limit 10000' };
}
