import type { Query } from '../platform/postgres.ts';
import type { DeviceIdentity } from './identity.ts';
import type { ShownCertificate } from './shown-certificate.ts';
import { bounded, strangersText } from './strangers-text.ts';
import { nameToString } from '../x509/name.ts';
import type { CertificateState, DeviceState } from './device.ts';

export interface StandingRow {
  device_id: string;
  state: DeviceState;
  certificate_state: CertificateState | null;
  same_chain: boolean;
  replaced: boolean;
  enrolled: boolean;
}

/**
 * Identity → device, with everything that admission asks: the one round trip of a known device at the gate.
 * `enrolledUnder`: anchors of the operator's PKI, where it matters whether the device has come by one of them.
 */
export function findStanding(
  identity: DeviceIdentity,
  fingerprint: Buffer,
  chainId: Buffer | null,
  enrolledUnder: readonly string[] | null,
): Query {
  return {
    name: 'fleet_find_standing',
    text: `select l.device_id, d.state, c.state as certificate_state, d.replaced_by is not null as replaced,
                  coalesce(c.chain_id = $5 or $5 is null, true) as same_chain,
                  $6::text[] is not null and exists (select from device_certificates o where o.device_id = l.device_id
                    and o.anchor = any($6) and o.state = 'approved') as enrolled
             from identity_lookup l
             join devices d on d.id = l.device_id
             left join device_certificates c on c.device_id = l.device_id and c.fingerprint = $4
            where l.anchor = $1 and l.kind = $2 and l.value = $3`,
    values: [identity.anchor, identity.kind, identity.value, fingerprint, chainId, enrolledUnder],
  };
}

/** The stored intermediates of a leaf, first its own, then those of other leaves of its issuer. */
export function findChains(fingerprint: Buffer, leafIssuer: Buffer): Query {
  return {
    name: 'fleet_find_chains',
    text: `(select h.certificates from device_certificates c join certificate_chains h on h.id = c.chain_id
             where c.fingerprint = $1 limit 4)
           union all
           (select certificates from certificate_chains where leaf_issuer = $2 order by first_seen limit 8)`,
    values: [fingerprint, leafIssuer],
  };
}

/** Takes the device's row, so that two new keys at once are judged one after the other. */
export function lockDevice(deviceId: string): Query {
  return { text: 'select id, state, replaced_by from devices where id = $1 for no key update', values: [deviceId] };
}

export interface KnownCertificateRow {
  fingerprint: string;
  spki: string;
  state: CertificateState;
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
}

/** The same key in the hands of another device. */
export function keyElsewhere(deviceId: string, spki: Buffer): Query {
  return {
    text: `select device_id as "deviceId", encode(fingerprint, 'hex') as fingerprint
             from device_certificates where spki = $2 and device_id <> $1 limit 1`,
    values: [deviceId, spki],
  };
}

export function knownKeys(deviceId: string, identity: DeviceIdentity): Query {
  return {
    text: `select encode(fingerprint, 'hex') as fingerprint, encode(spki, 'hex') as spki, state,
                  serial_number as "serialNumber", not_before as "notBefore", not_after as "notAfter"
             from device_certificates where device_id = $1 and anchor = $2 and kind = $3 and value = $4`,
    values: [deviceId, identity.anchor, identity.kind, identity.value],
  };
}

/** The certificate that a person or a shipping file named ahead, hex. */
export function expectedCertificate(deviceId: string, identity: DeviceIdentity): Query {
  return {
    text: `select encode(expected_fingerprint, 'hex') as fingerprint
             from device_identities where device_id = $1 and anchor = $2 and kind = $3 and value = $4`,
    values: [deviceId, identity.anchor, identity.kind, identity.value],
  };
}

export function insertChain(shown: ShownCertificate, at: Date): Query {
  return {
    text: `insert into certificate_chains (id, certificates, leaf_issuer, first_seen)
           values ($1, $2, $3, $4) on conflict (id) do nothing`,
    values: [shown.chainId, shown.intermediates.map((der) => Buffer.from(der)), shown.leafIssuer, at],
  };
}

