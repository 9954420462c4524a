import type { Logger } from 'pino';
import type { Clock } from '../../platform/clock.ts';
import type { EventBus } from '../../platform/events.ts';
import type { Admission, Gate, Withdrawal } from '../admission.ts';
import type { Verdict } from '../verdict.ts';
import type { Facts, FactsKeeper } from './facts.ts';
import type { OcspKeeper } from './ocsp-keeper.ts';
import type { Revocation } from './revocation.ts';

/** Ends the connections of admissions that no longer stand; how many. */
export type CloseWhere = (match: (admission: Admission) => boolean) => number;

export interface LiveDeps {
  readonly clock: Clock;
  readonly gate: Pick<Gate, 'open' | 'withdraw' | 'refuseSession'>;
  readonly facts: FactsKeeper;
  readonly ocsp: Pick<OcspKeeper, 'generation'>;
  readonly revocation: Revocation;
  readonly closeWhere: CloseWhere;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly metrics: { readonly closed: (cause: string, count: number) => void };
}

export interface LiveAdmissions {
  /**
   * Judges anew every open connection whose verdict ended, that was opened since the last time, or, after a change,
   * each; closes those that fall. Cheap where nothing happened.
   */
  review(at: Date): Promise<number>;
  /** A device was kept out: what it has under way may end in peace for two seconds, then `review` ends the rest. */
  deviceFell(deviceId: string, state: OutsideState, at: Date): void;
}

export type OutsideState = 'blocked' | 'retired' | 'quarantined';

type Fallen = Withdrawal;

interface Standing {
  readonly generation: string;
  readonly validUntil: Date;
}

/** So many are judged before others have their turn, and closed before a pause: all of 20 000 within two seconds. */
const judgedAtOnce = 500;
const closedAtOnce = 1000;
const closingPause = 100;
const askedAtOnce = 32;

/** What is under way when a device is blocked has so long. */
const peace = 2000;

interface Hall extends LiveDeps {
  readonly standings: WeakMap<Admission, Standing>;
  readonly outside: Map<string, { readonly state: OutsideState; readonly since: number }>;
}

export function createLiveAdmissions(deps: LiveDeps): LiveAdmissions {
  const hall: Hall = { ...deps, standings: new WeakMap(), outside: new Map() };
  let running: Promise<number> | undefined;
  return {
    // One review at a time: a second one wants to know what the first will find.
    review: async (at) => {
      while (running !== undefined) await running;
      running = review(hall, at).finally(() => {
        running = undefined;
      });
      return running;
    },
    deviceFell: (deviceId, state, at) => {
      hall.outside.set(deviceId, { state, since: at.getTime() });
    },
  };
}

function closeOutside(hall: Hall, at: Date): number {
  let closed = 0;
  for (const [deviceId, { state, since }] of hall.outside) {
    if (at.getTime() - since < peace) continue;
    hall.outside.delete(deviceId);
    const fell = [...hall.gate.open()].filter((admission) => admission.deviceId === deviceId);
    for (const admission of fell) hall.gate.refuseSession(admission, `device_${state}`, 'state_changed');
    const ids = new Set(fell.map(({ id }) => id));
    if (ids.size > 0) closed += hall.closeWhere(({ id }) => ids.has(id));
    hall.metrics.closed(`device_${state}`, fell.length);
  }
  return closed;
}

async function review(hall: Hall, at: Date): Promise<number> {
  const ended = closeOutside(hall, at);
  const facts = hall.facts.peek();
  if (facts === undefined) return ended;
  const generation = `${facts.generation} ${hall.ocsp.generation()}`;
  const due = [...hall.gate.open()].filter((admission) => {
    const standing = hall.standings.get(admission);
    return standing === undefined || standing.generation !== generation || standing.validUntil <= at;
  });
  const doubtful: Admission[] = [];
  const fallen: [Admission, Fallen][] = [];
  for (const [index, admission] of due.entries()) {
    if (index % judgedAtOnce === judgedAtOnce - 1) await new Promise(setImmediate);
    if (pathEnds(admission) < at.getTime()) {
      fallen.push([admission, expired]);
      continue;
    }
    const verdict = hall.revocation.recall(subjectOf(admission), facts, at);
    if (verdict.outcome === 'admit') stand(hall, admission, verdict, generation);
    else if (isRevoked(verdict)) fallen.push([admission, verdict]);
    else doubtful.push(admission);
  }
  const closed = await closeAll(hall, fallen);
  return ended + closed + (await closeAll(hall, await askAgain(hall, doubtful, facts, at)));
}

