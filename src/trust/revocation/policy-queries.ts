import { strangersText } from '../../fleet/strangers-text.ts';
import type { Query } from '../../platform/postgres.ts';
import type { RevocationChange } from './changes.ts';

/** Held to the end of the transaction by whoever changes anything of revocation. */
export function lockRevocation(): Query {
  return { text: `select pg_advisory_xact_lock(hashtext('revocation'))` };
}

export function insertChange(change: RevocationChange): Query {
  return {
    text: `insert into revocation_changes (at, actor_kind, actor, action, subject, after, reason)
           values ($1, $2, $3, $4, $5, $6, $7) returning seq`,
    values: [
      change.at,
      change.actor.kind,
      strangersText(change.actor.name, 512),
      change.action,
      strangersText(change.subject, 2000),
      change.after === undefined ? null : JSON.stringify(change.after),
      change.reason === undefined ? null : strangersText(change.reason, 2000),
    ],
  };
}

/** How far the changes have come: what a node has read up to this is all there is. */
export function latestSeq(): Query {
  return {
    name: 'trust_revocation_seq',
    text: 'select coalesce(max(seq), 0) as seq from revocation_changes',
  };
}

export function announce(seq: number): Query {
  return { text: `select pg_notify('hems_revocation', $1)`, values: [String(seq)] };
}

export interface PolicyRow {
  version: number;
  document: unknown;
  applied_at: Date;
  applied_by: string;
  reason: string | null;
  restores: number | null;
}

const policyColumns = 'version, document, applied_at, applied_by, reason, restores';

export function latestPolicy(): Query {
  return { text: `select ${policyColumns} from revocation_policies order by version desc limit 1` };
}

export function policyVersion(version: number): Query {
  return { text: `select ${policyColumns} from revocation_policies where version = $1`, values: [version] };
}

export function policyHistory(limit: number): Query {
  return { text: `select ${policyColumns} from revocation_policies order by version desc limit $1`, values: [limit] };
}

export function insertPolicy(row: PolicyRow): Query {
  return {
    text: `insert into revocation_policies (${policyColumns}) values ($1, $2, $3, $4, $5, $6)`,
    values: [
      row.version,
      JSON.stringify(row.document),
      row.applied_at,
      strangersText(row.applied_by, 512),
      row.reason === null ? null : strangersText(row.reason, 2000),
      row.restores,
    ],
  };
}

export interface OverrideRow {
  at: Date;
  until: Date;
  made_by: string;
  reason: string;
}

export function latestOverride(): Query {
  return { text: 'select at, until, made_by, reason from revocation_overrides order by seq desc limit 1' };
}

export function insertOverride(row: OverrideRow): Query {
  return {
    text: 'insert into revocation_overrides (at, until, made_by, reason) values ($1, $2, $3, $4)',
    values: [row.at, row.until, strangersText(row.made_by, 512), strangersText(row.reason, 2000)],
  };
}

export interface ChangeRow {
  seq: number;
  at: Date;
  actor: string;
  action: RevocationChange['action'];
  subject: string;
  after: unknown;
  reason: string | null;
}

export function lastChanges(limit: number): Query {
  return {
    text: `select seq, at, actor, action, subject, after, reason from revocation_changes order by seq desc limit $1`,
    values: [limit],
  };
}
