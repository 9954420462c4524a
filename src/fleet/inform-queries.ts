import type { Query } from '../platform/postgres.ts';
import type { AdmittedConnection, InformReport } from './informs.ts';
import { normalAddress } from './addresses.ts';
import { strangersText } from './strangers-text.ts';

export interface InformRow {
  outcome:
    | 'stored'
    /** Somebody bound this device or this serial in the same moment; ask once more. */
    | 'again'
    | 'device_blocked'
    | 'device_quarantined'
    | 'device_retired'
    | 'identity_conflict'
    | 'identity_mismatch';
  learnt: boolean;
  noted: boolean;
  /** Of the parameters of the last Inform that was taken over. */
  parametersDigest: string | null;
  notificationPolicy: string | null;
  /** Null: no task waits for this device. */
  tasks: 'queued' | 'unsettled' | null;
  traced: boolean;
  /** Within the hour before, the device spoke from another address. */
  moved: boolean;
}

const admissionColumns = `device_id, at, id, outcome, peer, connection_id, listener, role, remote_address, remote_port,
  tls_version, cipher_suite, resumed, server_name, anchor, identity_kind, identity_value, fingerprint, verdict`;

/** The admission's own row, only where the connection has none yet. */
const admissionPart = `
, admitted as (
  insert into admissions (${admissionColumns})
  select $1, $23::timestamptz, $19::uuid, 'admitted', 'known', $24::text, $17::text, $25::text, $16::inet, $26::int,
         $27::text, $28::text, $29::boolean, $30::text, $20::text, $31::text, $32::text, $4::bytea, $33::jsonb
    from outcome where outcome <> 'again'
)`;

/*
 * A device says what it likes, as often as it likes: what it says differently each time fills neither the audit nor the
 * list that a person has to settle.
 */
/** Notes an hour that a device claims something else than before. */
const mostClaimsNoted = 10;
/** Conflicts of one device that are open. */
const mostConflicts = 100;

/**
 * One statement for the whole Inform: judges the device's state and its claim, binds OUI and serial at first contact,
 * writes the Inform, what the device says of itself, the notes and (once a connection) the admission.
 * Data-modifying parts all see the same snapshot; `judged` decides, `outcome` adds what the unique indexes said.
 */
function informText(withAdmission: boolean): string {
  return `
with device as materialized (
  select d.state, d.oui, d.product_class, d.serial_number,
         c.manufacturer as said_manufacturer, c.oui as said_oui, c.product_class as said_class,
         c.parameters_digest, c.notification_policy,
         c.remote_address <> $16::inet and c.last_inform_at > $2::timestamptz - interval '1 hour' as moved
    from devices d left join device_contact c on c.device_id = d.id
   where d.id = $1::uuid
), judged as materialized (
  select device.*, case
      when state = 'blocked' then 'device_blocked'
      when state = 'quarantined' then 'device_quarantined'
      when state not in ('expected', 'held', 'active') then 'device_retired'
      when serial_number is null then
        case when exists (select from device_serials s where s.oui = $5::text and s.serial_number = $7::text
                             and s.device_id <> $1)
             then 'identity_conflict' else 'learn' end
      when oui <> $5 or serial_number <> $7 then
        case when exists (select from device_serials s where s.oui = $5 and s.serial_number = $7
                             and s.device_id <> $1)
             then 'identity_conflict' else 'identity_mismatch' end
      when product_class <> $6::text and exists (select from device_serials s where s.oui = $5
                             and s.product_class = $6 and s.serial_number = $7 and s.device_id <> $1)
      then 'identity_conflict'
      else 'stored' end as verdict
    from device
), learnt as (
  insert into device_serials (oui, product_class, serial_number, device_id, provenance, since)
  select $5, $6, $7, $1, 'learnt', $2::timestamptz from judged where verdict = 'learn'
  on conflict do nothing
  returning device_id
), outcome as materialized (
  select judged.*, case
      when verdict <> 'learn' then verdict
      when exists (select from learnt) then 'stored'
      else 'again' end as outcome,
      case when verdict in ('learn', 'stored')
          and (($8::text, $22::text, $6) is distinct from (said_manufacturer, said_oui, said_class))
          and (said_class is not null or product_class not in ('', $6))
        then (select count(*) from (select from changes v where v.device_id = $1 and v.action = 'claim_varies'
                and v.at > $2 - interval '1 hour' limit ${mostClaimsNoted}) v) < ${mostClaimsNoted}
        else false end as noted
    from judged
), bound as (
  update devices set
      state = case when devices.state = 'expected' then 'active' else devices.state end,
      state_since = case when devices.state = 'expected' then $2 else devices.state_since end,
      oui = coalesce(devices.oui, $5), product_class = coalesce(devices.product_class, $6),
      serial_number = coalesce(devices.serial_number, $7),
      serial_provenance = coalesce(devices.serial_provenance, 'learnt'),
      serial_since = coalesce(devices.serial_since, $2)
    from outcome
   where devices.id = $1 and outcome.outcome = 'stored' and (outcome.verdict = 'learn' or outcome.state = 'expected')
), noted as (
  insert into changes (device_id, at, id, actor_kind, actor, action, before, after)
  select $1, $2, uuid_v7($2), 'device', $20::text || ': ' || encode($4::bytea, 'hex'), c.action, c.before, c.after
    from outcome, lateral (values
      ('learn_serial', outcome.verdict = 'learn', null::jsonb,
        jsonb_build_object('oui', $5, 'productClass', $6, 'serialNumber', $7, 'certificateOui', $21::text)),
      ('activate', outcome.state = 'expected', jsonb_build_object('state', 'expected'),
        jsonb_build_object('state', 'active')),
      ('claim_varies', outcome.noted,
        jsonb_build_object('manufacturer', outcome.said_manufacturer, 'oui', coalesce(outcome.said_oui, outcome.oui),
          'productClass', coalesce(outcome.said_class, outcome.product_class)),
        jsonb_build_object('manufacturer', $8, 'oui', $22, 'productClass', $6))
    ) as c (action, wanted, before, after)
   where outcome.outcome = 'stored' and c.wanted
), stored as (
  insert into informs (device_id, at, id, admission_id, cwmp_version, events, device_time, retry_count, max_envelopes,
                       software_version)
  select $1, $2, $3::uuid, $19, $13::text, $9::text[], $10::text, $11::int, $12::int, $14::text
    from outcome where outcome.outcome = 'stored'
), contact as (
  insert into device_contact as c (device_id, last_inform_at, last_inform_id, last_events, listener, remote_address,
                                   cwmp_version, manufacturer, oui, product_class, software_version, hardware_version)
  select $1, $2, $3, $9, $17::text, $16::inet, $13, $8, $22, $6, $14, $15::text
    from outcome where outcome.outcome = 'stored'
  on conflict (device_id) do update set
    last_inform_at = excluded.last_inform_at, last_inform_id = excluded.last_inform_id,
    last_events = excluded.last_events, listener = excluded.listener, remote_address = excluded.remote_address,
    cwmp_version = excluded.cwmp_version, manufacturer = excluded.manufacturer, oui = excluded.oui,
    product_class = excluded.product_class,
    software_version = coalesce(excluded.software_version, c.software_version),
    hardware_version = coalesce(excluded.hardware_version, c.hardware_version)
), contested as (
  insert into serial_conflicts as k (device_id, oui, product_class, serial_number, holder_id, kind, first_at, last_at,
                                     claims)
  select $1, $5, $6, $7, h.device_id, 'claimed', $2, $2, 1
    from outcome, lateral (select s.device_id from device_serials s
           where s.oui = $5 and s.serial_number = $7 and s.device_id <> $1
           order by s.product_class = $6 desc limit 1) h
   where outcome.outcome = 'identity_conflict'
     and (exists (select from serial_conflicts s where s.device_id = $1 and s.oui = $5 and s.product_class = $6
                     and s.serial_number = $7)
       or (select count(*) from serial_conflicts s where s.device_id = $1 and s.settled_at is null) < ${mostConflicts})
  on conflict (device_id, oui, product_class, serial_number) do update
    set holder_id = excluded.holder_id, last_at = excluded.last_at, claims = k.claims + 1
), seen as (
  update device_certificates set last_seen = $2
   where device_id = $1 and fingerprint = $4 and last_seen < $2::timestamptz - $18::interval
)${withAdmission ? admissionPart : ''}
select outcome, verdict = 'learn' as learnt, noted, parameters_digest as "parametersDigest",
       notification_policy as "notificationPolicy",
       (select max(case t.state when 'queued' then 'queued' else 'unsettled' end) from tasks t where t.device_id = $1
           and t.state in ('queued', 'sent', 'in-progress', 'unknown-outcome')) as tasks,
       exists (select from device_traces where device_id = $1 and until > $2) as traced, coalesce(moved, false) as moved
  from outcome`;
}

