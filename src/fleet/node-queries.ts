import type { Query } from '../platform/postgres.ts';

export interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly startedAt: Date;
  readonly seenAt: Date;
  readonly said: unknown;
}

export function sayNode({ id, name, version, startedAt, seenAt, said }: NodeRow): Query {
  return {
    name: 'fleet_say_node',
    text: `insert into nodes (id, name, version, started_at, seen_at, said) values ($1, $2, $3, $4, $5, $6)
           on conflict (id) do update set seen_at = excluded.seen_at, said = excluded.said`,
    values: [id, name, version, startedAt, seenAt, JSON.stringify(said)],
  };
}

export function forgetNode(id: string): Query {
  return { text: 'delete from nodes where id = $1', values: [id] };
}

export function forgetSilentNodes(before: Date): Query {
  return { text: 'delete from nodes where seen_at < $1', values: [before] };
}

export function nodesSince(since: Date): Query {
  return {
    text: `select id, name, version, started_at as "startedAt", seen_at as "seenAt", said
             from nodes where seen_at >= $1 order by name, started_at limit 1000`,
    values: [since],
  };
}
