import type { TimePosition } from '../platform/bounded-search.ts';
import type { Query } from '../platform/postgres.ts';

const columns = `i.id, i.at, i.admission_id as "admissionId", i.cwmp_version as "cwmpVersion", i.events,
  i.device_time as "deviceTime", i.retry_count as "retryCount", i.max_envelopes as "maxEnvelopes",
  i.software_version as "softwareVersion"`;

/** Newest first. */
export function sessionsOf(deviceId: string, before: TimePosition | undefined, limit: number): Query {
  return {
    name: 'fleet_sessions_of',
    text: `select ${columns} from informs i
            where i.device_id = $1 and ($2::timestamptz is null or (i.at, i.id) < ($2, $3::uuid))
            order by i.at desc, i.id desc limit $4`,
    values: [deviceId, before?.at ?? null, before?.id ?? null, limit],
  };
}

export function sessionOf(deviceId: string, id: string): Query {
  return {
    name: 'fleet_session_of',
    text: `select ${columns} from informs i where i.device_id = $1 and i.id = $2`,
    values: [deviceId, id],
  };
}
