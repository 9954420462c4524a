import { type BoundedSearch, boundedEnd, boundedPage, isBounded } from '../platform/bounded-search-queries.ts';
import type { Query } from '../platform/postgres.ts';
import type { ChangeFilter, ChangePosition } from './change-search.ts';

/** A filter with the place where the page begins. */
export type ChangeSearch = ChangeFilter & { readonly before?: ChangePosition | undefined };

const search: BoundedSearch<ChangeSearch> = {
  table: 'changes',
  columns: `t.device_id as "deviceId", t.id, t.at, t.actor_kind as "actorKind", t.actor, t.action, t.before, t.after, t.reason`,
  order: ['at', 'id'],
  indexed: {
    deviceId: (bind, value) => `t.device_id = ${bind(value)}::uuid`,
    // The index of the actors leaves out devices, of which each is one.
    actor: (bind, value) => `t.actor = ${bind(value)} and t.actor_kind <> 'device'`,
    from: (bind, value) => `t.at >= ${bind(value)}::timestamptz`,
    until: (bind, value) => `t.at < ${bind(value)}::timestamptz`,
    // `at` comes from a clock of ours, to the millisecond: a cursor carries it whole.
    before: (bind, { at, id }) => `(t.at, t.id) < (${bind(at)}::timestamptz, ${bind(id)}::uuid)`,
  },
  looked: {
    action: (bind, value) => `t.action = ${bind(value)}`,
    group: (bind, value) =>
      `exists (select from devices d where d.id = t.device_id and d.tags @> array[${bind(value)}::text])`,
  },
};

export function searchChanges(filter: ChangeSearch, limit: number, most?: number): Query {
  return boundedPage(search, filter, limit, most);
}

/** Behind which a page that is not full goes on; undefined: there is nothing behind it. */
export function lastLookedAt(filter: ChangeSearch): Query | undefined {
  return isBounded(search, filter) ? boundedEnd(search, filter) : undefined;
}
