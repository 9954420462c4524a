import { strangersText } from '../../fleet/strangers-text.ts';
import type { Query } from '../../platform/postgres.ts';
import type { ListEntry, ListKind } from './operator-list.ts';

export interface ListRow {
  kind: ListKind;
  key: string;
  seq: number;
  revoked_at: Date;
  reason: ListEntry['reason'];
  note: string | null;
  made_by: string;
  lifted_at: Date | null;
}

/** One statement for any number of entries; those on the list already keep what they have. Answers how many are new. */
export function insertEntries(entries: readonly ListEntry[], seq: number, by: string): Query {
  const rows = entries.map(({ kind, key, revokedAt, reason, note }) => ({
    kind,
    key,
    revoked_at: revokedAt.toISOString(),
    reason,
    note: note === undefined ? null : strangersText(note, 2000),
  }));
  return {
    text: `insert into revoked_certificates as r (kind, key, seq, revoked_at, reason, note, made_by)
           select kind, key, $2, revoked_at, reason, note, $3
             from json_to_recordset($1::json) as e (kind text, key text, revoked_at timestamptz, reason text, note text)
           on conflict (kind, key) do update set seq = excluded.seq, revoked_at = excluded.revoked_at,
             reason = excluded.reason, note = excluded.note, made_by = excluded.made_by, lifted_at = null
            where r.lifted_at is not null`,
    values: [JSON.stringify(rows), seq, strangersText(by, 512)],
  };
}

export function liftEntry(kind: ListKind, key: string, seq: number, at: Date): Query {
  return {
    text: `update revoked_certificates set lifted_at = $4, seq = $3
            where kind = $1 and key = $2 and lifted_at is null`,
    values: [kind, key, seq, at],
  };
}

const listColumns = 'kind, key, seq, revoked_at, reason, note, made_by, lifted_at';

/** What changed after `seq`, in the order of the changes. */
export function entriesSince(seq: number, limit: number, offset: number): Query {
  return {
    text: `select ${listColumns} from revoked_certificates where seq > $1 order by seq, kind, key limit $2 offset $3`,
    values: [seq, limit, offset],
  };
}

export function listedEntry(kind: ListKind, key: string): Query {
  return {
    text: 'select 1 from revoked_certificates where kind = $1 and key = $2 and lifted_at is null',
    values: [kind, key],
  };
}

export function listedEntries(limit: number): Query {
  return {
    text: `select ${listColumns} from revoked_certificates where lifted_at is null order by seq desc, kind, key limit $1`,
    values: [limit],
  };
}

export function countEntries(): Query {
  return { text: 'select count(*)::int as count from revoked_certificates where lifted_at is null' };
}

export interface ReleaseRow {
  fingerprint: string;
  released_until: Date;
}

export function currentReleases(at: Date): Query {
  return {
    text: `select encode(fingerprint, 'hex') as fingerprint, max(released_until) as released_until
             from quarantined_certificates where released_until > $1 group by fingerprint`,
    values: [at],
  };
}

export interface QuarantineRow {
  device_id: string;
  fingerprint: string;
  first_at: Date;
  last_at: Date;
  cause: string;
  detail: string;
  policy_version: string;
  released_until: Date | null;
}

export function quarantine(row: {
  readonly deviceId: string;
  readonly fingerprint: string;
  readonly at: Date;
  readonly cause: string;
  readonly detail: string;
  readonly version: string;
}): Query {
  return {
    name: 'trust_quarantine',
    text: `insert into quarantined_certificates (device_id, fingerprint, first_at, last_at, cause, detail, policy_version)
           values ($1, decode($2, 'hex'), $3, $3, $4, $5, $6)
           on conflict (device_id, fingerprint) do update set last_at = excluded.last_at, cause = excluded.cause,
             detail = excluded.detail, policy_version = excluded.policy_version`,
    values: [row.deviceId, row.fingerprint, row.at, row.cause, row.detail, row.version],
  };
}

export function quarantined(limit: number): Query {
  return {
    text: `select device_id, encode(fingerprint, 'hex') as fingerprint, first_at, last_at, cause, detail,
                  policy_version, released_until
             from quarantined_certificates order by last_at desc limit $1`,
    values: [limit],
  };
}

export function releaseCertificates(
  deviceId: string,
  until: Date,
  by: string,
  at: Date,
  reason: string | undefined,
): Query {
  return {
    text: `update quarantined_certificates
              set released_until = $2, released_by = $3, released_at = $4, reason = $5
            where device_id = $1 returning encode(fingerprint, 'hex') as fingerprint`,
    values: [deviceId, until, strangersText(by, 512), at, reason === undefined ? null : strangersText(reason, 2000)],
  };
}
