import type { Query } from '../platform/postgres.ts';
import type { KeptSession } from './session-archive.ts';

export function keepSession(deviceId: string, { cookie, fingerprint, session, expiresAt }: KeptSession): Query {
  return {
    name: 'fleet_keep_session',
    text: `insert into cwmp_sessions (device_id, cookie, fingerprint, session, expires_at) values ($1, $2, $3, $4, $5)
           on conflict (device_id) do update set cookie = excluded.cookie, fingerprint = excluded.fingerprint,
                  session = excluded.session, expires_at = excluded.expires_at`,
    values: [deviceId, cookie, Buffer.from(fingerprint, 'hex'), JSON.stringify(session), expiresAt],
  };
}

export function takeSession(deviceId: string, cookie: Buffer, fingerprint: Buffer, at: Date): Query {
  return {
    name: 'fleet_take_session',
    text: `delete from cwmp_sessions
            where device_id = $1 and cookie = $2 and fingerprint = $3 and expires_at > $4 returning session`,
    values: [deviceId, cookie, fingerprint, at],
  };
}

export function awaitsAnswer(deviceId: string, cookie: Buffer, fingerprint: Buffer, at: Date): Query {
  return {
    name: 'fleet_session_awaits_answer',
    text: `select 1 from cwmp_sessions where device_id = $1 and cookie = $2 and fingerprint = $3 and expires_at > $4
              and session #>> '{cwmp,state,kind}' = 'wait-answer'`,
    values: [deviceId, cookie, fingerprint, at],
  };
}

export function dropSession(deviceId: string, cookie: Buffer): Query {
  return {
    name: 'fleet_drop_session',
    text: 'delete from cwmp_sessions where device_id = $1 and cookie = $2',
    values: [deviceId, cookie],
  };
}

export function forgetSessions(at: Date): Query {
  return { text: 'delete from cwmp_sessions where expires_at <= $1', values: [at] };
}
