import type { By } from '../../fleet/register.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import { changeRevocation } from './changes.ts';
import * as queries from './list-queries.ts';
import type { ListEntry, ListKind, OperatorList } from './operator-list.ts';

/** More would cost each node more memory than a list that is kept by hand is worth. */
export const mostEntries = 500_000;

const batch = 5000;

export type ImportResult =
  | { readonly ok: true; readonly added: number; readonly known: number }
  | { readonly ok: false; readonly cause: string };

/** All of them or none. `subject`: the file, or the one certificate. */
export function importEntries(
  db: Database,
  entries: readonly ListEntry[],
  subject: string,
  by: By,
  at: Date,
): Promise<ImportResult> {
  const unique = [...new Map(entries.map((entry) => [`${entry.kind} ${entry.key}`, entry])).values()];
  const one = unique.length === 1;
  return changeRevocation(db, async (tx, record) => {
    const { rows } = await tx.query<{ count: number }>(queries.countEntries());
    const there = rows[0]?.count ?? 0;
    if (there + unique.length > mostEntries)
      return { ok: false, cause: `the list would have more than ${mostEntries} entries` };
    const seq = await record({
      at,
      actor: by.actor,
      action: one ? 'certificate_revoked' : 'list_imported',
      subject,
      after: one ? { ...unique[0] } : { entries: unique.length },
      ...(by.reason !== undefined && { reason: by.reason }),
    });
    let added = 0;
    for (let from = 0; from < unique.length; from += batch)
      added += (await tx.query(queries.insertEntries(unique.slice(from, from + batch), seq, by.actor.name))).count;
    return { ok: true, added, known: unique.length - added };
  });
}

/** False when it is not on the list. */
export function liftEntry(
  db: Database,
  { kind, key }: Pick<ListEntry, 'kind' | 'key'>,
  by: By,
  at: Date,
): Promise<boolean> {
  return changeRevocation(db, async (tx, record) => {
    if ((await tx.query(queries.listedEntry(kind, key))).count === 0) return false;
    const reason = by.reason === undefined ? {} : { reason: by.reason };
    const change = { at, actor: by.actor, action: 'certificate_reinstated', subject: `${kind} ${key}` } as const;
    const seq = await record({ ...change, ...reason });
    return (await tx.query(queries.liftEntry(kind, key, seq, at))).count > 0;
  });
}

/** Brings a list in memory from `seq` on up to date. */
export async function readEntries(db: Queryable, list: OperatorList, seq: number): Promise<void> {
  for (let offset = 0; ; offset += batch) {
    const { rows } = await db.query<queries.ListRow>(queries.entriesSince(seq, batch, offset));
    for (const row of rows) {
      if (row.lifted_at !== null) list.delete(row.kind, row.key);
      else list.set({ kind: row.kind, key: row.key, revokedAt: row.revoked_at, reason: row.reason });
    }
    if (rows.length < batch) return;
  }
}

export interface ListedEntry {
  readonly kind: ListKind;
  readonly key: string;
  readonly revokedAt: Date;
  readonly reason: string;
  readonly note?: string;
  readonly by: string;
}

export async function listEntries(db: Queryable, limit: number): Promise<readonly ListedEntry[]> {
  const { rows } = await db.query<queries.ListRow>(queries.listedEntries(limit));
  return rows.map(({ kind, key, revoked_at, reason, note, made_by }) => {
    return { kind, key, revokedAt: revoked_at, reason, ...(note !== null && { note }), by: made_by };
  });
}

/** Certificates let in for a time though no source can say; each until when. */
export async function readReleases(db: Queryable, at: Date): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await db.query<queries.ReleaseRow>(queries.currentReleases(at));
  return new Map(rows.map(({ fingerprint, released_until }) => [fingerprint, released_until]));
}

/** Lets the quarantined certificates of a device in until then; how many there are. */
export function releaseDevice(db: Database, deviceId: string, until: Date, by: By, at: Date): Promise<number> {
  return changeRevocation(db, async (tx, record) => {
    const released = await tx.query<{ fingerprint: string }>(
      queries.releaseCertificates(deviceId, until, by.actor.name, at, by.reason),
    );
    if (released.count > 0)
      await record({
        at,
        actor: by.actor,
        action: 'certificate_released',
        subject: deviceId,
        after: { until: until.toISOString(), certificates: released.rows.map(({ fingerprint }) => fingerprint) },
        ...(by.reason !== undefined && { reason: by.reason }),
      });
    return released.count;
  });
}

export type QuarantinedCertificate = queries.QuarantineRow;

export async function listQuarantined(db: Queryable, limit: number): Promise<readonly QuarantinedCertificate[]> {
  return (await db.query<queries.QuarantineRow>(queries.quarantined(limit))).rows;
}
