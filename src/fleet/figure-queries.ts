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
export const refusedWindowMinutes = 15;
/** Refusals looked at; a flood of our own cells must not make counting them dear. */
const mostRefusals = 100_000;
const days = [0, 7, 30, 90, 365] as const;
const bounds = days.map((count) => `$1::timestamptz + interval '${count} days'`).join(', ');
const names = ['expired', ...days.slice(1).map((count) => `${count}d`), 'later'];

export const expiryBounds: readonly string[] = names;

/** Counts and keeps them. Reads indexes (states, expiry, open tasks, refused admissions), never whole records. */
export function countFigures(at: Date): Query {
  return {
    text: `
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
   group by reason, anchor),
expiring as (
  select width_bucket(not_after, array[${bounds}]) as bucket, count(*) as certificates
    from device_certificates where state = 'approved' group by 1),
counted as (select jsonb_build_object(
  'devices', (select coalesce(jsonb_object_agg(state, n), '{}') from
               (select state, count(*) as n from devices group by state) d),
  'refusedNow', (select coalesce(jsonb_agg(jsonb_build_object('reason', reason, 'anchor', anchor, 'devices', devices)), '[]')
                   from still),
  'tasks', (select coalesce(jsonb_agg(jsonb_build_object('state', state, 'tasks', n, 'oldest', oldest)), '[]') from
             (select state, count(*) as n, min(created_at) as oldest from tasks
               where state in ('queued', 'sent', 'in-progress', 'unknown-outcome') group by state) t),
  'certificates', (select coalesce(jsonb_agg(jsonb_build_object(
                      'within', (array[${names.map((name) => `'${name}'`).join(', ')}])[bucket + 1],
                      'certificates', certificates)), '[]') from expiring),
  'heldKeys', (select count(*) from device_certificates where state = 'held'),
  'quarantinedCertificates', (select count(*) from quarantined_certificates
                               where released_until is null or released_until < $1::timestamptz),
  'openConflicts', (select count(*) from serial_conflicts where settled_at is null)) as figures)
insert into fleet_figures as f (name, at, figures)
select 'fleet', $1, figures || jsonb_build_object('milliseconds',
         round(extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)) from counted
on conflict (name) do update set at = excluded.at, figures = excluded.figures where f.at < excluded.at
returning at, figures`,
    values: [at],
  };
}
