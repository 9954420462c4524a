import type { Query } from '../platform/postgres.ts';

/** Counts over all devices, as they are kept and shared between the nodes. */
export interface Figures {
  readonly devices: Readonly<Record<string, number>>;
  /** Known devices whose last decision within the window was a refusal. */
  readonly refusedNow: readonly { readonly reason: string; readonly anchor: string; readonly devices: number }[];
  readonly tasks: readonly { readonly state: string; readonly tasks: number; readonly oldest: string }[];
  /** Approved certificates by the first of the bounds (days from then on) before which they end. */
  readonly certificates: readonly { readonly within: string; readonly certificates: number }[];
  readonly heldKeys: number;
  readonly quarantinedCertificates: number;
  readonly openConflicts: number;
  /** How long counting took. */
  readonly milliseconds: number;
}

export interface FiguresRow {
  readonly at: Date;
  readonly figures: Figures;
}

export function readFigures(): Query {
  return { name: 'fleet_read_figures', text: `select at, figures from fleet_figures where name = 'fleet'` };
}

/** Inside a transaction; false where another node is counting. */
export function takeFiguresLease(): Query {
  return { text: `select pg_try_advisory_xact_lock(hashtext('fleet figures')) as taken` };
}

/** Minutes back in which a refusal counts as "now". */
const refusedWindowMinutes = 15;
/** Refusals looked at; a flood of our own cells must not make counting them dear. */
const mostRefusals = 100_000;
const days = [0, 7, 30, 90, 365] as const;
const bounds = days.map((count) => `$1::timestamptz + interval '${count} days'`).join(', ');
const names = ['expired', ...days.slice(1).map((count) => `${count}d`), 'later'];

export const expiryBounds: readonly string[] = names;

/**
 * What is counted, a statement each: one over a million certificates takes seconds, and each has the time that every
 * statement has. They read indexes (states, expiry, open tasks, refused admissions), never whole records.
 */
export function countings(at: Date): Readonly<Record<Exclude<keyof Figures, 'milliseconds'>, Query>> {
  return {
    devices: {
      text: `select coalesce(jsonb_object_agg(state, n), '{}') as counted
               from (select state, count(*) as n from devices group by state) d`,
    },
    refusedNow: { text: refusedNow, values: [at] },
    tasks: {
      text: `select coalesce(jsonb_agg(jsonb_build_object('state', state, 'tasks', n, 'oldest', oldest)), '[]') as counted
               from (select state, count(*) as n, min(created_at) as oldest from tasks
                      where state in ('queued', 'sent', 'in-progress', 'unknown-outcome') group by state) t`,
    },
    certificates: { text: expiring, values: [at] },
    heldKeys: { text: `select count(*) as counted from device_certificates where state = 'held'` },
    quarantinedCertificates: {
      text: `select count(*) as counted from quarantined_certificates
              where released_until is null or released_until < $1::timestamptz`,
      values: [at],
    },
    openConflicts: { text: 'select count(*) as counted from serial_conflicts where settled_at is null' },
  };
}

const refusedNow = `
with refused as (
  select distinct on (device_id) device_id, at, reason, coalesce(anchor, 'none') as anchor
    from (select device_id, at, reason, anchor from admissions
           where outcome = 'refused' and at > $1::timestamptz - interval '${refusedWindowMinutes} minutes'
           order by at desc limit ${mostRefusals}) recent
   order by device_id, at desc),
still as (
  select reason, anchor, count(*) as devices from refused r
   where not exists (select from admissions a
                      where a.device_id = r.device_id and a.at > r.at and a.outcome = 'admitted')
   group by reason, anchor)
select coalesce(jsonb_agg(jsonb_build_object('reason', reason, 'anchor', anchor, 'devices', devices)), '[]') as counted
  from still`;

const expiring = `
select coalesce(jsonb_agg(jsonb_build_object('within', (array[${names.map((name) => `'${name}'`).join(', ')}])[bucket + 1],
                                             'certificates', n)), '[]') as counted
  from (select width_bucket(not_after, array[${bounds}]) as bucket, count(*) as n
          from device_certificates where state = 'approved' group by 1) e`;

/** No row: newer ones are kept already. */
export function keepFigures(at: Date, figures: Figures): Query {
  return {
    text: `insert into fleet_figures as f (name, at, figures) values ('fleet', $1, $2)
           on conflict (name) do update set at = excluded.at, figures = excluded.figures where f.at < excluded.at
           returning at, figures`,
    values: [at, JSON.stringify(figures)],
  };
}
