import { type BoundedSearch, inTime, type TimeFilter } from '../platform/bounded-search-queries.ts';
import type { ChangeFilter } from './change-search.ts';
import { ofGroup } from './groups-queries.ts';

export const changeSearch: BoundedSearch<ChangeFilter & TimeFilter> = {
  table: 'changes',
  columns: `t.device_id as "deviceId", t.id, t.at, t.actor_kind as "actorKind", t.actor, t.action, t.before, t.after, t.reason`,
  order: ['at', 'id'],
  indexed: {
    deviceId: (bind, value) => `t.device_id = ${bind(value)}::uuid`,
    // The index of the actors leaves out devices, of which each is one.
    actor: (bind, value) => `t.actor = ${bind(value)} and t.actor_kind <> 'device'`,
    ...inTime,
  },
  looked: {
    action: (bind, value) => `t.action = ${bind(value)}`,
    group: ofGroup,
  },
};
