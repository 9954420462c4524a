import { Counter, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../platform/clock.ts';
import { type FetchOutcome, fetchOutcomes } from './crl-fetcher.ts';
import type { Facts, FactsKeeper } from './facts.ts';
import type { RevocationCounters } from './revocation.ts';
import { hostGauge } from '../../platform/host-gauge.ts';

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
  factGauges(registers, facts, clock, anchors);
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

function factGauges(registers: Registry[], facts: FactsKeeper, clock: Clock, anchors: readonly string[]): void {
  const gauge = (aggregator: 'max' | 'min', name: string, help: string, value: (facts: Facts) => number): void => {
    hostGauge({
      name,
      help,
      aggregator,
      registers,
      collect() {
        const known = facts.peek();
        if (known === undefined) this.remove();
        else this.set(value(known));
      },
    });
  };
  gauge('min', 'hems_trust_operator_list_entries', 'Certificates on the operator’s own list', ({ list }) => list.size);
  gauge(
    'min',
    'hems_trust_policy_version',
    'Version of the revocation policy in force; 0: none',
    ({ policy }) => policy?.version ?? 0,
  );
  gauge(
    'max',
    'hems_trust_policy_override_until_seconds',
    'End of the override in force, Unix time; 0: none',
    (known) => {
      const until = known.override?.until;
      return until === undefined || until <= clock.now() ? 0 : until.getTime() / 1000;
    },
  );
  crlGauges(registers, facts, clock, anchors);
}

type CrlGauge = (
  aggregator: 'max' | 'min',
  name: string,
  help: string,
  value: (anchor: string, known: Facts) => number | undefined,
) => void;

/** CRLs by the anchor under which they were verified; an anchor without any has no age. */
function crlGauges(registers: Registry[], facts: FactsKeeper, clock: Clock, anchors: readonly string[]): void {
  const gauge: CrlGauge = (aggregator, name, help, value) => {
    hostGauge({
      name,
      help,
      aggregator,
      labelNames: ['anchor'] as const,
      registers,
      collect() {
        this.reset();
        const known = facts.peek();
        if (known === undefined) return;
        for (const anchor of anchors) {
          const now = value(anchor, known);
          if (now !== undefined) this.set({ anchor }, now);
        }
      },
    });
  };
  countGauges(gauge);
  ageGauges(gauge, clock);
}

const of = (anchor: string, { holdings }: Facts) => holdings.filter((holding) => holding.anchor === anchor);

function countGauges(gauge: CrlGauge): void {
  gauge('min', 'hems_trust_crls', 'CRLs in use', (anchor, known) => of(anchor, known).length);
  gauge('min', 'hems_trust_crl_entries', 'Entries of the CRLs in use', (anchor, known) =>
    of(anchor, known).reduce((sum, { entries }) => sum + entries, 0),
  );
  gauge('max', 'hems_trust_crl_urls_failing', 'URLs of CRLs whose last fetch failed', (anchor, { fetches }) => {
    const failing = [...fetches.values()].filter(
      (state) =>
        state.anchor === anchor &&
        state.outcome !== undefined &&
        !['stored', 'same', 'not-modified'].includes(state.outcome),
    );
    return failing.length;
  });
}

function ageGauges(gauge: CrlGauge, clock: Clock): void {
  const since = (dates: readonly Date[]): number | undefined => {
    const first = Math.min(...dates.map((date) => date.getTime()));
    return dates.length === 0 ? undefined : (clock.now().getTime() - first) / 1000;
  };
  gauge(
    'max',
    'hems_trust_crl_oldest_age_seconds',
    'Time since the oldest thisUpdate of the CRLs in use',
    (anchor, known) => since(of(anchor, known).map(({ thisUpdate }) => thisUpdate)),
  );
  gauge(
    'min',
    'hems_trust_crl_next_update_seconds',
    'Time until the first nextUpdate of the CRLs in use; negative: stale',
    (anchor, known) => {
      const ago = since(of(anchor, known).flatMap(({ nextUpdate }) => (nextUpdate === undefined ? [] : [nextUpdate])));
      return ago === undefined ? undefined : -ago;
    },
  );
}
