import type { Query } from '../platform/postgres.ts';
import type { AuditFilter, AuditKind } from './audit-listing.ts';

/** One shape for decisions, suspicions and the changes of three tables. `device`: rows are about one. `person`: somebody made them. */
interface Selection {
  readonly columns: string;
  readonly from: string;
  /** What tells rows of one moment apart. */
  readonly id: string;
  readonly device: boolean;
  readonly person: boolean;
}

const changeOf = (kind: AuditKind, id: string): string =>
  `'${kind}' as kind, null::uuid as "deviceId", r.at, ${id} as id, r.actor_kind as "actorKind", r.actor, r.action as what,
    r.reason as why, null::jsonb as before, jsonb_build_object('subject', r.subject)
      || coalesce(jsonb_build_object('after', r.after), '{}') as after, r.chain, r.link`;

const selections: Readonly<Record<AuditKind, Selection>> = {
  change: {
    columns: `'change' as kind, r.device_id as "deviceId", r.at, r.id, r.actor_kind as "actorKind", r.actor, r.action as what,
      r.reason as why, r.before, r.after, r.chain, r.link`,
    from: 'changes',
    id: 'r.id',
    device: true,
    person: true,
  },
  decision: {
    columns: `'decision' as kind, r.device_id as "deviceId", r.at, r.id, null as "actorKind", null as actor, r.outcome as what,
      r.reason as why, null::jsonb as before, jsonb_strip_nulls(jsonb_build_object('detail', r.detail, 'listener', r.listener,
        'address', host(r.remote_address), 'anchor', r.anchor, 'identity', r.identity_value,
        'fingerprint', encode(r.fingerprint, 'hex'))) as after, r.chain, r.link`,
    from: 'admissions',
    id: 'r.id',
    device: true,
    person: false,
  },
  suspicion: {
    columns: `'suspicion' as kind, r.device_id as "deviceId", r.at, r.id, null as "actorKind", null as actor, r.kind as what,
      null as why, null::jsonb as before, r.evidence as after, r.chain, r.link`,
    from: 'suspicions',
    id: 'r.id',
    device: true,
    person: false,
  },
  revocation: {
    columns: changeOf('revocation', 'id_of_number(r.seq)'),
    from: 'revocation_changes',
    id: 'r.seq',
    device: false,
    person: true,
  },
  access: { columns: changeOf('access', 'r.id'), from: 'access_changes', id: 'r.id', device: false, person: true },
  file: { columns: changeOf('file', 'r.id'), from: 'file_changes', id: 'r.id', device: false, person: true },
};

/** Newest first, behind `after`; each table brings at most a page, by its index on time, on the device or on the person. */
export function auditPage(filter: AuditFilter, limit: number): Query {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const { device, person } = filter;
  const kinds = (Object.keys(selections) as AuditKind[]).filter(
    (kind) =>
      (filter.kind ?? kind) === kind &&
      (person === undefined || selections[kind].person) &&
      (device === undefined || selections[kind].device),
  );
  if (kinds.length === 0) return { text: nothing };
  const limited = parameter(limit);
  const named = person === undefined ? undefined : parameter(pattern(person));
  const parts = kinds.map((kind) => {
    const { columns, from, id } = selections[kind];
    const where = conditions(kind, filter, parameter);
    const page = (more: readonly string[]): string =>
      `(select ${columns} from ${from} r ${clause([...where, ...more])} order by r.at desc, ${id} desc limit ${limited})`;
    if (named === undefined) return page([]);
    if (kind !== 'change') return page([`r.actor like ${named}`]);
    return `(select found.* from people, lateral ${page([`r.actor = people.actor and r.actor_kind <> 'device'`])} found)`;
  });
  return {
    text: `${named === undefined ? '' : peopleLike(named)}
      select * from (${parts.join(' union all ')}) found order by at desc, id desc limit ${limited}`,
    values,
  };
}

function conditions(kind: AuditKind, filter: AuditFilter, parameter: (value: unknown) => string): string[] {
  const { device, since, until, after, reason } = filter;
  const where: string[] = [];
  if (device !== undefined) where.push(`r.device_id = ${parameter(device)}::uuid`);
  if (since !== undefined) where.push(`r.at >= ${parameter(since)}::timestamptz`);
  if (until !== undefined) where.push(`r.at < ${parameter(until)}::timestamptz`);
  if (after !== undefined) where.push(behind(kind, after, parameter));
  if (reason === undefined) return where;
  if (kind === 'decision') where.push(`r.reason = ${parameter(reason)}`);
  else if (kind === 'suspicion') where.push(`r.kind = ${parameter(reason)}`);
  else where.push(`(r.reason ilike ${parameter(pattern(reason))} or r.action = ${parameter(reason)})`);
  return where;
}

function behind(kind: AuditKind, { at, id }: { at: Date; id: string }, parameter: (value: unknown) => string): string {
  const time = `${parameter(at)}::timestamptz`;
  if (kind !== 'revocation') return `(r.at, r.id) < (${time}, ${parameter(id)}::uuid)`;
  return `r.at <= ${time} and (r.at < ${time} or id_of_number(r.seq) < ${parameter(id)}::uuid)`;
}

const clause = (where: readonly string[]): string => (where.length === 0 ? '' : `where ${where.join(' and ')}`);

/** Decisions and suspicions of a person: they are nobody's. Changes of revocation or access about a device: there are none. */
const nothing = 'select null::timestamptz as at, null::uuid as id where false';

/** Everybody who ever changed a device, one step of the index each: there are few, whatever they did. */
const peopleLike = (named: string): string => `with recursive everybody as (
  (select actor from changes where actor_kind <> 'device' order by actor limit 1)
  union all
  select (select n.actor from changes n where n.actor_kind <> 'device' and n.actor > e.actor order by n.actor limit 1)
    from everybody e where e.actor is not null
), people as materialized (select actor from everybody where actor like ${named})`;

/** Anywhere in the text; wildcards are characters. */
function pattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
