import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { By } from '../../fleet/register.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import * as queries from './api-keys-queries.ts';
import type { Role } from './roles.ts';

export interface ApiKey {
  /** 16 hexadecimal digits; no secret. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Tag of the devices that the key is limited to; null: all of them. */
  readonly group: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
}

export interface NewKey {
  readonly name: string;
  readonly role: Role;
  readonly group?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

export type CreatedKey =
  /** `secret` is the whole key as it is sent; it is nowhere else, and never again. */
  { readonly ok: true; readonly key: ApiKey; readonly secret: string } | { readonly ok: false; readonly cause: string };

export type RevokedKey =
  | { readonly ok: true; readonly key: ApiKey; readonly changed: boolean }
  | { readonly ok: false; readonly cause: string };

export interface KeyPage {
  readonly keys: readonly ApiKey[];
  /** Give it as `after` for the next page; undefined on the last. */
  readonly next: string | undefined;
}

export interface ApiKeys {
  create(input: NewKey, by: By): Promise<CreatedKey>;
  list(page: { readonly after?: string | undefined; readonly limit: number }): Promise<KeyPage>;
  /** By id, or by name. */
  revoke(text: string, by: By): Promise<RevokedKey>;
  /** The key in force that this secret is of; undefined for every other text, whatever is wrong with it. */
  verify(secret: string): Promise<ApiKey | undefined>;
  /**
   * Whether `verify` is worth its query: the secret is that of a key that was in force within the last five seconds.
   * However often it is asked, and whatever for, it costs one query in these five seconds.
   */
  isLikely(secret: string): Promise<boolean>;
}

const shape = /^hems_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const usedEvery = 60_000;

export function createApiKeys({ db, clock }: { readonly db: Database; readonly clock: Clock }): ApiKeys {
  return {
    create: (input, by) => create(db, input, by, clock.now()),
    list: async ({ after, limit }) => {
      const { rows } = await db.query<ApiKey>(queries.listKeys(after, limit + 1));
      const keys = rows.slice(0, limit);
      return { keys, next: rows.length > limit ? keys.at(-1)?.id : undefined };
    },
    revoke: (text, by) => revoke(db, text, by, clock.now()),
    verify: (secret) => verify(db, secret, clock.now()),
    isLikely: createKnownSecrets({ db, clock }),
  };
}

/** As long as cached facts live. */
const knownFor = 5000;
const mostKnown = 10_000;

function createKnownSecrets({ db, clock }: { readonly db: Database; readonly clock: Clock }) {
  type Known = ReadonlyMap<string, Buffer>;
  let kept: { readonly from: number; readonly known: Promise<Known> } | undefined;
  const read = async (): Promise<Known> => {
    const { rows } = await db.query<{ id: string; secretHash: Buffer }>(queries.knownSecrets(mostKnown));
    return new Map(rows.map(({ id, secretHash }) => [id, secretHash]));
  };
  return async (text: string): Promise<boolean> => {
    const [, id, secret] = shape.exec(text) ?? [];
    if (id === undefined || secret === undefined) return false;
    const now = clock.now().getTime();
    if (kept === undefined || Math.abs(now - kept.from) >= knownFor) kept = { from: now, known: read() };
    const hash = (await kept.known).get(id);
    return timingSafeEqual(hash ?? Buffer.alloc(32), hashOf(secret)) && hash !== undefined;
  };
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret, 'ascii').digest();
}

async function create(db: Database, input: NewKey, by: By, at: Date): Promise<CreatedKey> {
  const { name, role, group = null, expiresAt = null } = input;
  if (expiresAt !== null && expiresAt <= at) return { ok: false, cause: 'it would have expired before it is made' };
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const times = { createdAt: at, expiresAt, revokedAt: null, lastUsedAt: null };
  const key: ApiKey = { id, name, role, group, createdBy: by.actor.name, ...times };
  const made = await db.transaction(async (tx) => {
    const { rows } = await tx.query(queries.insertKey(key, hashOf(secret)));
    if (rows.length === 0) return false;
    const after = { name, role, group, expiresAt };
    await tx.query(queries.insertAccessChange({ at, action: 'key_created', subject: id, after, ...by }));
    return true;
  });
  if (!made) return { ok: false, cause: `a key in force is called ${name} already` };
  return { ok: true, key, secret: `hems_${id}_${secret}` };
}

function revoke(db: Database, text: string, by: By, at: Date): Promise<RevokedKey> {
  return db.transaction(async (tx) => {
    const [key] = (await tx.query<ApiKey>(queries.findKeys(text))).rows;
    if (key === undefined) return { ok: false, cause: `there is no key ${text}` };
    if (key.revokedAt !== null) return { ok: true, key, changed: false };
    await tx.query(queries.revokeKey(key.id, at));
    const after = { name: key.name };
    await tx.query(queries.insertAccessChange({ at, action: 'key_revoked', subject: key.id, after, ...by }));
    return { ok: true, key: { ...key, revokedAt: at }, changed: true };
  });
}

async function verify(db: Database, text: string, at: Date): Promise<ApiKey | undefined> {
  const [, id, secret] = shape.exec(text) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const { rows } = await db.query<ApiKey & { secretHash: Buffer }>(queries.keyById(id));
  const [row] = rows;
  // Without a row something is compared all the same: the time tells nothing of which ids there are.
  const same = timingSafeEqual(row?.secretHash ?? Buffer.alloc(32), hashOf(secret));
  if (row === undefined || !same || row.revokedAt !== null) return undefined;
  if (row.expiresAt !== null && row.expiresAt <= at) return undefined;
  if (row.lastUsedAt === null || at.getTime() - row.lastUsedAt.getTime() >= usedEvery)
    await db.query(queries.markUsed(id, at));
  const { secretHash: _, ...key } = row;
  return key;
}
