import { anchor, type Dashboard, node, type Panel, quantile, rate } from './panel.ts';

const state: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Nodes',
    description: 'Processes of hems that answer, by version.',
    metrics: [{ expr: 'count by (version) (hems_build_info)', legend: '{{version}}' }],
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Weaker than the clause',
    description: 'Settings that depart from TS 33.320; hems compliance says which and why.',
    metrics: [{ expr: 'sum(max by (deviation) (hems_deviation_active))' }],
    thresholds: [1, 5],
    evidence: 'compliance',
    width: 4,
  },
  {
    kind: 'bargauge',
    title: 'Server certificates end in',
    description: 'After that no device trusts us.',
    unit: 's',
    metrics: [
      {
        expr: `min by (listener, key_type) (hems_southbound_certificate_not_after_seconds{${node}}) - time()`,
        legend: '{{listener}} {{key_type}}',
      },
    ],
    width: 8,
  },
  {
    kind: 'bargauge',
    title: 'Trust anchors end in',
    description: 'After that we trust no device of theirs.',
    unit: 's',
    metrics: [
      {
        expr: `min by (anchor) (hems_trust_anchor_not_after_seconds{${anchor},${node}}) - time()`,
        legend: '{{anchor}}',
      },
    ],
    evidence: 'trust-anchors',
    width: 8,
  },
];

const machine: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'CPU',
    description: 'Cores that each node uses; one process uses little more than one (workers: docs/workers.md).',
    metrics: [{ expr: rate(`process_cpu_seconds_total{${node}}`), legend: '{{instance}}' }],
    unit: 'percentunit',
  },
  {
    kind: 'timeseries',
    title: 'Memory',
    description: 'Resident.',
    unit: 'bytes',
    metrics: [{ expr: `process_resident_memory_bytes{${node}}`, legend: '{{instance}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Event-loop delay, p99',
    description: 'Above 100 ms every device waits.',
    unit: 's',
    metrics: [{ expr: `nodejs_eventloop_lag_p99_seconds{${node}}`, legend: '{{instance}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Open files',
    description: 'Each connection is one; with several workers, of the process that has most.',
    metrics: [{ expr: `process_open_fds{${node}}`, legend: '{{instance}}' }],
  },
];

const database: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Connections of the pool',
    description: 'waited_for above 0: the pool is too small, or the database too slow.',
    metrics: [
      {
        expr: `sum by (instance, state) (hems_platform_database_connections{${node}})`,
        legend: '{{instance}} {{state}}',
      },
    ],
  },
  {
    kind: 'timeseries',
    title: 'Statements',
    description: 'From asking for a connection to the answer.',
    unit: 's',
    metrics: [
      { expr: quantile(0.5, 'hems_platform_query_seconds'), legend: 'p50' },
      { expr: quantile(0.95, 'hems_platform_query_seconds'), legend: 'p95' },
    ],
  },
  {
    kind: 'timeseries',
    title: 'The database did not answer',
    description: 'Statements that failed because it could not be reached.',
    metrics: [{ expr: `increase(hems_platform_database_failures_total{${node}}[5m])`, legend: '{{instance}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Audit rows',
    description: 'Those that wait, and those that were given up for want of room.',
    metrics: [
      { expr: `sum(hems_trust_audit_waiting_rows{${node}})`, legend: 'waiting' },
      { expr: `sum by (kind) (increase(hems_trust_audit_dropped_total{${node}}[5m]))`, legend: 'given up: {{kind}}' },
    ],
  },
  {
    kind: 'timeseries',
    title: 'Outgoing requests, by outcome',
    description: 'All HTTP that hems makes.',
    unit: 'reqps',
    metrics: [
      {
        expr: `sum by (purpose, outcome) (${rate(`hems_egress_requests_total{${node}}`)})`,
        legend: '{{purpose}}: {{outcome}}',
      },
    ],
  },
  {
    kind: 'timeseries',
    title: 'Second lock',
    description: 'Paths that hems accepts and OpenSSL does not, by its error.',
    metrics: [{ expr: `sum by (error) (increase(hems_trust_second_lock_total{${node}}[1h]))`, legend: '{{error}}' }],
  },
];

const present: readonly Panel[] = [
  {
    kind: 'table',
    title: 'Nodes that serve this database',
    description: 'What each says of itself; one that is silent for two minutes is gone.',
    sql: `select name, version, started_at, seen_at, doors::text as doors, deviations::text as deviations
  from report.nodes order by name limit 100`,
    width: 24,
  },
];

export const nodes: Dashboard = {
  uid: 'hems-node',
  title: 'hems: Node',
  description: 'The processes: what they run on, what they wait for, what ends when.',
  rows: [
    { title: 'State', panels: state },
    { title: 'The machine', panels: machine },
    { title: 'The database, the audit, what goes out', panels: database },
    { title: 'The nodes', panels: present },
  ],
};