const texts = { with: informText(true), without: informText(false) } as const;

export function recordInformQuery(report: InformReport, id: string, at: Date, withAdmission: boolean): Query {
  const values = [...informValues(report, id, at), ...(withAdmission ? admissionValues(report.connection) : [])];
  return withAdmission
    ? { name: 'fleet_record_inform_admission', text: texts.with, values }
    : { name: 'fleet_record_inform', text: texts.without, values };
}

/** last_seen of a certificate is exact to this. */
const seenEvery = '1 hour';

function informValues({ connection, inform, cwmpVersion }: InformReport, id: string, at: Date): unknown[] {
  const { deviceId: claim } = inform;
  return [
    connection.deviceId,
    at,
    id,
    Buffer.from(connection.fingerprint, 'hex'),
    // The case of the OUI may vary.
    strangersText(claim.oui.toUpperCase(), 256),
    strangersText(claim.productClass, 256),
    strangersText(claim.serialNumber, 256),
    strangersText(claim.manufacturer, 256),
    inform.events.slice(0, 64).map(({ eventCode }) => strangersText(eventCode, 64)),
    strangersText(inform.currentTime, 64),
    int4(inform.retryCount),
    int4(inform.maxEnvelopes),
    cwmpVersion,
    parameterEnding(inform.parameterList, '.DeviceInfo.SoftwareVersion'),
    parameterEnding(inform.parameterList, '.DeviceInfo.HardwareVersion'),
    normalAddress(connection.handshake.remoteAddress),
    connection.handshake.listener,
    seenEvery,
    connection.id,
    connection.identity.anchor,
    connection.identity.oui,
    strangersText(claim.oui, 256),
  ];
}

function admissionValues({ at, handshake, identity, evidence }: AdmittedConnection): unknown[] {
  return [
    at,
    handshake.connectionId,
    handshake.role,
    handshake.remotePort,
    handshake.tlsVersion,
    handshake.cipherSuite,
    handshake.resumed,
    handshake.serverName === undefined ? null : strangersText(handshake.serverName, 256),
    identity.kind,
    identity.value,
    evidence === undefined ? null : JSON.stringify(evidence),
  ];
}

function parameterEnding(parameters: InformReport['inform']['parameterList'], ending: string): string | null {
  for (const { name, value } of parameters) if (name.endsWith(ending)) return strangersText(value, 256);
  return null;
}

/** Into the column's range; what a device counts is no reason to fail. */
function int4(value: number): number {
  return Math.trunc(Math.min(Math.max(value, 0), 2_147_483_647)) || 0;
}
