import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { lastChange } from './changes.ts';
import { type FetchRow, fetchStates, fetchStatesSince } from './crl-queries.ts';
import { type Holding, listHoldings } from './crl-store.ts';
import { type HeldCrls, type ReadCrl, readHoldings } from './held-crls.ts';
import { readEntries, readReleases } from './list-store.ts';
import { createOperatorList, type OperatorList } from './operator-list.ts';
import { currentOverride, currentPolicy, type Override, PolicyUnreadable, type StoredPolicy } from './policy-store.ts';

/** What became of the last attempt at a URL. */
export interface FetchState {
  readonly anchor: string;
  /** Found in a certificate. */
  readonly pointer: boolean;
  readonly outcome: string | undefined;
  readonly attemptedAt?: Date | undefined;
  readonly fetchedAt: Date | undefined;
  readonly nextAt: Date;
}

/** Whoever shows another CA may know who signed it; but not all at once. */
const signerPause = 1000;

/** Whether a client needs not wait for another attempt: there was one, and this client could not make it better. */
export function wasTried(state: FetchState | undefined, at: Date): boolean {
  if (state?.outcome === undefined) return false;
  if (state.outcome !== 'signer-unknown') return true;
  return at.getTime() < (state.attemptedAt?.getTime() ?? 0) + signerPause;
}

export function stateOf(row: FetchRow): FetchState {
  return {
    anchor: row.anchor,
    pointer: row.pointer,
    outcome: row.outcome ?? undefined,
    attemptedAt: row.attempted_at ?? undefined,
    fetchedAt: row.fetched_at ?? undefined,
    nextAt: row.next_at,
  };
}

/** All that a node knows of revocation but OCSP answers, as of one moment; replaced as a whole. */
export interface Facts {
  /** Grows with every replacement. */
  readonly generation: number;
  /** Of the last change known. */
  readonly seq: number;
  readonly policy: StoredPolicy | undefined;
  readonly override: Override | undefined;
  readonly list: OperatorList;
  /** Released certificates, each until when. */
  readonly releases: ReadonlyMap<string, Date>;
  readonly crls: HeldCrls;
  readonly holdings: readonly Holding[];
  readonly fetches: ReadonlyMap<string, FetchState>;
}

export interface FactsDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly readCrl: ReadCrl;
  /** Certificates of CAs that may have signed a CRL under this anchor. */
  readonly issuers: (anchor: string) => readonly Certificate[];
  readonly complain: (error: unknown, message: string) => void;
  /** `none`: for the desk, where an unreadable policy is about to be replaced. A gate refuses instead, the default. */
  readonly unreadablePolicy?: 'none';
}

export interface FactsKeeper {
  /** Of now: at most 5 s old, or asked for anew. Rejects when the database has to be asked and does not answer. */
  current(): Promise<Facts>;
  /** The last ones known, however old; undefined before the first. */
  peek(): Facts | undefined;
  /** Asks the database whether something changed, and reads what did; true when something did. Single flight. */
  refresh(): Promise<boolean>;
  /** Told of every replacement. */
  onChange(listener: (facts: Facts) => void): void;
}

/** Facts that nobody confirmed for so long are no facts any more. */
export const factsLive = 5000;

interface State {
  facts: Facts | undefined;
  /** When the database last said that `facts` are the newest; taken before it was asked. */
  confirmedAt: number;
  running: Promise<boolean> | undefined;
  again: boolean;
}

export function createFacts(deps: FactsDeps): FactsKeeper {
  const state: State = { facts: undefined, confirmedAt: 0, running: undefined, again: false };
  const listeners: ((facts: Facts) => void)[] = [];

  async function once(): Promise<boolean> {
    const asked = deps.clock.now();
    const seq = await lastChange(deps.db);
    const changed = state.facts?.seq !== seq;
    const since = new Date(state.confirmedAt - fetchOverlap);
    const next = changed ? await readAll(deps, state.facts, seq, asked) : await readFetches(deps, state.facts, since);
    state.facts = next;
    state.confirmedAt = asked.getTime();
    if (changed) for (const listener of listeners) listener(next);
    return changed;
  }

  /** Who asks while it runs wants what is true now: it runs once more. */
  function refresh(): Promise<boolean> {
    if (state.running !== undefined) {
      state.again = true;
      return state.running;
    }
    state.running = (async () => {
      let changed = false;
      do {
        state.again = false;
        changed = (await once()) || changed;
      } while (state.again);
      return changed;
    })().finally(() => {
      state.running = undefined;
    });
    return state.running;
  }

  return {
    refresh,
    peek: () => state.facts,
    onChange: (listener) => listeners.push(listener),
    current: async () => {
      if (state.facts === undefined || deps.clock.now().getTime() - state.confirmedAt > factsLive) await refresh();
      if (state.facts === undefined) throw new Error('no facts of revocation');
      return state.facts;
    },
  };
}

async function readPolicy({ db, unreadablePolicy }: FactsDeps): Promise<StoredPolicy | undefined> {
  try {
    return await currentPolicy(db);
  } catch (error) {
    if (unreadablePolicy === 'none' && error instanceof PolicyUnreadable) return undefined;
    throw error;
  }
}

async function readAll(deps: FactsDeps, before: Facts | undefined, seq: number, at: Date): Promise<Facts> {
  const { db } = deps;
  const list = before?.list ?? createOperatorList();
  const [policy, override, releases, holdings] = [
    await readPolicy(deps),
    await currentOverride(db),
    await readReleases(db, at),
    await listHoldings(db),
  ];
  await readEntries(db, list, before?.seq ?? 0);
  const issuers = ({ anchor }: Holding): readonly Certificate[] => deps.issuers(anchor);
  const crls = await readHoldings(db, holdings, before?.crls ?? new Map(), deps.readCrl, issuers, deps.complain);
  const generation = (before?.generation ?? 0) + 1;
  const fetches = await readFetchStates(deps);
  return { generation, seq, policy, override, list, releases, crls, holdings, fetches };
}

/** Other nodes' clocks, and fetches that take their time. */
const fetchOverlap = 120_000;

async function readFetches(deps: FactsDeps, facts: Facts | undefined, since: Date): Promise<Facts> {
  if (facts === undefined) throw new Error('there are no facts to bring up to date');
  const newer = await readFetchStates(deps, since);
  return newer.size === 0 ? facts : { ...facts, fetches: new Map([...facts.fetches, ...newer]) };
}

async function readFetchStates({ db }: FactsDeps, since?: Date): Promise<ReadonlyMap<string, FetchState>> {
  const { rows } = await db.query<FetchRow>(since === undefined ? fetchStates() : fetchStatesSince(since));
  return new Map(rows.map((row) => [row.url, stateOf(row)]));
}
