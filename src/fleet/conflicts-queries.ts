import type { Query } from '../platform/postgres.ts';
import type { SerialNames } from './identity.ts';
import { strangersText } from './strangers-text.ts';

const columns = `device_id as "claimant", holder_id as "holder", kind, oui, product_class as "productClass",
  serial_number as "serialNumber", first_at as "firstAt", last_at as "lastAt", claims,
  settled_at as "settledAt", settled_by as "settledBy", outcome, reason`;

export interface ConflictKey {
  readonly claimant: string;
  readonly oui: string;
  readonly productClass: string;
  readonly serialNumber: string;
}

export function openConflicts(after: ConflictKey | undefined, limit: number): Query {
  const { claimant, oui, productClass, serialNumber } = after ?? {
    claimant: '00000000-0000-0000-0000-000000000000',
    oui: '',
    productClass: '',
    serialNumber: '',
  };
  return {
    text: `select ${columns} from serial_conflicts
            where settled_at is null and (device_id, oui, product_class, serial_number) > ($1::uuid, $2, $3, $4)
            order by device_id, oui, product_class, serial_number limit $5`,
    values: [claimant, oui, productClass, serialNumber, limit],
  };
}

export function conflictsOf(claimant: string): Query {
  return {
    text: `select ${columns} from serial_conflicts where device_id = $1 order by last_at desc limit 100 for update`,
    values: [claimant],
  };
}

export function settleConflict(
  key: ConflictKey,
  settled: { outcome: string; by: string; at: Date; reason: string | null },
): Query {
  return {
    text: `update serial_conflicts set settled_at = $5, settled_by = $6, outcome = $7, reason = $8
            where device_id = $1 and oui = $2 and product_class = $3 and serial_number = $4`,
    values: [
      key.claimant,
      key.oui,
      key.productClass,
      key.serialNumber,
      settled.at,
      strangersText(settled.by, 512),
      settled.outcome,
      settled.reason,
    ],
  };
}

/** A shipping file gave the serial to another device than the one that had learnt it. */
export function recordLostSerial(loser: string, holder: string, names: Required<SerialNames>, at: Date): Query {
  return {
    text: `insert into serial_conflicts (device_id, oui, product_class, serial_number, holder_id, kind, first_at, last_at, claims)
           values ($1, $3, $4, $5, $2, 'imported_over_learnt', $6, $6, 1)
           on conflict (device_id, oui, product_class, serial_number) do update
             set holder_id = excluded.holder_id, kind = excluded.kind, last_at = excluded.last_at,
                 claims = serial_conflicts.claims + 1,
                 settled_at = null, settled_by = null, outcome = null, reason = null`,
    values: [loser, holder, names.oui, names.productClass, names.serialNumber, at],
  };
}
