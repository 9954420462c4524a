import { type BoundedSearch, boundedEnd, boundedPage, isBounded } from '../platform/bounded-search-queries.ts';
import type { Query } from '../platform/postgres.ts';
import { taskColumns } from './task-queries.ts';
import type { TaskSearch } from './task-search.ts';

const search: BoundedSearch<TaskSearch> = {
  table: 'tasks',
  columns: taskColumns,
  order: ['id'],
  indexed: {
    // The index has all states but `done`, which most tasks are in.
    state: (bind, value) => (value === 'done' ? `t.state = 'done'` : `t.state = ${bind(value)} and t.state <> 'done'`),
    before: (bind, value) => `t.id < ${bind(value)}::uuid`,
  },
  looked: {
    kind: (bind, value) => `t.kind = ${bind(value)}`,
    origin: (bind, value) => `t.origin = ${bind(value)}`,
    group: (bind, value) =>
      `exists (select from devices d where d.id = t.device_id and d.tags @> array[${bind(value)}::text])`,
  },
};

export function searchTasks(filter: TaskSearch, limit: number, most?: number): Query {
  return boundedPage(search, filter, limit, most);
}

/** Behind which a page that is not full goes on; undefined: there is nothing behind it. */
export function lastTaskLookedAt(filter: TaskSearch): Query | undefined {
  return isBounded(search, filter) ? boundedEnd(search, filter) : undefined;
}
