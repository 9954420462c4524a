import type { Registry } from 'prom-client';
import { type Figures, figuresOf, figuresText, isCount, type MergedFigure, mergedFigures } from './figures.ts';

/** The figures of all processes of a host as those of one target. */
export interface HostMetrics {
  /** `life`: of one process; whoever is started in its place has another. */
  told(life: number, figures: Figures): void;
  /** It is gone: what it counted stays. */
  ended(life: number): void;
  /**
   * Prometheus text. Of processes that have not told anything now only the counts are in it, as they told them last: what
   * they hold at this moment nobody knows.
   */
  page(now: ReadonlySet<number>): Promise<string>;
}

/** `own`: of the supervisor itself. */
export function createHostMetrics(own: Registry): HostMetrics {
  const latest = new Map<number, Figures>();
  const shown = new Map<string, number>();
  let gone: Figures = [];
  return {
    told: (life, figures) => {
      latest.set(life, figures);
    },
    ended: (life) => {
      const last = latest.get(life);
      latest.delete(life);
      if (last === undefined) return;
      gone = mergedFigures([gone, last.filter(isCount)]).map(({ byName, ...figure }) => {
        return { ...figure, series: [...byName.keys()], values: [...byName.values()] };
      });
    },
    page: async (now) => {
      const living = [...latest].map(([life, figures]) => (now.has(life) ? figures : figures.filter(isCount)));
      const merged = mergedFigures([...living, await figuresOf(own), gone]);
      for (const figure of merged) if (isCount(figure)) neverBackwards(shown, figure);
      return figuresText(merged);
    },
  };
}

/**
 * Fractions that are added up in another order give a sum that differs in its last digit. Where it were the smaller one,
 * Prometheus would take it for a start from 0, and the whole count for an increase.
 */
function neverBackwards(shown: Map<string, number>, { byName }: MergedFigure): void {
  for (const [series, value] of byName) {
    const before = shown.get(series) ?? 0;
    if (value < before) byName.set(series, before);
    else shown.set(series, value);
  }
}
