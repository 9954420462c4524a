import type { Query } from '../platform/postgres.ts';

/** Active devices of these anchors that have a ConnectionRequestURL and no credentials, or none that work. */
export function withoutCredentials(anchors: readonly string[], triedBefore: Date, limit: number): Query {
  return {
    text: `select d.id as "deviceId", min(p.name) as name
             from devices d
             join device_parameters p on p.device_id = d.id and p.value <> ''
              and p.name in ('Device.ManagementServer.ConnectionRequestURL',
                             'InternetGatewayDevice.ManagementServer.ConnectionRequestURL')
             left join connection_credentials c on c.device_id = d.id
             left join tasks t on t.device_id = c.device_id and t.id = c.task_id
            where d.state = 'active' and p.value like 'http:%'
              and exists (select from device_identities i where i.device_id = d.id and i.anchor = any($1))
              and (c.device_id is null
                or (c.lost_at is not null and t.state = 'done')
                or (coalesce(t.state, 'failed') in ('failed', 'cancelled', 'expired') and c.made_at < $2))
            group by d.id limit $3`,
    values: [anchors, triedBefore, limit],
  };
}

export function keepCredentials(deviceId: string, username: string, sealed: string, taskId: string, at: Date): Query {
  return {
    text: `insert into connection_credentials (device_id, username, sealed, task_id, made_at) values ($1, $2, $3, $4, $5)
           on conflict (device_id) do update set username = excluded.username, sealed = excluded.sealed,
                  task_id = excluded.task_id, made_at = excluded.made_at, lost_at = null`,
    values: [deviceId, username, sealed, taskId, at],
  };
}

export function loseCredentials(deviceId: string, at: Date): Query {
  return {
    text: 'update connection_credentials set lost_at = $2 where device_id = $1 and lost_at is null',
    values: [deviceId, at],
  };
}
