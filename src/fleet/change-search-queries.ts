import type { Query } from '../platform/postgres.ts';
import type { ChangeFilter, ChangePosition } from './change-search.ts';

export function searchChanges(filter: ChangeFilter, before: ChangePosition | undefined, limit: number): Query {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const { deviceId, action, actor, from, until, group } = filter;
  const conditions = [
    ...(deviceId === undefined ? [] : [`c.device_id = ${parameter(deviceId)}::uuid`]),
    ...(action === undefined ? [] : [`c.action = ${parameter(action)}`]),
    ...(actor === undefined ? [] : [`c.actor = ${parameter(actor)}`]),
    ...(from === undefined ? [] : [`c.at >= ${parameter(from)}::timestamptz`]),
    ...(until === undefined ? [] : [`c.at < ${parameter(until)}::timestamptz`]),
    ...(group === undefined
      ? []
      : [`exists (select from devices d where d.id = c.device_id and d.tags @> array[${parameter(group)}::text])`]),
  ];
  if (before !== undefined) {
    // `at` comes from a clock of ours, to the millisecond: a cursor carries it whole.
    conditions.push(`(c.at, c.id) < (${parameter(before.at)}::timestamptz, ${parameter(before.id)}::uuid)`);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  return {
    text: `select c.device_id as "deviceId", c.id, c.at, c.actor_kind as "actorKind", c.actor, c.action, c.before,
                  c.after, c.reason
             from changes c ${where} order by c.at desc, c.id desc limit ${parameter(limit)}`,
    values,
  };
}
