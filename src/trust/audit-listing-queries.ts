import type { Query } from '../platform/postgres.ts';
import type { AuditFilter, AuditRecord } from './audit-listing.ts';

/** One shape for decisions, changes and suspicions. */
const selections = {
  change: {
    columns: `'change' as kind, r.device_id as "deviceId", r.at, r.id, r.actor_kind as "actorKind", r.actor, r.action as what,
      r.reason as why, r.before, r.after, r.chain, r.link`,
    from: 'changes r',
  },
  decision: {
    columns: `'decision' as kind, r.device_id as "deviceId", r.at, r.id, null as "actorKind", null as actor, r.outcome as what,
      r.reason as why, null::jsonb as before, jsonb_strip_nulls(jsonb_build_object('detail', r.detail, 'listener', r.listener,
        'address', host(r.remote_address), 'anchor', r.anchor, 'identity', r.identity_value,
        'fingerprint', encode(r.fingerprint, 'hex'))) as after, r.chain, r.link`,
    from: 'admissions r',
  },
  suspicion: {
    columns: `'suspicion' as kind, r.device_id as "deviceId", r.at, r.id, null as "actorKind", null as actor, r.kind as what,
      null as why, null::jsonb as before, r.evidence as after, r.chain, r.link`,
    from: 'suspicions r',
  },
} as const;

type Kind = AuditRecord['kind'];

/** Newest first, behind `after`; each table brings at most a page, by its index on time or on the device. */
export function auditPage(filter: AuditFilter, limit: number): Query {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const { device, since, until, after, person, reason } = filter;
  const time = [
    ...(device === undefined ? [] : [`r.device_id = ${parameter(device)}::uuid`]),
    ...(since === undefined ? [] : [`r.at >= ${parameter(since)}::timestamptz`]),
    ...(until === undefined ? [] : [`r.at < ${parameter(until)}::timestamptz`]),
    ...(after === undefined
      ? []
      : [`(r.at, r.id) < (${parameter(after.at)}::timestamptz, ${parameter(after.id)}::uuid)`]),
  ];
  const limited = parameter(limit);
  const own: Readonly<Record<Kind, () => readonly string[]>> = {
    change: () => [
      ...(person === undefined ? [] : [`r.actor like ${parameter(pattern(person))}`]),
      ...(reason === undefined
        ? []
        : [`(r.reason ilike ${parameter(pattern(reason))} or r.action = ${parameter(reason)})`]),
    ],
    decision: () => (reason === undefined ? [] : [`r.reason = ${parameter(reason)}`]),
    suspicion: () => (reason === undefined ? [] : [`r.kind = ${parameter(reason)}`]),
  };
  const kinds = (Object.keys(own) as Kind[]).filter(
    (kind) => (filter.kind ?? kind) === kind && (person === undefined || kind === 'change'),
  );
  if (kinds.length === 0) return { text: nothing };
  const parts = kinds.map((kind) => {
    const where = [...time, ...own[kind]()];
    const clause = where.length === 0 ? '' : `where ${where.join(' and ')}`;
    const { columns, from } = selections[kind];
    return `(select ${columns} from ${from} ${clause} order by r.at desc, r.id desc limit ${limited})`;
  });
  return {
    text: `select * from (${parts.join(' union all ')}) found order by at desc, id desc limit ${limited}`,
    values,
  };
}

/** Decisions and suspicions of a person: they are nobody's. */
const nothing = 'select null::timestamptz as at, null::uuid as id where false';

/** Anywhere in the text; wildcards are characters. */
function pattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
