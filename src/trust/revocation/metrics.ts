import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../platform/clock.ts';
import { type FetchOutcome, fetchOutcomes } from './crl-fetcher.ts';
import type { FactsKeeper } from './facts.ts';
import type { RevocationCounters } from './revocation.ts';

export interface RevocationMetrics extends RevocationCounters {
  fetched(outcome: FetchOutcome): void;
  closed(cause: string, count: number): void;
}

const outcomes = ['admit', 'quarantine', 'deny'] as const;
const tolerances = ['grace', 'unknown', 'override', 'release', 'unchecked'] as const;
const ways = ['remembered', 'memory', 'waited'] as const;

/** Labels come from the configuration and closed lists alone. */
export function createRevocationMetrics(
  registry: Registry,
  anchors: readonly string[],
  facts: FactsKeeper,
  clock: Clock,
): RevocationMetrics {
  const registers = [registry];
  const verdicts = new Counter({
    name: 'hems_trust_revocation_verdicts_total',
    help: 'Verdicts on revocation; how: remembered, worked out from memory, or after waiting for a source',
    labelNames: ['anchor', 'outcome', 'how'] as const,
    registers,
  });
  const tolerated = new Counter({
    name: 'hems_trust_revocation_tolerated_total',
    help: 'Admissions that were less than every source saying good',
    labelNames: ['anchor', 'tolerance'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'hems_trust_revocation_seconds',
    help: 'Time of one verdict on revocation',
    labelNames: ['how'] as const,
    buckets: [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const closed = new Counter({
    name: 'hems_trust_connections_closed_total',
    help: 'Open connections closed because their admission no longer stood',
    labelNames: ['cause'] as const,
    registers,
  });
  const fetches = new Counter({
    name: 'hems_trust_crl_fetches_total',
    help: 'Attempts to fetch a CRL by this node',
    labelNames: ['outcome'] as const,
    registers,
  });
  for (const outcome of fetchOutcomes) fetches.inc({ outcome }, 0);
  for (const anchor of anchors) {
    for (const how of ways) for (const outcome of outcomes) verdicts.inc({ anchor, outcome, how }, 0);
    for (const tolerance of tolerances) tolerated.inc({ anchor, tolerance }, 0);
  }
  factGauges(registers, facts, clock);
  return {
    judged: (verdict, anchor, how, took) => {
      verdicts.inc({ anchor, outcome: verdict.outcome, how });
      for (const tolerance of verdict.tolerated) tolerated.inc({ anchor, tolerance });
      seconds.observe({ how }, took);
    },
    fetched: (outcome) => fetches.inc({ outcome }),
    closed: (cause, count) => closed.inc({ cause }, count),
  };
}

function factGauges(registers: Registry[], facts: FactsKeeper, clock: Clock): void {
  const gauge = (name: string, help: string, value: () => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.reset();
        const now = value();
        if (now !== undefined) this.set(now);
      },
    });
  };
  const held = () => facts.peek()?.holdings ?? [];
  const since = (at: Date | undefined): number | undefined =>
    at === undefined ? undefined : (clock.now().getTime() - at.getTime()) / 1000;
  const oldest = (dates: readonly Date[]): Date | undefined =>
    dates.length === 0 ? undefined : new Date(Math.min(...dates.map((date) => date.getTime())));
  gauge('hems_trust_crls', 'CRLs in use', () => held().length);
  gauge('hems_trust_crl_entries', 'Entries of all CRLs in use', () =>
    held().reduce((sum, { entries }) => sum + entries, 0),
  );
  gauge('hems_trust_crl_oldest_age_seconds', 'Time since the oldest thisUpdate of the CRLs in use', () =>
    since(oldest(held().map(({ thisUpdate }) => thisUpdate))),
  );
  gauge(
    'hems_trust_crl_next_update_seconds',
    'Time until the first nextUpdate of the CRLs in use; negative: stale',
    () => {
      const ago = since(oldest(held().flatMap(({ nextUpdate }) => (nextUpdate === undefined ? [] : [nextUpdate]))));
      return ago === undefined ? undefined : -ago;
    },
  );
  gauge('hems_trust_crl_urls_failing', 'URLs of CRLs whose last fetch failed', () => {
    const failing = [...(facts.peek()?.fetches.values() ?? [])].filter(
      ({ outcome }) => outcome !== undefined && !['stored', 'same', 'not-modified'].includes(outcome),
    );
    return failing.length;
  });
  gauge('hems_trust_operator_list_entries', 'Certificates on the operator’s own list', () => facts.peek()?.list.size);
  gauge('hems_trust_policy_version', 'Version of the revocation policy in force; 0: none', () => {
    const known = facts.peek();
    return known === undefined ? undefined : (known.policy?.version ?? 0);
  });
}
