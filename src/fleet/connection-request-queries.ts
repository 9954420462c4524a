import type { Query } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import type { ConnectionRequestOutcome } from './connection-request.ts';
import { strangersText } from './strangers-text.ts';

const columns = `r.device_id as "deviceId", r.id, r.at, jsonb_build_object('kind', r.origin_kind, 'name', r.origin) as origin,
  r.task_id as "taskId", r.state, r.url, r.form, r.status, r.cause, r.detail, r.remedy, r.sent_at as "sentAt",
  r.settled_at as "settledAt", r.session_at as "sessionAt"`;

/** Kept of one device; the oldest make room. */
const mostKept = 50;

export interface NewRequest {
  readonly deviceId: string;
  readonly id: string;
  readonly at: Date;
  readonly notBefore: Date;
  readonly origin: Actor;
  readonly taskId: string | undefined;
}

export function insertRequest({ deviceId, id, at, notBefore, origin, taskId }: NewRequest): Query {
  return {
    text: `with crowded as (
             delete from connection_requests where device_id = $1 and id in (
               select id from connection_requests where device_id = $1 order by id desc offset ${mostKept - 1})
           )
           insert into connection_requests as r (device_id, id, at, not_before, origin_kind, origin, task_id, state)
           values ($1, $2, $3, $4, $5, $6, $7, 'waiting') returning ${columns}`,
    values: [deviceId, id, at, notBefore, origin.kind, strangersText(origin.name, 512), taskId ?? null],
  };
}

export function listRequests(deviceId: string, limit: number): Query {
  return {
    text: `select ${columns} from connection_requests r where device_id = $1 order by id desc limit $2`,
    values: [deviceId, limit],
  };
}

export function oneRequest(deviceId: string, id: string): Query {
  return {
    text: `select ${columns} from connection_requests r where device_id = $1 and id = $2`,
    values: [deviceId, id],
  };
}

const urlOf = (device: string): string => `(select p.value from device_parameters p
    where p.device_id = ${device} and p.name in ('Device.ManagementServer.ConnectionRequestURL',
      'InternetGatewayDevice.ManagementServer.ConnectionRequestURL') and p.value <> '' order by p.name limit 1)`;

/** What stands against asking: the URL, the last request that was sent, and one that is not settled yet. */
export function standingOf(deviceId: string, since: Date): Query {
  return {
    text: `select ${urlOf('$1')} as url,
             (select max(sent_at) from connection_requests where device_id = $1 and sent_at > $2) as "sentAt"`,
    values: [deviceId, since],
  };
}

export function pendingRequest(deviceId: string, since: Date): Query {
  return {
    text: `select ${columns} from connection_requests r
            where device_id = $1 and state in ('waiting', 'sending') and at > $2 order by id desc limit 1`,
    values: [deviceId, since],
  };
}

/** One node at a time claims, so that the bound of the whole installation is one. */
export const claimTurn: Query = { text: `select pg_advisory_xact_lock(hashtext('hems connection requests'))` };

export function sentSince(since: Date): Query {
  return { text: 'select count(*)::int as count from connection_requests where sent_at > $1', values: [since] };
}

/** Marked as sent before anything is. */
export function claimRequests(at: Date, freshSince: Date, limit: number): Query {
  return {
    text: `with turn as (
             select device_id, id from connection_requests
              where state = 'waiting' and not_before <= $1 and at > $2 order by at limit $3 for update skip locked
           ), claimed as (
             update connection_requests r set state = 'sending', sent_at = $1, url = ${urlOf('r.device_id')}
               from turn where r.device_id = turn.device_id and r.id = turn.id
             returning r.device_id, r.id, r.url, r.task_id
           )
           select c.device_id as "deviceId", c.id, c.url, d.state as "deviceState",
                  host(k.remote_address) as "lastAddress", c.task_id as "taskId", t.state as "taskState",
                  array(select distinct i.anchor from device_identities i where i.device_id = c.device_id) as anchors,
                  s.username, s.sealed, st.state as "credentialsState"
             from claimed c
             left join devices d on d.id = c.device_id
             left join device_contact k on k.device_id = c.device_id
             left join tasks t on t.device_id = c.device_id and t.id = c.task_id
             left join connection_credentials s on s.device_id = c.device_id and s.lost_at is null
             left join tasks st on st.device_id = s.device_id and st.id = s.task_id`,
    values: [at, freshSince, limit],
  };
}

export function settleRequest(deviceId: string, id: string, outcome: ConnectionRequestOutcome, at: Date): Query {
  const { state, form, status, cause, detail, remedy } = outcome;
  const text = (value: string | undefined): string | null => (value === undefined ? null : strangersText(value, 512));
  return {
    text: `update connection_requests set state = $3, form = $4, status = $5, cause = $6, detail = $7, remedy = $8,
                  settled_at = $9, sent_at = case when $3 in ('refused', 'needless') then null else sent_at end
            where device_id = $1 and id = $2 and state = 'sending'`,
    values: [deviceId, id, state, form ?? null, status ?? null, cause ?? null, text(detail), text(remedy), at],
  };
}

/** Nobody had them in time, or whoever had them is gone. Answers those that are settled by it. */
export function settleForgotten(at: Date, freshSince: Date, claimedBefore: Date): Query {
  return {
    text: `update connection_requests
              set state = case state when 'waiting' then 'refused' else 'unsettled' end,
                  cause = case state when 'waiting' then 'crowded' else 'node-gone' end,
                  detail = case state when 'waiting' then 'no node had a turn for it within a minute'
                                      else 'the node that was sending it has stopped' end,
                  remedy = case state when 'waiting' then 'see that "hems serve" runs; connectionRequests.perMinute bounds how many are sent'
                                      else 'ask again' end,
                  settled_at = $1
            where (state = 'waiting' and at <= $2) or (state = 'sending' and sent_at <= $3)
           returning device_id as "deviceId", id, state, cause`,
    values: [at, freshSince, claimedBefore],
  };
}

/** The latest request that was sent and that no session has answered. */
export function matchSession(deviceId: string, informId: string, at: Date, sentAfter: Date): Query {
  return {
    text: `update connection_requests set session_at = $3, inform_id = $2
            where device_id = $1 and id = (
              select id from connection_requests where device_id = $1 and session_at is null and sent_at > $4
               order by id desc limit 1)
           returning id`,
    values: [deviceId, informId, at, sentAfter],
  };
}

export function isAnothers(deviceId: string, address: string): Query {
  return {
    text: `select exists (select from device_contact where remote_address = $2::inet and device_id <> $1) as another`,
    values: [deviceId, address],
  };
}
