import type { Registry } from 'prom-client';
import type { AcrossWorkers } from '../host-gauge.ts';

/** One metric of one process with its series, in a form that is quick to hand over and to put together. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: AcrossWorkers;
  /** Name and labels of each series as they stand in the text, and its value at the same place. */
  readonly series: readonly string[];
  readonly values: readonly number[];
}

/** Of one process. */
export type Figures = readonly Figure[];

/** What may be added up after its process is gone. */
export const isCount = ({ type }: Pick<Figure, 'type'>): boolean => type === 'counter' || type === 'histogram';

interface Series {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string | number>>;
  /** Of a histogram's parts: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

export async function figuresOf(registry: Registry): Promise<Figures> {
  return (await registry.getMetricsAsJSON()).map((metric) => {
    const { name, help, aggregator } = metric;
    const values = metric.values as readonly Series[];
    return {
      ...{ name, help, type: String(metric.type), aggregator: aggregator as AcrossWorkers },
      series: values.map(({ metricName = name, labels = {} }) => metricName + labelsText(labels)),
      values: values.map(({ value }) => value),
    };
  });
}

function labelsText(labels: NonNullable<Series['labels']>): string {
  const parts = Object.entries(labels).map(
    ([label, value]) => `${label}="${escaped(String(value)).replaceAll('"', '\\"')}"`,
  );
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** A metric whose series come from several processes. */
export interface MergedFigure extends Omit<Figure, 'series' | 'values'> {
  readonly byName: Map<string, number>;
}

const together: Readonly<Record<AcrossWorkers, (one: number, other: number) => number>> = {
  sum: (one, other) => one + other,
  max: Math.max,
  min: Math.min,
  first: (one) => one,
};

/** In the order in which they are first met. */
export function mergedFigures(parts: readonly Figures[]): readonly MergedFigure[] {
  const merged = new Map<string, MergedFigure>();
  for (const { series, values, ...figure } of parts.flat()) {
    const into = merged.get(figure.name) ?? { ...figure, byName: new Map<string, number>() };
    merged.set(figure.name, into);
    const join = together[into.aggregator];
    for (const [i, name] of series.entries()) {
      const value = values[i] ?? Number.NaN;
      const before = into.byName.get(name);
      into.byName.set(name, before === undefined ? value : join(before, value));
    }
  }
  return [...merged.values()];
}

/** The Prometheus text format, version 0.0.4. */
export function figuresText(figures: readonly MergedFigure[]): string {
  const texts = figures.map(({ name, help, type, byName }) => {
    const lines = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
    for (const [series, value] of byName) lines.push(`${series} ${valueText(value)}`);
    return lines.join('\n');
  });
  return `${texts.join('\n\n')}\n`;
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
