import { uuidv7At } from '../platform/ids.ts';
import type { Query } from '../platform/postgres.ts';
import type { Change } from './changes.ts';
import { strangersText } from './strangers-text.ts';

export function insertChange(change: Change): Query {
  return {
    name: 'fleet_insert_change',
    text: `insert into changes (device_id, at, id, actor_kind, actor, action, before, after, reason)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      change.deviceId,
      change.at,
      uuidv7At(change.at),
      change.actor.kind,
      strangersText(change.actor.name, 512),
      change.action,
      change.before === undefined ? null : JSON.stringify(change.before),
      change.after === undefined ? null : JSON.stringify(change.after),
      change.reason === undefined ? null : strangersText(change.reason, 2000),
    ],
  };
}
