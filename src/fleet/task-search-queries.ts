import type { BoundedSearch } from '../platform/bounded-search-queries.ts';
import { ofGroup } from './groups-queries.ts';
import { taskColumns } from './task-queries.ts';
import type { TaskSearch } from './task-search.ts';

export const taskSearch: BoundedSearch<TaskSearch> = {
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
    group: ofGroup,
  },
};
