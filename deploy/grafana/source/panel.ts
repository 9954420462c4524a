/** What our dashboards consist of, as data: what a panel asks, and how the answer is drawn. */

export interface Metric {
  /** PromQL. */
  readonly expr: string;
  /** As Grafana writes it: `{{reason}}`. */
  readonly legend?: string;
}

interface PanelBase {
  readonly title: string;
  /** One sentence for whoever looks at it at night. */
  readonly description: string;
  /** Of 24 columns. */
  readonly width?: number;
  readonly height?: number;
  /** Of the API, below `/api/v1/`: the evidence behind the curve. */
  readonly evidence?: string;
}

export interface MetricPanel extends PanelBase {
  readonly kind: 'timeseries' | 'stat' | 'bargauge';
  /** Grafana's name of the unit: short, s, bytes, percentunit, reqps. */
  readonly unit?: string;
  readonly metrics: readonly Metric[];
  /** From which value on it is yellow, and red. */
  readonly thresholds?: readonly [yellow: number, red: number];
  readonly stacked?: boolean;
}

export interface TablePanel extends PanelBase {
  readonly kind: 'table';
  /** Asked of the views of the schema `report`, as the role that reads nothing else. */
  readonly sql: string;
  /** Columns whose values lead to the API: `{ device_id: 'devices/' }`. */
  readonly links?: Readonly<Record<string, string>>;
}

export type Panel = MetricPanel | TablePanel;

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** A rate over the interval that Grafana finds fitting. */
export const rate = (selector: string): string => `rate(${selector}[$__rate_interval])`;

/** For metrics of one node. */
export const node = 'instance=~"$node"';
/** For metrics that tell anchors apart; `none` has no anchor and is always there. */
export const anchor = 'anchor=~"$anchor|none"';

/** What every node shows alike: counted once. */
export function installation(selector: string, by: string): string {
  return `max by (${by}) (${selector})`;
}

/** The quantile of a histogram over the nodes. */
export function quantile(q: number, metric: string, by = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${labels}) (${rate(`${metric}_bucket{${node}}`)}))`;
}
