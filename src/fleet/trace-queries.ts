import type { Query } from '../platform/postgres.ts';
import { strangersText } from './strangers-text.ts';

export interface TraceMessageRow {
  readonly deviceId: string;
  readonly at: Date;
  readonly id: string;
  readonly sessionId: string;
  readonly direction: 'from-device' | 'to-device';
  readonly status: number | null;
  readonly body: string;
  readonly bytes: number;
  readonly milliseconds: number | null;
}

export function insertTrace(deviceId: string, id: string, until: Date, origin: string): Query {
  return {
    text: `with over as (delete from device_traces where device_id = $1)
           insert into device_traces (device_id, id, until, origin) values ($1, $2, $3, $4)`,
    values: [deviceId, id, until, strangersText(origin, 512)],
  };
}

export function endTrace(deviceId: string): Query {
  return { text: 'delete from device_traces where device_id = $1', values: [deviceId] };
}

export function traceOf(deviceId: string): Query {
  return { text: 'select id, until, origin from device_traces where device_id = $1', values: [deviceId] };
}

/** Of one device; the oldest make room. */
const mostKept = 2000;

export function insertTraceMessage(row: TraceMessageRow): Query {
  return {
    name: 'fleet_insert_trace_message',
    text: `with crowded as (
             delete from device_trace_messages where device_id = $1 and (at, id) in (
               select at, id from device_trace_messages where device_id = $1 order by at desc, id desc
               offset ${mostKept - 1})
           )
           insert into device_trace_messages
             (device_id, at, id, session_id, direction, status, body, bytes, milliseconds)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      row.deviceId,
      row.at,
      row.id,
      row.sessionId,
      row.direction,
      row.status,
      row.body,
      row.bytes,
      row.milliseconds,
    ],
  };
}

export function traceMessages(deviceId: string, since: Date, after: string | undefined, limit: number): Query {
  return {
    text: `select device_id as "deviceId", at, id, session_id as "sessionId", direction, status, body, bytes, milliseconds
             from device_trace_messages where device_id = $1 and at >= $2 and ($3::uuid is null or id > $3)
            order by id limit $4`,
    values: [deviceId, since, after ?? null, limit],
  };
}

/** Some at a time; answers how many messages went. */
export function forgetTraces(before: Date, most: number): Query {
  return {
    text: `with ended as (delete from device_traces where until < $1)
           delete from device_trace_messages where (device_id, at, id) in (
             select device_id, at, id from device_trace_messages where at < $1 order by at limit $2)`,
    values: [before, most],
  };
}