function subjectOf({ path, identity }: Admission) {
  return { path, identity: identity.value };
}

const expired = { cause: 'cert_expired', detail: 'expired' } as const;

/** The first notAfter of the path; that of an anchor is the operator's to accept, and was judged with the path. */
function pathEnds({ path: { leaf, intermediates } }: Admission): number {
  return Math.min(...[leaf, ...intermediates].map(({ notAfter }) => notAfter.getTime()));
}

function isRevoked({ cause }: Fallen): boolean {
  return cause === 'revoked_crl' || cause === 'revoked_ocsp';
}

function stand({ standings }: Hall, admission: Admission, verdict: Verdict, generation: string): void {
  const validUntil = new Date(Math.min(verdict.validUntil.getTime(), pathEnds(admission)));
  standings.set(admission, { generation, validUntil });
}

/** Memory cannot say any more: the sources are asked, as at the gate. */
async function askAgain(
  hall: Hall,
  doubtful: readonly Admission[],
  facts: Facts,
  at: Date,
): Promise<readonly [Admission, Fallen][]> {
  const fallen: [Admission, Fallen][] = [];
  for (let from = 0; from < doubtful.length; from += askedAtOnce) {
    const some = doubtful.slice(from, from + askedAtOnce);
    const verdicts = await Promise.all(some.map((admission) => ask(hall, admission, facts, at)));
    for (const [index, verdict] of verdicts.entries()) {
      const admission = some[index];
      if (admission === undefined || verdict === undefined) continue;
      if (verdict.outcome === 'admit') stand(hall, admission, verdict, `${facts.generation} ${hall.ocsp.generation()}`);
      else fallen.push([admission, verdict]);
    }
  }
  return fallen;
}

/** Undefined when the database does not answer: it is looked at again the next time, and no request is served then. */
async function ask(hall: Hall, admission: Admission, facts: Facts, at: Date): Promise<Verdict | undefined> {
  try {
    return await hall.revocation.judge(subjectOf(admission), at);
  } catch (error) {
    hall.logger.error({ err: error, seq: facts.seq }, 'an open connection could not be judged anew');
    return undefined;
  }
}

async function closeAll(hall: Hall, fallen: readonly (readonly [Admission, Fallen])[]): Promise<number> {
  let closed = 0;
  for (let from = 0; from < fallen.length; from += closedAtOnce) {
    if (from > 0) await new Promise((resolve) => setTimeout(resolve, closingPause));
    const some = fallen.slice(from, from + closedAtOnce);
    for (const [admission, verdict] of some) hall.gate.withdraw(admission, verdict);
    const ids = new Set(some.map(([{ id }]) => id));
    closed += hall.closeWhere(({ id }) => ids.has(id));
  }
  if (fallen.length > 0) tell(hall, fallen, closed);
  return closed;
}

function tell(
  { events, logger, clock, metrics }: Hall,
  fallen: readonly (readonly [Admission, Fallen])[],
  closed: number,
) {
  const causes = Map.groupBy(fallen, ([, { cause }]) => cause);
  for (const [cause, list] of causes) metrics.closed(cause, list.length);
  const detail = [...causes].map(([cause, list]) => `${cause}: ${list.length}`).join(', ');
  logger.warn({ closed, causes: detail }, 'open connections no longer stand');
  events.publish({ kind: 'revocation', at: clock.now(), what: 'connections_closed', subject: detail, detail, closed });
}
