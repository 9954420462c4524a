import { hash } from 'node:crypto';
import type { AuditConfig } from '../config/schema.ts';
import type { Decision } from './decision.ts';
import type { Peer, RefusalReason } from './refusal.ts';
import { sourceBlock } from './source-block.ts';

/** Decisions of one minute without rows of their own. */
export interface Summary {
  readonly minute: Date;
  /** CIDR; undefined where the sources were too many to tell apart. */
  readonly source: string | undefined;
  readonly deviceId: string | undefined;
  readonly peer: Peer;
  readonly reason: RefusalReason | 'admitted';
  readonly suppressed: number;
  readonly sources: number;
  readonly lastDetail: string;
}

export interface Sampler {
  /** Whether this decision gets a row of its own; else it is in the summary of its minute. */
  take(decision: Decision): boolean;
  /** A row that was taken and could not be kept after all. */
  giveUp(decision: Decision): void;
  /** The summaries of minutes that are over at `at`; with `force` of the present one too. */
  due(at: Date, force?: boolean): Summary[];
  pending(): boolean;
}

/** Sources told apart in a minute; those beyond share one tally. Devices of the register have a table of their own. */
const mostTracked: Readonly<Record<Peer, number>> = { stranger: 10_000, 'trusted-chain': 10_000, known: 200_000 };
/** Sources of a minute that get a summary row of their own. */
const mostSummaries = 200;

interface Tally {
  readonly source: string | undefined;
  readonly deviceId: string | undefined;
  readonly peer: Peer;
  readonly reason: RefusalReason | 'admitted';
  rows: number;
  suppressed: number;
  sources: number;
  lastDetail: string;
}

interface Minute {
  /** Since the epoch. */
  readonly number: number;
  readonly tallies: Readonly<Record<Peer, Map<string, Tally>>>;
  readonly rows: Record<Peer, number>;
  suppressed: number;
}

type Limits = Pick<
  AuditConfig,
  'strangerRowsPerMinute' | 'strangerRowsPerMinuteTotal' | 'knownRowsPerMinute' | 'ipv4Block'
>;

/**
 * Strangers have so many rows a minute for each source block and reason, and so many together; verified chains the
 * same in a pot of their own; each device of the register a budget that nobody else can use up.
 */
export function createSampler(limits: Limits): Sampler {
  let minute = newMinute(Number.NaN);
  const over: Summary[] = [];

  function turnTo(at: Date): void {
    const number = Math.floor(at.getTime() / 60_000);
    if (number === minute.number) return;
    over.push(...summaries(minute));
    minute = newMinute(number);
  }

  function mayWrite(tally: Tally): boolean {
    if (tally.peer === 'known') return tally.rows < limits.knownRowsPerMinute;
    return tally.rows < limits.strangerRowsPerMinute && minute.rows[tally.peer] < limits.strangerRowsPerMinuteTotal;
  }

  function suppress(decision: Decision): void {
    const tally = tallyFor(minute, decision, limits.ipv4Block);
    minute.suppressed += 1;
    tally.suppressed += 1;
    if (decision.outcome === 'refused') tally.lastDetail = decision.detail;
  }

  return {
    take: (decision) => {
      turnTo(decision.at);
      const tally = tallyFor(minute, decision, limits.ipv4Block);
      if (!mayWrite(tally)) {
        suppress(decision);
        return false;
      }
      tally.rows += 1;
      minute.rows[tally.peer] += 1;
      return true;
    },
    giveUp: suppress,
    due: (at, force = false) => {
      turnTo(at);
      if (force) {
        over.push(...summaries(minute));
        forget(minute);
      }
      return over.splice(0);
    },
    pending: () => over.length > 0 || minute.suppressed > 0,
  };
}

function newMinute(number: number): Minute {
  return {
    number,
    tallies: { stranger: new Map(), 'trusted-chain': new Map(), known: new Map() },
    rows: { stranger: 0, 'trusted-chain': 0, known: 0 },
    suppressed: 0,
  };
}

/** The suppressed ones have their summary; the rows written still count. */
function forget(minute: Minute): void {
  for (const map of Object.values(minute.tallies)) for (const tally of map.values()) tally.suppressed = 0;
  minute.suppressed = 0;
}

function tallyFor(minute: Minute, decision: Decision, ipv4Block: 32 | 24): Tally {
  const { peer } = decision;
  const tallies = minute.tallies[peer];
  const reason = decision.outcome === 'admitted' ? 'admitted' : decision.reason;
  const source = peer === 'known' ? undefined : sourceBlock(decision.facts.remoteAddress, ipv4Block);
  const own = `${reason} ${whoOf(decision, source)}`;
  const full = !tallies.has(own) && tallies.size >= mostTracked[peer];
  const key = full ? reason : own;
  const known = tallies.get(key);
  if (known !== undefined) {
    if (full) known.sources += 1;
    return known;
  }
  const tally: Tally = {
    source: full ? undefined : source,
    deviceId: peer === 'known' && !full ? decision.deviceId : undefined,
    peer,
    reason,
    rows: 0,
    suppressed: 0,
    sources: 1,
    lastDetail: '',
  };
  tallies.set(key, tally);
  return tally;
}

/** By whom rows are counted: the device, the identity that its chain proved, or the block it came from. */
function whoOf(decision: Decision, source: string | undefined): string {
  if (decision.peer === 'known') return decision.deviceId ?? '';
  const { identity } = decision;
  if (decision.peer === 'stranger' || identity === undefined) return source ?? '';
  return hash('sha256', `${identity.anchor} ${identity.value}`, 'base64url');
}

/** The largest first, the rest folded into one row for each peer and reason. */
function summaries({ tallies, number, suppressed }: Minute): Summary[] {
  if (suppressed === 0) return [];
  const minute = new Date(number * 60_000);
  const counted = Object.values(tallies).flatMap((map) => [...map.values()].filter((tally) => tally.suppressed > 0));
  // Devices of the register are not folded: that is the evidence the operator will be asked for.
  const apart = (tally: Tally): boolean => tally.deviceId !== undefined;
  const ranked = counted.filter((tally) => !apart(tally)).sort((a, b) => b.suppressed - a.suppressed);
  const folded = Map.groupBy(ranked.slice(mostSummaries), ({ peer, reason }) => `${peer} ${reason}`);
  return [
    ...counted.filter(apart).map((tally) => summaryOf(tally, minute)),
    ...ranked.slice(0, mostSummaries).map((tally) => summaryOf(tally, minute)),
    ...[...folded.values()].map((group) => foldedSummary(group, minute)),
  ];
}

function summaryOf({ rows: _, ...tally }: Tally, minute: Date): Summary {
  return { ...tally, minute };
}

function foldedSummary(group: readonly Tally[], minute: Date): Summary {
  const [first] = group as [Tally, ...Tally[]];
  const sum = (of: (tally: Tally) => number): number => group.reduce((total, tally) => total + of(tally), 0);
  return {
    ...summaryOf(first, minute),
    source: undefined,
    suppressed: sum(({ suppressed }) => suppressed),
    sources: sum(({ sources }) => sources),
  };
}