/** A certificate that is there already keeps its state; only its chain is brought up to date. */
export function insertCertificate(
  deviceId: string,
  identity: DeviceIdentity,
  shown: ShownCertificate,
  state: CertificateState,
  at: Date,
): Query {
  const { leaf } = shown;
  return {
    text: `insert into device_certificates (device_id, fingerprint, anchor, kind, value, spki, chain_id, state, subject,
             issuer, serial_number, not_before, not_after, first_seen, last_seen)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
           on conflict (device_id, fingerprint) do update set chain_id = excluded.chain_id`,
    values: [
      deviceId,
      shown.fingerprint,
      identity.anchor,
      identity.kind,
      identity.value,
      shown.spki,
      shown.chainId,
      state,
      bounded(nameToString(leaf.subject), 2048),
      bounded(nameToString(leaf.issuer), 2048),
      strangersText(leaf.serialNumber, 128),
      leaf.notBefore,
      leaf.notAfter,
      at,
    ],
  };
}

/** The octets of a certificate that was just inserted; read by whoever surveys them. */
export function insertShown(deviceId: string, { fingerprint, leaf }: ShownCertificate): Query {
  return {
    text: `insert into shown_certificates (device_id, fingerprint, certificate) values ($1, $2, $3)
           on conflict (device_id, fingerprint) do nothing`,
    values: [deviceId, fingerprint, Buffer.from(leaf.der)],
  };
}

export function setChain(deviceId: string, shown: ShownCertificate): Query {
  return {
    text: 'update device_certificates set chain_id = $3 where device_id = $1 and fingerprint = $2',
    values: [deviceId, shown.fingerprint, shown.chainId],
  };
}

export function holdDevice(deviceId: string, at: Date): Query {
  return {
    text: `update devices set state = 'held', state_since = $2 where id = $1 and state in ('expected', 'active')`,
    values: [deviceId, at],
  };
}

/** One registration of an anchor at a time, so that its hourly limit holds across nodes. */
export function lockRegistrations(anchor: string): Query {
  return { text: `select pg_advisory_xact_lock(hashtext('register:' || $1))`, values: [anchor] };
}

export function countRegistrations(anchor: string, at: Date): Query {
  return {
    text: `select count(*)::int as made from devices
            where registered_anchor = $1 and origin <> 'operator' and registered_at > $2::timestamptz - interval '1 hour'`,
    values: [anchor, at],
  };
}

/** Answers a row only if the identity was free; a blocked or retired device keeps its own for ever. */
export function claimIdentity(identity: DeviceIdentity, deviceId: string): Query {
  return {
    text: `insert into identity_lookup (anchor, kind, value, device_id) values ($1, $2, $3, $4)
           on conflict (anchor, kind, value) do nothing returning device_id`,
    values: [identity.anchor, identity.kind, identity.value, deviceId],
  };
}

export interface NewDevice {
  readonly id: string;
  readonly state: DeviceState;
  readonly origin: 'operator' | 'quarantine' | 'auto';
  readonly anchor: string;
  readonly at: Date;
  readonly note?: string;
}

export function insertDevice(device: NewDevice): Query {
  return {
    text: `insert into devices (id, state, state_since, origin, registered_anchor, registered_at, note)
           values ($1, $2, $3, $4, $5, $3, $6)`,
    values: [
      device.id,
      device.state,
      device.at,
      device.origin,
      device.anchor,
      device.note === undefined ? null : strangersText(device.note, 2000),
    ],
  };
}

export function linkIdentity(deviceId: string, identity: DeviceIdentity, at: Date, by: string): Query {
  return {
    text: `insert into device_identities (device_id, anchor, kind, value, linked_at, linked_by)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [deviceId, identity.anchor, identity.kind, identity.value, at, strangersText(by, 512)],
  };
}
