import type { Query } from '../platform/postgres.ts';

/** Of one device; the oldest make room. */
const mostKept = 100;

export function recordNotice(deviceId: string, digest: Buffer, kind: string, notice: string, at: Date): Query {
  return {
    name: 'fleet_record_notice',
    text: `with crowded as (
             delete from device_notices where device_id = $1 and digest in (
               select digest from device_notices where device_id = $1 and digest <> $2
                order by at desc offset ${mostKept - 1})
           )
           insert into device_notices (device_id, digest, kind, notice, at) values ($1, $2, $3, $4, $5)
           on conflict (device_id, digest) do update set at = excluded.at
           returning xmax = 0 as fresh`,
    values: [deviceId, digest, kind, notice, at],
  };
}
