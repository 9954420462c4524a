import { sourceName } from '../revocation-policy.ts';
import type { SourceAnswer } from '../verdict.ts';
import { factsLive } from './facts.ts';
import { createOcspMemory, type OcspMemory, type RememberedAnswer, subjectKey } from './ocsp-memory.ts';
import { type ObtainingDeps, obtainAnswer } from './ocsp-obtaining.ts';
import { noPointer, pairOf, urlsOf } from './ocsp-question.ts';
import type { SourceQuestion } from './statuses.ts';

export interface OcspKeeper {
  /** From memory: an answer in its time, or a failure of a moment ago. */
  peek(question: SourceQuestion): SourceAnswer | undefined;
  /** Memory, what another node was told, the responders: in this order. Never rejects. */
  ask(question: SourceQuestion): Promise<SourceAnswer>;
  /** Asks again for what is past half of its life and was wanted lately; how many. */
  refresh(at: Date): Promise<number>;
  /** Forgets one certificate, as another node was told otherwise, or everything, as after a change of policy. */
  forget(certificate?: string): void;
  /** Grows whenever an answer took the place of one that said otherwise. */
  generation(): number;
  /** Told which certificate an answer said otherwise of than the one before. */
  onChange(listener: (certificate: string) => void): void;
}

/** Nodes are told on it which certificate a responder revoked. */
export const ocspChannel = 'hems_ocsp';

export interface OcspKeeperDeps extends ObtainingDeps {
  /** Whether other nodes' word of revoked certificates arrives; else memory is believed for five seconds. */
  readonly linked?: () => boolean;
  /** From 0 up to 1, for the jitter of refreshes. */
  readonly random?: () => number;
  /** Answers kept in memory (default 50 000). */
  readonly capacity?: number;
}

const refreshesAtOnce = 16;

interface Keeper extends OcspKeeperDeps {
  readonly memory: OcspMemory;
  readonly flights: Map<string, Promise<SourceAnswer>>;
  readonly listeners: ((certificate: string) => void)[];
  generation: number;
}

export function createOcspKeeper(deps: OcspKeeperDeps): OcspKeeper {
  const memory = createOcspMemory(deps);
  const keeper: Keeper = { ...deps, memory, flights: new Map(), listeners: [], generation: 0 };
  return {
    peek: (question) => peek(keeper, question),
    ask: async (question) => peek(keeper, question) ?? inFlight(keeper, question),
    refresh: (at) => refreshDue(keeper, at),
    forget: (certificate) => {
      memory.forget(certificate);
      keeper.generation += 1;
    },
    generation: () => keeper.generation,
    onChange: (listener) => keeper.listeners.push(listener),
  };
}

function peek({ memory, linked }: Keeper, question: SourceQuestion): SourceAnswer | undefined {
  const pair = pairOf(question);
  if (pair === undefined || urlsOf(question.source, pair.certificate).length === 0) return noPointer(question);
  return memory.recall(question, linked?.() === false ? factsLive : Number.POSITIVE_INFINITY);
}

/** One flight for each certificate and source at a time. */
function inFlight(keeper: Keeper, question: SourceQuestion): Promise<SourceAnswer> {
  const key = subjectKey(question);
  const flight = keeper.flights.get(key) ?? obtain(keeper, question).finally(() => keeper.flights.delete(key));
  keeper.flights.set(key, flight);
  return flight;
}

async function obtain(keeper: Keeper, question: SourceQuestion): Promise<SourceAnswer> {
  const pair = pairOf(question);
  if (pair === undefined) return noPointer(question);
  try {
    const answer = await obtainAnswer(keeper, question, pair);
    if (keeper.memory.keep(question, answer)) announce(keeper, pair.certificate.fingerprint);
    return answer;
  } catch (error) {
    keeper.complain(error, 'an OCSP responder could not be asked');
    return { source: sourceName(question.source), status: { kind: 'unknown', cause: 'unreachable' } };
  }
}

function announce(keeper: Keeper, certificate: string): void {
  keeper.generation += 1;
  for (const listener of keeper.listeners) listener(certificate);
  keeper.db
    .notify(ocspChannel, certificate)
    .catch((error) => keeper.complain(error, 'other nodes were not told of an OCSP answer'));
}

async function refreshDue(keeper: Keeper, at: Date): Promise<number> {
  const due = keeper.memory.due(at);
  for (let from = 0; from < due.length; from += refreshesAtOnce)
    await Promise.all(due.slice(from, from + refreshesAtOnce).map((known) => refreshOne(keeper, known, at)));
  return due.length;
}

async function refreshOne(keeper: Keeper, before: RememberedAnswer, at: Date): Promise<void> {
  const answer = await inFlight(keeper, { ...before.question, at });
  keeper.memory.refreshed(before, answer, at);
}
