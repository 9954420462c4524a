import type { TimePosition } from '../platform/bounded-search.ts';
import type { Queryable } from '../platform/postgres.ts';
import { auditPage } from './audit-listing-queries.ts';

export const auditKinds = [
  /** What became of a device, by whom. */
  'change',
  /** A device let in or turned away. */
  'decision',
  'suspicion',
  /** Policies, CRLs, the operator's list. */
  'revocation',
  /** Who may use the management door. */
  'access',
  /** Files for devices, and links to them. */
  'file',
] as const;

export type AuditKind = (typeof auditKinds)[number];

export interface AuditFilter {
  readonly device?: string;
  readonly kind?: AuditKind;
  /** Part of the name of whoever changed something; devices are nobody. */
  readonly person?: string;
  /** Part of a person's reason, an action, the reason of a refusal, or the kind of a suspicion. */
  readonly reason?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly after?: TimePosition;
}

export interface AuditRecord {
  readonly kind: AuditKind;
  /** Null for what is about no device. */
  readonly deviceId: string | null;
  readonly at: Date;
  readonly id: string;
  readonly actorKind: string | null;
  readonly actor: string | null;
  readonly what: string;
  readonly why: string | null;
  readonly before: unknown;
  readonly after: unknown;
  /** Where it stands in the chains of evidence. */
  readonly chain: number | null;
  readonly link: number | null;
}

export interface AuditPage {
  readonly records: readonly AuditRecord[];
  /** Give it as `after` for the next page; undefined on the last. */
  readonly next: TimePosition | undefined;
}

/** Newest first. */
export async function listAudit(db: Queryable, filter: AuditFilter, wanted: number): Promise<AuditPage> {
  const limit = Math.min(Math.max(wanted, 1), 1000);
  const { rows } = await db.query<AuditRecord>(auditPage(filter, limit + 1));
  const records = rows.slice(0, limit);
  const last = rows.length > limit ? records.at(-1) : undefined;
  return { records, next: last && { at: last.at, id: last.id } };
}
