import type { Logger } from 'pino';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';
import type { EventBus } from '../../platform/events.ts';
import type { Database } from '../../platform/postgres.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { type Fetched, type FetchParts, fetchCrl } from './crl-fetch.ts';
import { dueOrders, type Order, registerPolicyUrls } from './crl-orders.ts';
import {
  type FetchRow,
  fetchState,
  knownIntermediates,
  type PointerUse,
  pointerUse,
  recordFetch,
  registerUrl,
  tryFetchLock,
  unlockFetch,
} from './crl-queries.ts';
import { type FactsKeeper, stateOf, wasTried } from './facts.ts';
import type { ReadCrl } from './held-crls.ts';
import { certificatesOf, type SourceQuestion } from './statuses.ts';

export interface CrlFetcherDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly egress: Egress;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly facts: FactsKeeper;
  readonly anchors: readonly PathAnchor[];
  readonly issuers: (anchor: string) => readonly Certificate[];
  readonly readCrl: ReadCrl;
  readonly metrics: { fetched(outcome: FetchOutcome): void };
  /** From 0 up to 1, for the jitter. */
  readonly random?: () => number;
}

export const fetchOutcomes = [
  'stored',
  'not-modified',
  'same',
  'unreachable',
  'too-large',
  'malformed',
  'signer-unknown',
  'bad-signature',
  'number-rollback',
  'capped',
] as const;
export type FetchOutcome = (typeof fetchOutcomes)[number];

export interface CrlFetcher {
  /** For a client that waits: fetches what was never fetched, within the time of the source. Never rejects. */
  ensure(urls: readonly string[], question: SourceQuestion): Promise<void>;
  /** Makes the URLs of the policy known, and fetches what is due; one node does it for all. */
  tick(at: Date): Promise<void>;
}

interface Works extends CrlFetcherDeps {
  readonly flights: Map<string, Promise<void>>;
}

const fetchesAtOnce = 4;

