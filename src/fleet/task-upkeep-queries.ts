import type { Query } from '../platform/postgres.ts';

/** Tasks whose time has passed without a session, some at a time; another node takes others. */
export function expireTasks(at: Date, most: number): Query {
  return {
    name: 'fleet_expire_tasks',
    text: `with recursive over as (
             select device_id, id from tasks where state = 'queued' and expires_at <= $1
              order by expires_at limit $2 for update skip locked
           ), expired as (
             update tasks t set state = 'expired', finished_at = $1
               from over o where t.device_id = o.device_id and t.id = o.id returning t.device_id, t.id
           ), doomed as (
             select t.device_id, t.id from tasks t join expired e on t.device_id = e.device_id and t.depends_on = e.id
              where t.state = 'queued'
             union
             select t.device_id, t.id from tasks t join doomed d on t.device_id = d.device_id and t.depends_on = d.id
              where t.state = 'queued'
           ), failed as (
             update tasks t set state = 'failed', finished_at = $1,
                    fault = jsonb_build_object('cause', 'dependency', 'message', 'a task before it expired')
               from doomed d where t.device_id = d.device_id and t.id = d.id and not (t.expires_at is not null and t.expires_at <= $1)
           )
           select 1 from expired`,
    values: [at, most],
  };
}

/** Old outcomes, some at a time. */
export function forgetTasks(before: Date, most: number): Query {
  return {
    text: `delete from tasks where (device_id, id) in (
             select device_id, id from tasks where finished_at < $1 order by finished_at limit $2)`,
    values: [before, most],
  };
}
