import { uuidv7At } from '../platform/ids.ts';
import type { Query } from '../platform/postgres.ts';
import { strangersText } from './strangers-text.ts';
import type { Suspicion } from './suspicions.ts';

/** With what the register knew at the time: the certificates of the device, its serial, and where it last was. */
export function insertSuspicion({ deviceId, kind, evidence }: Suspicion, at: Date): Query {
  return {
    name: 'fleet_insert_suspicion',
    text: `insert into suspicions (device_id, at, id, kind, evidence)
           select d.id, $2, $3, $4, $5::jsonb || jsonb_build_object('known', jsonb_strip_nulls(jsonb_build_object(
                    'state', d.state, 'replacedBy', d.replaced_by, 'oui', d.oui, 'productClass', d.product_class,
                    'serialNumber', d.serial_number, 'lastInformAt', c.last_inform_at, 'lastAddress', c.remote_address,
                    'certificates', (select jsonb_agg(jsonb_build_object('fingerprint', encode(k.fingerprint, 'hex'),
                        'state', k.state, 'serialNumber', k.serial_number, 'lastSeen', k.last_seen))
                      from (select * from device_certificates where device_id = d.id order by last_seen desc limit 8) k))))
             from devices d left join device_contact c on c.device_id = d.id where d.id = $1`,
    values: [deviceId, at, uuidv7At(at), kind, JSON.stringify(safe(evidence))],
  };
}

function safe(evidence: Suspicion['evidence']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(evidence).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, typeof value === 'string' ? strangersText(value, 512) : value]],
    ),
  );
}

/** Of one device, from `from` to `until`; newest first. */
export function suspicionsBetween(deviceId: string, from: Date, until: Date, limit: number): Query {
  return {
    text: `select device_id as "deviceId", at, id, kind, evidence from suspicions
            where device_id = $1 and at between $2 and $3 order by at desc, id desc limit $4`,
    values: [deviceId, from, until, limit],
  };
}
