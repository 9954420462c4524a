import type { Query } from '../platform/postgres.ts';
import type { DeviceState } from './device.ts';
import type { DeviceIdentity, IdentityKind, SerialNames } from './identity.ts';
import { naturalState } from './register-moves-queries.ts';

export function identityOwner(identity: DeviceIdentity): Query {
  return {
    text: 'select device_id from identity_lookup where anchor = $1 and kind = $2 and value = $3',
    values: [identity.anchor, identity.kind, identity.value],
  };
}

/** Everybody who holds OUI and serial, under whatever ProductClass. */
export function serialHolders({ oui, serialNumber }: SerialNames): Query {
  return {
    text: `select device_id, product_class, provenance from device_serials
            where oui = $1 and serial_number = $2 order by device_id for update`,
    values: [oui, serialNumber],
  };
}

export function serialOf(deviceId: string): Query {
  return {
    text: `select oui, product_class, serial_number, provenance from device_serials where device_id = $1`,
    values: [deviceId],
  };
}

export function dropSerial(deviceId: string): Query {
  return {
    text: `with dropped as (delete from device_serials where device_id = $1 returning device_id)
           update devices set oui = null, product_class = null, serial_number = null, serial_provenance = null,
                  serial_since = null
             from dropped where devices.id = dropped.device_id`,
    values: [deviceId],
  };
}

export function importSerial(deviceId: string, names: Required<SerialNames>, at: Date): Query {
  return {
    text: `with bound as (
             insert into device_serials (oui, product_class, serial_number, device_id, provenance, since)
             values ($2, $3, $4, $1, 'imported', $5) returning device_id
           )
           update devices set oui = $2, product_class = $3, serial_number = $4, serial_provenance = 'imported',
                  serial_since = $5
             from bound where devices.id = bound.device_id`,
    values: [deviceId, names.oui, names.productClass, names.serialNumber, at],
  };
}

export function setState(deviceId: string, state: DeviceState, at: Date): Query {
  return { text: 'update devices set state = $2, state_since = $3 where id = $1', values: [deviceId, state, at] };
}

export interface KeyRow {
  fingerprint: string;
  spki: string;
  state: 'approved' | 'held' | 'refused';
  anchor: string;
  kind: IdentityKind;
  value: string;
}

export function deviceKeys(deviceId: string): Query {
  return {
    text: `select encode(fingerprint, 'hex') as fingerprint, encode(spki, 'hex') as spki, state, anchor, kind, value
             from device_certificates where device_id = $1 order by first_seen, fingerprint`,
    values: [deviceId],
  };
}

export function approveKey(deviceId: string, spki: string, at: Date, by: string): Query {
  return {
    text: `update device_certificates set state = 'approved', decided_at = $3, decided_by = $4
            where device_id = $1 and spki = decode($2, 'hex') and state <> 'approved'`,
    values: [deviceId, spki, at, by],
  };
}

export function naturalStateOf(deviceId: string): Query {
  return { text: `select ${naturalState} as state from devices d where d.id = $1`, values: [deviceId] };
}

export interface Wanted {
  readonly deviceId: string | undefined;
  readonly identity: string | undefined;
  readonly serial: SerialNames | undefined;
  readonly fingerprint: string | undefined;
}

export function findDevices({ deviceId, identity, serial, fingerprint }: Wanted): Query {
  return {
    text: `select id as device_id from devices where id = $1
           union select device_id from identity_lookup where value = $2
           union select device_id from device_serials where oui = $3 and serial_number = $4
           union select device_id from device_certificates where fingerprint = decode($5, 'hex')
           order by device_id limit 20`,
    values: [deviceId, identity, serial?.oui, serial?.serialNumber, fingerprint].map((value) => value ?? null),
  };
}
