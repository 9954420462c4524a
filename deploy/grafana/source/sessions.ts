import { type Dashboard, installation, node, type Panel, quantile, rate } from './panel.ts';

const sessions: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Sessions open',
    description: 'CWMP sessions at this moment.',
    metrics: [{ expr: `sum(hems_southbound_sessions{${node}})` }],
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Connections open',
    description: 'TCP connections at the doors for devices.',
    metrics: [{ expr: `sum(hems_southbound_connections{${node}})` }],
    width: 4,
  },
  {
    kind: 'timeseries',
    title: 'Sessions, by how they ended',
    description: 'completed is the proper end; the others have a line in the log with the admission’s id.',
    unit: 'reqps',
    stacked: true,
    metrics: [{ expr: `sum by (outcome) (${rate(`hems_southbound_sessions_total{${node}}`)})`, legend: '{{outcome}}' }],
    width: 8,
  },
  {
    kind: 'timeseries',
    title: 'Length of a session',
    description: 'From the Inform to the end.',
    unit: 's',
    metrics: [
      { expr: quantile(0.5, 'hems_southbound_session_seconds'), legend: 'p50' },
      { expr: quantile(0.95, 'hems_southbound_session_seconds'), legend: 'p95' },
    ],
    width: 8,
  },
  {
    kind: 'timeseries',
    title: 'Handshake and verdict, p95',
    description: 'TLS, and then the judgement of the gate.',
    unit: 's',
    metrics: [
      {
        expr: quantile(0.95, 'hems_southbound_handshake_seconds', 'resumed'),
        legend: 'handshake, resumed: {{resumed}}',
      },
      { expr: quantile(0.95, 'hems_southbound_verdict_seconds'), legend: 'verdict' },
    ],
  },
  {
    kind: 'timeseries',
    title: 'HTTP answers, by status',
    description: '200 and 204 are the normal course.',
    unit: 'reqps',
    metrics: [{ expr: `sum by (status) (${rate(`hems_southbound_requests_total{${node}}`)})`, legend: '{{status}}' }],
  },
];

const rpcs: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Requests to devices, by method',
    description: 'What hems asks of devices.',
    unit: 'reqps',
    metrics: [{ expr: `sum by (method) (${rate(`hems_southbound_rpcs_total{${node}}`)})`, legend: '{{method}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Requests to devices that failed, by fault',
    description: 'The code of the device, or why there is no answer.',
    unit: 'reqps',
    metrics: [
      {
        expr: `sum by (method, fault) (${rate(`hems_southbound_rpcs_total{fault!="none",${node}}`)}) or sum(${rate(`hems_southbound_rpcs_total{${node}}`)}) * 0`,
        legend: '{{method}} {{fault}}',
      },
      {
        expr: `sum by (fault) (${rate(`hems_southbound_device_requests_refused_total{${node}}`)})`,
        legend: 'asked by devices, refused {{fault}}',
      },
    ],
  },
];

const tasks: readonly Panel[] = [
  {
    kind: 'bargauge',
    title: 'Tasks that are not over',
    description: 'unknown-outcome waits for a person or for the device; nobody repeats it.',
    metrics: [{ expr: installation('hems_fleet_tasks', 'state'), legend: '{{state}}' }],
    width: 8,
  },
  {
    kind: 'bargauge',
    title: 'Age of the oldest',
    description: 'A task waits until its device calls.',
    unit: 's',
    metrics: [{ expr: installation('hems_fleet_task_oldest_age_seconds', 'state'), legend: '{{state}}' }],
    width: 8,
  },
  {
    kind: 'timeseries',
    title: 'Tasks, by what became of them',
    description: 'At these nodes.',
    metrics: [
      {
        expr: `sum by (kind, outcome) (increase(hems_fleet_task_outcomes_total{${node}}[5m]))`,
        legend: '{{kind}}: {{outcome}}',
      },
    ],
    width: 8,
  },
  {
    kind: 'table',
    title: 'Oldest open tasks',
    description: 'Their devices have not called, or have not answered.',
    sql: `select device_id, id as task, kind, state, created_at, not_before, expires_at, attempts, sent_at
  from report.tasks where state in ('queued', 'sent', 'in-progress', 'unknown-outcome') order by created_at limit 50`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Tasks that are over, newest first',
    description: 'What became of each.',
    sql: `select finished_at, device_id, id as task, kind, state, attempts, created_at
  from report.tasks where finished_at is not null and $__timeFilter(finished_at) order by finished_at desc limit 50`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Last Informs',
    description: 'One session each.',
    sql: `select at, device_id, events, retry_count, software_version
  from report.informs where $__timeFilter(at) order by at desc limit 50`,
    links: { device_id: 'devices/' },
    width: 24,
  },
];

const transfers: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Transfers, by what became of them',
    description: 'Files that went out or came in whole, and what devices said of them.',
    metrics: [
      {
        expr: `sum by (direction, outcome) (increase(hems_fleet_transfer_outcomes_total{${node}}[5m]))`,
        legend: '{{direction}}: {{outcome}}',
      },
    ],
    width: 8,
  },
  {
    kind: 'timeseries',
    title: 'Requests at the file door',
    description: 'By how they ended, and those under way.',
    metrics: [
      {
        expr: `sum by (direction, outcome) (${rate(`hems_southbound_file_requests_total{${node}}`)})`,
        legend: '{{direction}}: {{outcome}} a second',
      },
      {
        expr: `sum by (direction) (hems_southbound_file_transfers{${node}})`,
        legend: '{{direction}}: under way',
      },
    ],
    width: 8,
  },
  {
    kind: 'timeseries',
    title: 'Bytes of files',
    description: 'On the wire within TLS.',
    unit: 'Bps',
    metrics: [
      { expr: `sum by (direction) (${rate(`hems_southbound_file_bytes_total{${node}}`)})`, legend: '{{direction}}' },
    ],
    width: 8,
  },
  {
    kind: 'timeseries',
    title: 'Connection requests',
    description: 'By what came of them, and the sessions that devices opened for them.',
    metrics: [
      {
        expr: `sum by (state) (increase(hems_fleet_connection_requests_total{${node}}[5m]))`,
        legend: '{{state}}',
      },
      {
        expr: `sum by (asked) (increase(hems_fleet_connection_request_sessions_total{${node}}[5m]))`,
        legend: 'sessions, asked for: {{asked}}',
      },
    ],
  },
  {
    kind: 'timeseries',
    title: 'The disk cache of files',
    description: 'Whether files were at hand, and how many bytes are kept.',
    metrics: [
      {
        expr: `sum by (outcome) (increase(hems_fleet_file_cache_total{${node}}[5m]))`,
        legend: '{{outcome}}, 5 m',
      },
    ],
  },
];

export const sessionsAndTasks: Dashboard = {
  uid: 'hems-sessions',
  title: 'hems: Sessions and tasks',
  description: 'What goes on between hems and its devices.',
  rows: [
    { title: 'Sessions', panels: sessions },
    { title: 'Requests', panels: rpcs },
    { title: 'Tasks', panels: tasks },
    { title: 'Transfers and connection requests', panels: transfers },
  ],
};
