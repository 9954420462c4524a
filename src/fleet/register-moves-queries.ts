import type { Query } from '../platform/postgres.ts';
import type { By } from './register.ts';
import { strangersText } from './strangers-text.ts';
import { type Move, statesBefore } from './transitions.ts';

/** Moves that need no more than the device's own rows, so that thousands are made in a few statements. */
export type BulkMove = Extract<Move, 'block' | 'unblock' | 'reject' | 'retire' | 'handover'>;

/** Locks those of the devices from which the move may be made; a replaced device leaves `blocked` for the scrapyard only. */
export function lockForMove(move: BulkMove, deviceIds: readonly string[]): Query {
  return {
    text: `select id as "deviceId", state from devices
            where id = any($1::uuid[]) and state = any($2) and (replaced_by is null or $3)
            order by id for no key update`,
    values: [deviceIds, statesBefore(move), move !== 'unblock'],
  };
}

/**
 * Where a device stands that nobody blocks. Quarantined for as long as nobody let it in: no key approved, none named
 * ahead, no Inform.
 */
export const naturalState = `case
    when d.origin = 'quarantine'
      and not exists (select from device_contact c where c.device_id = d.id)
      and not exists (select from device_certificates c where c.device_id = d.id and c.state = 'approved')
      and not exists (select from device_identities i where i.device_id = d.id and i.expected_fingerprint is not null)
      then 'quarantined'
    when exists (select from device_certificates c where c.device_id = d.id and c.state = 'held') then 'held'
    when exists (select from device_contact c where c.device_id = d.id) then 'active'
    else 'expected' end`;

const targets: Readonly<Record<BulkMove, string>> = {
  block: `'blocked'`,
  unblock: naturalState,
  reject: `case when d.state = 'quarantined' then 'blocked' else ${naturalState} end`,
  retire: `'retired'`,
  handover: `'retired'`,
};

/** Moves the locked devices and writes the audit row of each. */
export function moveLocked(move: BulkMove, deviceIds: readonly string[], by: By, at: Date): Query {
  return {
    text: `with target as materialized (
             select d.id, d.state as before, ${targets[move]} as after from devices d where d.id = any($1::uuid[])
           ), moved as (
             update devices set state = target.after,
                    state_since = case when target.before = target.after then devices.state_since else $2 end
               from target where devices.id = target.id
             returning devices.id, target.before, target.after
           ), noted as (
             insert into changes (device_id, at, id, actor_kind, actor, action, before, after, reason)
             select id, $2, uuid_v7($2), $3, $4, $5, jsonb_build_object('state', before),
                    jsonb_build_object('state', after), $6
               from moved order by id
           )
           select id as "deviceId", before, after from moved order by id`,
    values: [deviceIds, at, by.actor.kind, strangersText(by.actor.name, 512), move, reasonOf(by)],
  };
}

export function reasonOf({ reason }: By): string | null {
  return reason === undefined ? null : strangersText(reason, 2000);
}

export function refuseHeldKeys(deviceIds: readonly string[], at: Date, by: string): Query {
  return {
    text: `update device_certificates set state = 'refused', decided_at = $2, decided_by = $3
            where device_id = any($1::uuid[]) and state = 'held'`,
    values: [deviceIds, at, strangersText(by, 512)],
  };
}

/** Tables of what a device said or was told, where it stands and whom it serves: gone with it. */
export const erasedTables = [
  'device_parameters',
  'device_parameter_totals',
  'device_contact',
  'transfer_completions',
  'device_transfers',
  'device_uploads',
  'tasks',
  'cwmp_sessions',
  'device_traces',
  'device_trace_messages',
  'device_notices',
  'connection_requests',
  'connection_credentials',
] as const;

/**
 * Tables with a device that outlive it: the tombstone (identities, serial, certificates) and the evidence. A test holds
 * that every table with a `device_id` is in one of the two lists.
 */
export const keptTables = [
  'devices',
  'identity_lookup',
  'device_identities',
  'device_serials',
  'device_certificates',
  'serial_conflicts',
  'admissions',
  'changes',
  'suspicions',
  'quarantined_certificates',
  'shown_certificates',
  'informs',
  'refusal_summaries',
] as const;

export function eraseSaid(deviceIds: readonly string[]): readonly Query[] {
  return erasedTables.map((table) => ({
    text: `delete from ${table} where device_id = any($1::uuid[])`,
    values: [deviceIds],
  }));
}

export function erase(deviceIds: readonly string[]): readonly Query[] {
  return [
    ...eraseSaid(deviceIds),
    {
      text: `update devices set site = null, note = null, tags = '{}' where id = any($1::uuid[])`,
      values: [deviceIds],
    },
  ];
}

/** Devices retired behind this moment and id, in that order. */
export function retiredSince(at: Date, id: string, most: number): Query {
  return {
    name: 'fleet_retired_since',
    text: `select id, state_since as at from devices where (state_since, id) > ($1, $2::uuid) and state = 'retired'
            order by state_since, id limit $3`,
    values: [at, id, most],
  };
}

/** Ids on one notification: 37 bytes each, 7 999 at most. */
const idsPerNotice = 200;

/** Told to every node at commit: what it holds open for these devices is held against their keys anew. */
export function announceDevices(deviceIds: readonly string[]): Query {
  const notices: string[] = [];
  for (let i = 0; i < deviceIds.length; i += idsPerNotice) notices.push(deviceIds.slice(i, i + idsPerNotice).join(' '));
  return {
    name: 'fleet_announce_devices',
    text: `select pg_notify('hems_device_keys', ids) from unnest($1::text[]) as ids`,
    values: [notices],
  };
}

export function stateOf(deviceId: string): Query {
  return {
    text: `select state, replaced_by as "replacedBy" from devices where id = $1`,
    values: [deviceId],
  };
}

/** Connections, by device and certificate, that the register would not let in now; answers their places in the list. */
export function fallen(deviceIds: readonly string[], fingerprints: readonly Buffer[]): Query {
  return {
    name: 'fleet_fallen',
    text: `select r.i::int as i, d.state
             from unnest($1::uuid[], $2::bytea[]) with ordinality as r (device_id, fingerprint, i)
             left join devices d on d.id = r.device_id
             left join device_certificates c on c.device_id = r.device_id and c.fingerprint = r.fingerprint
            where d.state is null or d.state not in ('expected', 'held', 'active') or c.state is distinct from 'approved'`,
    values: [deviceIds, fingerprints],
  };
}
