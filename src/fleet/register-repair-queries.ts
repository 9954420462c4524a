import type { Query } from '../platform/postgres.ts';
import type { DeviceIdentity } from './identity.ts';
import { strangersText } from './strangers-text.ts';

/** Both rows, always in the same order, so that two people who swap the same cells do not wait for each other. */
export function lockBoth(one: string, other: string): Query {
  return {
    text: `select id as "deviceId", state, replaced_by as "replacedBy", tags, site from devices
            where id in ($1, $2) order by id for no key update`,
    values: [one, other],
  };
}

/** The successor takes tags and site; what it has of its own stays. */
export function takeOver(oldId: string, newId: string): Query {
  return {
    text: `update devices n set
               tags = (array(select distinct unnest(n.tags || o.tags) as tag order by tag))[1:32],
               site = coalesce(o.site, n.site)
             from devices o where n.id = $2 and o.id = $1
           returning n.tags, n.site`,
    values: [oldId, newId],
  };
}

export function markReplaced(oldId: string, newId: string, at: Date): Query {
  return {
    text: `update devices set state = 'blocked', state_since = case when state = 'blocked' then state_since else $3 end,
             replaced_by = $2, tags = '{}', site = null where id = $1`,
    values: [oldId, newId, at],
  };
}

/** The other keys of an identity are turned away; answers their certificates. */
export function refuseOtherKeys(
  deviceId: string,
  identity: Pick<DeviceIdentity, 'anchor' | 'kind' | 'value'>,
  decision: { readonly keptSpki: string | undefined; readonly at: Date; readonly by: string },
): Query {
  return {
    text: `update device_certificates set state = 'refused', decided_at = $6, decided_by = $7
            where device_id = $1 and anchor = $2 and kind = $3 and value = $4 and state <> 'refused'
              and ($5::text is null or spki <> decode($5, 'hex'))
           returning encode(fingerprint, 'hex') as fingerprint`,
    values: [
      deviceId,
      identity.anchor,
      identity.kind,
      identity.value,
      decision.keptSpki ?? null,
      decision.at,
      strangersText(decision.by, 512),
    ],
  };
}

export function expectCertificate(
  deviceId: string,
  identity: Pick<DeviceIdentity, 'anchor' | 'kind' | 'value'>,
  fingerprint: string | null,
): Query {
  return {
    text: `update device_identities set expected_fingerprint = decode($5, 'hex')
            where device_id = $1 and anchor = $2 and kind = $3 and value = $4`,
    values: [deviceId, identity.anchor, identity.kind, identity.value, fingerprint],
  };
}

export function identitiesOf(deviceId: string): Query {
  return {
    text: `select anchor, kind, value from device_identities where device_id = $1 order by linked_at, anchor, value`,
    values: [deviceId],
  };
}

export function unlinkIdentity(deviceId: string, identity: Pick<DeviceIdentity, 'anchor' | 'kind' | 'value'>): Query {
  return {
    text: `with gone as (
             delete from device_identities where device_id = $1 and anchor = $2 and kind = $3 and value = $4 returning 1
           )
           delete from identity_lookup l using gone
            where l.anchor = $2 and l.kind = $3 and l.value = $4 and l.device_id = $1`,
    values: [deviceId, identity.anchor, identity.kind, identity.value],
  };
}

export function forgetExpected(deviceId: string, fingerprint: string): Query {
  return {
    text: `update device_identities set expected_fingerprint = null
            where device_id = $1 and expected_fingerprint = decode($2, 'hex')`,
    values: [deviceId, fingerprint],
  };
}

export function refuseKey(deviceId: string, spki: string, at: Date, by: string): Query {
  return {
    text: `update device_certificates set state = 'refused', decided_at = $3, decided_by = $4
            where device_id = $1 and spki = decode($2, 'hex') and state <> 'refused'`,
    values: [deviceId, spki, at, strangersText(by, 512)],
  };
}
