import { createHash } from 'node:crypto';
import type { TransferComplete } from '../cwmp/cpe-methods.ts';
import type { Query } from '../platform/postgres.ts';
import { strangersText } from './strangers-text.ts';
import type { TransferReport } from './transfers.ts';

export interface TransferRow {
  times_said: number;
}

/** Of one device; the oldest make room, so that a device cannot fill the database. */
const mostKept = 1000;

const text = `
with crowded as (
  delete from transfer_completions where device_id = $1::uuid and digest in (
    select digest from transfer_completions where device_id = $1 and digest <> $2::bytea
     order by last_said_at desc offset ${mostKept - 1})
)
insert into transfer_completions as t (device_id, digest, command_key, fault_code, fault_string, start_time,
                                       complete_time, admission_id, said_at, last_said_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
on conflict (device_id, digest) do update set last_said_at = excluded.last_said_at, times_said = t.times_said + 1
returning times_said`;

/** Over what was said, before anything of it is escaped or cut. */
function digestOf({ commandKey, faultStruct, startTime, completeTime }: TransferComplete): Buffer {
  const said = [commandKey, faultStruct.faultCode, faultStruct.faultString, startTime, completeTime];
  return createHash('sha256').update(JSON.stringify(said)).digest();
}

export function recordTransferQuery({ connection, transferComplete }: TransferReport, at: Date): Query {
  const { commandKey, faultStruct, startTime, completeTime } = transferComplete;
  return {
    name: 'fleet_record_transfer',
    text,
    values: [
      connection.deviceId,
      digestOf(transferComplete),
      strangersText(commandKey, 256),
      int4(faultStruct.faultCode),
      strangersText(faultStruct.faultString, 1024),
      strangersText(startTime, 64),
      strangersText(completeTime, 64),
      connection.id,
      at,
    ],
  };
}

/** Into the column's range, whatever number the device made up. */
function int4(value: number): number {
  return Math.trunc(Math.min(Math.max(value, -2_147_483_648), 2_147_483_647)) || 0;
}
