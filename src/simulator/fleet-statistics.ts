import { describeObservation } from './scenarios/judging.ts';
import type { Observation } from './scenarios/scenario.ts';

export interface FleetStatistics {
  readonly devices: number;
  /** Calls made, whatever came of them; the others count calls too. */
  readonly calls: number;
  /** Informed, and ended on 204. */
  readonly complete: number;
  readonly resumed: number;
  readonly misbehaved: number;
  /** What became of the rest, in words, most frequent first. */
  readonly others: readonly (readonly [what: string, count: number])[];
  /** What the ACS did against the rules, likewise; each to be read after "the ACS". */
  readonly violations: readonly (readonly [what: string, count: number])[];
  /** Of complete sessions, from the TCP connection on. */
  readonly milliseconds: { readonly median: number; readonly p95: number; readonly max: number };
  readonly elapsedSeconds: number;
}

export interface FleetTally {
  add(observation: Observation, misbehaved: boolean): void;
  statistics(): FleetStatistics;
}

/** Distinct texts counted; the rest is lumped together, since error texts may differ without end. */
const maxTexts = 50;
/** Newest durations kept for the percentiles. */
const maxDurations = 100_000;

function countText(counts: Map<string, number>, text: string): void {
  const key = counts.has(text) || counts.size < maxTexts ? text : 'other';
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const byFrequency = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort((a, b) => b[1] - a[1]);

export function newTally(devices: number): FleetTally {
  const started = performance.now();
  const counts = { calls: 0, complete: 0, resumed: 0, misbehaved: 0 };
  const others = new Map<string, number>();
  const violations = new Map<string, number>();
  const durations: number[] = [];
  return {
    add: (observation, misbehaved) => {
      counts.calls += 1;
      if (misbehaved) counts.misbehaved += 1;
      if (observation.resumed === true) counts.resumed += 1;
      for (const violation of observation.violations) countText(violations, violation);
      if (!observation.complete) return countText(others, describeObservation(observation));
      durations[counts.complete % maxDurations] = observation.durationMs;
      counts.complete += 1;
    },
    statistics: () => ({
      devices,
      ...counts,
      others: byFrequency(others),
      violations: byFrequency(violations),
      milliseconds: percentiles(durations),
      elapsedSeconds: (performance.now() - started) / 1000,
    }),
  };
}

function percentiles(durations: readonly number[]): FleetStatistics['milliseconds'] {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median: at(0.5), p95: at(0.95), max: at(1) };
}
