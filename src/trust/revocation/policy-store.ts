import type { By } from '../../fleet/register.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import { type PolicyDocument, policySchema } from '../revocation-policy.ts';
import { checkPolicy } from '../revocation-policy-checks.ts';
import { changeRevocation } from './changes.ts';
import {
  insertOverride,
  insertPolicy,
  latestOverride,
  latestPolicy,
  type OverrideRow,
  type PolicyRow,
  policyHistory,
  policyVersion,
} from './policy-queries.ts';

export interface StoredPolicy {
  readonly version: number;
  readonly document: PolicyDocument;
  /** As written in the file. */
  readonly content: unknown;
  readonly appliedAt: Date;
  readonly appliedBy: string;
  readonly reason?: string;
  readonly restores?: number;
}

export interface Override {
  readonly at: Date;
  readonly until: Date;
  readonly by: string;
  readonly reason: string;
}

/** A stored policy that cannot be read any more: nobody may be admitted under a guess. */
export class PolicyUnreadable extends Error {
  override readonly name = 'PolicyUnreadable';
  readonly remedy = 'run the version of hems that applied it, or apply a policy anew with "hems policy apply"';
}

function stored(row: PolicyRow): StoredPolicy {
  const parsed = policySchema.safeParse(row.document);
  if (!parsed.success || checkPolicy(parsed.data).length > 0)
    throw new PolicyUnreadable(`version ${row.version} of the revocation policy cannot be read`);
  return {
    version: row.version,
    document: parsed.data,
    content: row.document,
    appliedAt: row.applied_at,
    appliedBy: row.applied_by,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.restores !== null && { restores: row.restores }),
  };
}

/** The newest version; undefined when none was ever applied. Throws `PolicyUnreadable`. */
export async function currentPolicy(db: Queryable): Promise<StoredPolicy | undefined> {
  const { rows } = await db.query<PolicyRow>(latestPolicy());
  return rows[0] && stored(rows[0]);
}

export async function policyAt(db: Queryable, version: number): Promise<StoredPolicy | undefined> {
  const { rows } = await db.query<PolicyRow>(policyVersion(version));
  return rows[0] && stored(rows[0]);
}

export async function policies(db: Queryable, limit: number): Promise<readonly StoredPolicy[]> {
  const { rows } = await db.query<PolicyRow>(policyHistory(limit));
  return rows.map(stored);
}

/** The newest override, whether it still holds or not. */
export async function currentOverride(db: Queryable): Promise<Override | undefined> {
  const { rows } = await db.query<OverrideRow>(latestOverride());
  const [row] = rows;
  return row && { at: row.at, until: row.until, by: row.made_by, reason: row.reason };
}

/** Another version than the one that was looked at is in force by now (0: none). */
export interface VersionMoved {
  readonly moved: number;
}

/** Makes `content`, which `policySchema` accepted, the next version; only after `expected`, where that is given. */
export function applyPolicy(db: Database, content: unknown, by: By, at: Date): Promise<number>;
export function applyPolicy(
  db: Database,
  content: unknown,
  by: By,
  at: Date,
  expected: number | undefined,
): Promise<number | VersionMoved>;
export function applyPolicy(
  db: Database,
  content: unknown,
  by: By,
  at: Date,
  expected?: number,
): Promise<number | VersionMoved> {
  return changeRevocation(db, async (tx, record) => {
    const { rows } = await tx.query<PolicyRow>(latestPolicy());
    const before = rows[0]?.version ?? 0;
    if (expected !== undefined && expected !== before) return { moved: before };
    const version = before + 1;
    const reason = by.reason ?? null;
    await tx.query(
      insertPolicy({ version, document: content, applied_at: at, applied_by: by.actor.name, reason, restores: null }),
    );
    await record({ at, actor: by.actor, action: 'policy_applied', subject: String(version), ...reasonOf(by) });
    return version;
  });
}

/** Makes an older version the next one; undefined when there is no such version. */
export function rollBackPolicy(
  db: Database,
  to: number,
  by: By,
  at: Date,
  expected?: number,
): Promise<number | VersionMoved | undefined> {
  return changeRevocation(db, async (tx, record) => {
    const old = (await tx.query<PolicyRow>(policyVersion(to))).rows[0];
    const newest = (await tx.query<PolicyRow>(latestPolicy())).rows[0];
    if (old === undefined || newest === undefined) return undefined;
    if (expected !== undefined && expected !== newest.version) return { moved: newest.version };
    const version = newest.version + 1;
    const reason = by.reason ?? null;
    const made = { applied_at: at, applied_by: by.actor.name, reason, restores: to };
    await tx.query(insertPolicy({ version, document: old.document, ...made }));
    const after = { restores: to };
    await record({
      at,
      actor: by.actor,
      action: 'policy_rolled_back',
      subject: String(version),
      after,
      ...reasonOf(by),
    });
    return version;
  });
}

export const longestOverride = 24 * 3_600_000;

/** Tolerates unknown and stale until then, at most 24 h ahead; `until` not after `at` ends an override. */
export function override(db: Database, until: Date, by: By & { readonly reason: string }, at: Date): Promise<void> {
  if (until.getTime() > at.getTime() + longestOverride) throw new RangeError('an override lasts 24 hours at most');
  return changeRevocation(db, async (tx, record) => {
    await tx.query(insertOverride({ at, until, made_by: by.actor.name, reason: by.reason }));
    await record({
      at,
      actor: by.actor,
      action: 'overridden',
      subject: until.toISOString(),
      reason: by.reason,
    });
  });
}

function reasonOf(by: By): { readonly reason?: string } {
  return by.reason === undefined ? {} : { reason: by.reason };
}
