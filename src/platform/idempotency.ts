import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import * as queries from './idempotency-queries.ts';
import type { Database } from './postgres.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

/** One request that may be repeated, as it is known: by whom, to do what, under which key, and what exactly. */
export interface RequestKey {
  /** At most 200 characters. */
  readonly caller: string;
  readonly operation: string;
  /** 32 bytes each. */
  readonly key: Buffer;
  readonly request: Buffer;
}

export interface ContentDigest {
  /** SHA-256. */
  readonly digest: Buffer;
  readonly length: number;
}

export interface SettledAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; undefined: the answer has none, or it is not kept. */
  readonly answer?: string | undefined;
  /** Of the file that came with the request. */
  readonly content?: ContentDigest | undefined;
}

/** What is being worked on; one of the two ends it, and neither throws. */
export interface Claim {
  settle(answer: SettledAnswer): Promise<void>;
  /** Nothing was done: the key is free. */
  release(): Promise<void>;
}

export type Claimed =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  | { readonly kind: 'settled'; readonly answer: SettledAnswer }
  /** Somebody works on the same; seconds until they are given up, should they be lost. */
  | { readonly kind: 'working'; readonly seconds: number }
  /** The key is that of another request. */
  | { readonly kind: 'different' };

export interface Idempotency {
  claim(of: RequestKey): Promise<Claimed>;
}

export interface IdempotencyDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds after which whoever says nothing is lost (default 60 000). */
  readonly leaseMs?: number;
}

/** Milliseconds that a key is known. */
export const keyLife = 86_400_000;
/** Keys of one caller that are known; beyond it the oldest are forgotten. */
export const mostKeys = 10_000;
const forgetEvery = 300_000;

interface KeptRow {
  readonly same: boolean;
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly answer: string | null;
  readonly content: Buffer | null;
  readonly contentLength: number | null;
  readonly seconds: number | null;
}

export function createIdempotency(deps: IdempotencyDeps): Idempotency {
  const { db, clock, leaseMs = 60_000 } = deps;
  return {
    claim: async (of) => {
      for (;;) {
        const claim = randomUUID();
        const oldest = new Date(clock.now().getTime() - keyLife);
        const { rows: ours } = await db.query(queries.claimKey(of, claim, leaseMs, clock.now(), oldest));
        if (ours.length > 0) return { kind: 'claimed', claim: claimOf(deps, claim, leaseMs) };
        const [row] = (await db.query<KeptRow>(queries.keptKey(of))).rows;
        // Given back in between: it is free.
        if (row !== undefined) return kept(row);
      }
    },
  };
}

function kept({ same, status, headers, answer, content, contentLength, seconds }: KeptRow): Claimed {
  if (!same) return { kind: 'different' };
  if (status === null) return { kind: 'working', seconds: Math.max(1, seconds ?? 1) };
  const digest = content === null ? undefined : { digest: content, length: contentLength ?? 0 };
  return {
    kind: 'settled',
    answer: { status, headers: headers ?? {}, answer: answer ?? undefined, content: digest },
  };
}

/** The lease is renewed for as long as it takes: a file may be on its way for half an hour. */
function claimOf({ db, logger }: IdempotencyDeps, claim: string, leaseMs: number): Claim {
  const heartbeat = setInterval(() => {
    db.query(queries.renewClaim(claim, leaseMs)).catch((error: unknown) =>
      logger.warn({ err: error }, 'the claim of an Idempotency-Key could not be renewed'),
    );
  }, leaseMs / 3).unref();
  const end = async (query: ReturnType<typeof queries.releaseClaim>): Promise<void> => {
    clearInterval(heartbeat);
    // What was done is done; should this be lost, the lease ends the claim.
    await db.query(query).catch((error: unknown) => logger.warn({ err: error }, 'a claim of an Idempotency-Key stays'));
  };
  return {
    settle: (answer) => end(queries.settleClaim(claim, answer)),
    release: () => end(queries.releaseClaim(claim)),
  };
}

/** Forgets keys whose day is over, and those that are too many. */
export function sweepKeys({ db, clock, logger }: IdempotencyDeps): Reconciler {
  return startReconciler({
    name: 'idempotency keys',
    every: forgetEvery,
    logger,
    step: () => forgetKeys({ db, clock }),
  });
}

export async function forgetKeys(
  { db, clock }: Pick<IdempotencyDeps, 'db' | 'clock'>,
  mostOfCaller = mostKeys,
): Promise<void> {
  const before = new Date(clock.now().getTime() - keyLife);
  for (const query of queries.forgetKeys(before, mostOfCaller)) await db.query(query);
}