export function createCrlFetcher(deps: CrlFetcherDeps): CrlFetcher {
  const works: Works = { ...deps, flights: new Map() };
  return {
    ensure: async (urls, { policy, source, path, index, at }) => {
      const shown = [...certificatesOf(path), path.anchor].slice(index + 1);
      const orders = urls.map((url): Order => {
        return { url, anchor: path.anchorName, policy, source, pointer: source.url === undefined, shown };
      });
      const fetches = deps.facts.peek()?.fetches;
      const never = orders.filter(({ url }) => !wasTried(fetches?.get(url), at));
      if (never.length === 0) return;
      const timeout = source.timeout ?? policy.timeout;
      await Promise.race([Promise.all(never.map((order) => fly(works, order))), pause(timeout)]);
    },
    tick: async (at) => {
      const facts = await deps.facts.current();
      await registerPolicyUrls(works.db, facts, at);
      const due = await dueOrders(works.db, works.anchors, facts, at);
      for (let from = 0; from < due.length; from += fetchesAtOnce)
        await Promise.all(due.slice(from, from + fetchesAtOnce).map((order) => fly(works, order)));
    },
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

/** One flight for each URL on this node. */
function fly(works: Works, order: Order): Promise<void> {
  const flight = works.flights.get(order.url);
  if (flight !== undefined) return flight;
  const started = fetchForAll(works, order)
    .catch((error) => works.logger.error({ err: error, url: order.url }, 'a CRL could not be fetched'))
    .finally(() => works.flights.delete(order.url));
  works.flights.set(order.url, started);
  return started;
}

/** Under a lock over all nodes: who does not get it leaves it to the one that has it, and waits for what it brings. */
async function fetchForAll(works: Works, order: Order): Promise<void> {
  const { db, facts, clock } = works;
  const at = clock.now();
  if (!(await register(works, order, at))) {
    works.metrics.fetched('capped');
    return;
  }
  await db.alone(async (session) => {
    const { rows } = await session.query<{ mine: boolean }>(tryFetchLock(order.url));
    if (rows[0]?.mine !== true) return waitForOther(works, order);
    try {
      await fetchUnlessDone(works, order);
    } finally {
      await session.query(unlockFetch(order.url));
    }
  });
  await facts.refresh();
}

const lookEvery = 200;

async function waitForOther({ facts }: Works, { url, source, policy }: Order): Promise<void> {
  const before = facts.peek()?.fetches.get(url)?.nextAt.getTime();
  for (let waited = 0; waited < (source.timeout ?? policy.timeout); waited += lookEvery) {
    await pause(lookEvery);
    await facts.refresh();
    if (facts.peek()?.fetches.get(url)?.nextAt.getTime() !== before) return;
  }
}

/** False when certificates name more URLs, bytes or fetches than the policy lets them. */
async function register({ db }: Works, { url, anchor, pointer, policy }: Order, at: Date): Promise<boolean> {
  const { pointerUrls, pointerBytes, pointerFetchesPerMinute } = policy.limits;
  await db.query(registerUrl(url, anchor, pointer, at, pointerUrls));
  if (!pointer) return true;
  if ((await db.query(fetchState(url))).count === 0) return false;
  const { rows } = await db.query<PointerUse>(pointerUse(anchor, new Date(at.getTime() - 60_000)));
  const use = rows[0];
  return use !== undefined && use.bytes < pointerBytes && use.recent < pointerFetchesPerMinute;
}

async function fetchUnlessDone(works: Works, order: Order): Promise<void> {
  const { db, clock } = works;
  const at = clock.now();
  const row = (await db.query<FetchRow>(fetchState(order.url))).rows[0];
  if (row === undefined) return;
  const state = stateOf(row);
  if (order.shown.length > 0 ? wasTried(state, at) : state.outcome !== undefined && state.nextAt > at) return;
  const known = await db.query<{ der: Buffer }>(knownIntermediates());
  const chains = known.rows.map(({ der }) => parseCertificate(der));
  const fetched = await fetchCrl(partsOf(works, { ...order, shown: [...order.shown, ...chains] }, row), at);
  works.metrics.fetched(fetched.outcome);
  await db.query(recordFetch({ ...row, ...stateAfter(works, order, row, fetched, at) }));
  announce(works, order, fetched, at);
}

function partsOf(works: Works, { url, anchor, source, policy, shown }: Order, row: FetchRow): FetchParts {
  const named = works.anchors.filter(({ name }) => anchor === '*' || name === anchor);
  return {
    ...works,
    url,
    source,
    maxBytes: policy.limits.crlBytes,
    timeout: source.timeout ?? policy.timeout,
    anchors: named.length > 0 ? named : works.anchors,
    certificates: [...shown, ...(named.length > 0 ? named : works.anchors).flatMap(({ name }) => works.issuers(name))],
    held: (works.facts.peek()?.crls.get(url)?.length ?? 0) > 0,
    etag: row.etag ?? undefined,
    lastModified: row.last_modified ?? undefined,
  };
}

const firstPause = 15_000;
const longestPause = 3_600_000;
const shortest = 60_000;
const longest = 86_400_000;

function stateAfter(works: Works, order: Order, row: FetchRow, fetched: Fetched, at: Date): Partial<FetchRow> {
  const random = (works.random ?? Math.random)();
  const { outcome, detail } = fetched;
  if (fetched.kind === 'failed') {
    const failures = row.failures + 1;
    const wait = Math.min(longestPause, firstPause * 2 ** Math.min(failures - 1, 16)) * (0.8 + 0.4 * random);
    return { attempted_at: at, outcome, detail, failures, next_at: new Date(at.getTime() + wait) };
  }
  // At half of its life, so that two attempts and more fall into what is left.
  const ends = endOf(works, order, fetched.nextUpdate, at);
  const half = Math.min(longest, Math.max(shortest, ((ends - at.getTime()) / 2) * (0.9 + 0.2 * random)));
  const validators = { etag: fetched.etag ?? null, last_modified: fetched.lastModified ?? null };
  return {
    attempted_at: at,
    fetched_at: at,
    outcome,
    detail,
    ...(fetched.kind === 'fetched' ? { ...validators, bytes: fetched.bytes } : {}),
    failures: 0,
    next_at: new Date(at.getTime() + half),
  };
}

function endOf({ facts }: Works, { url, policy, source }: Order, nextUpdate: Date | undefined, at: Date): number {
  const held = facts.peek()?.crls.get(url)?.[0]?.list;
  const age = source.maxAge ?? policy.maxAge;
  const next = (nextUpdate ?? held?.nextUpdate)?.getTime() ?? at.getTime() + 2 * longestPause;
  return age === 'next-update' ? next : Math.min(next, at.getTime() + age);
}

function announce({ events, logger }: Works, { url, anchor }: Order, { outcome, detail }: Fetched, at: Date): void {
  const failed = !['stored', 'same', 'not-modified'].includes(outcome);
  if (outcome === 'same' || outcome === 'not-modified') return;
  events.publish({
    kind: 'revocation',
    at,
    what: failed ? 'crl_failed' : 'crl_fetched',
    subject: url,
    anchor,
    detail: detail ?? outcome,
  });
  if (failed) logger.warn({ url, outcome, detail }, 'a CRL could not be fetched');
  else logger.info({ url, detail }, 'a new CRL was fetched');
}
