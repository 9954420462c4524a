import { type Dashboard, installation, node, type Panel, rate } from './panel.ts';

const counts: readonly Panel[] = [
  {
    kind: 'bargauge',
    title: 'Devices by state',
    description: 'Of the register, as counted about half a minute ago.',
    metrics: [{ expr: installation('hems_fleet_devices', 'state'), legend: '{{state}}' }],
    evidence: 'devices',
    width: 8,
  },
  {
    kind: 'bargauge',
    title: 'Device certificates by when they end',
    description: 'Approved ones. What ends is refused from then on: renew, or accept the loss.',
    metrics: [{ expr: installation('hems_fleet_device_certificates', 'expires_within'), legend: '{{expires_within}}' }],
    width: 8,
  },
  {
    kind: 'stat',
    title: 'Counted',
    description: 'How old the counts of the installation are.',
    unit: 's',
    metrics: [{ expr: 'time() - max(hems_fleet_figures_timestamp_seconds)' }],
    thresholds: [120, 300],
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Informs per second',
    description: 'Sessions that devices begin.',
    unit: 'reqps',
    metrics: [{ expr: `sum(${rate(`hems_fleet_informs_total{${node}}`)})` }],
    width: 4,
  },
];

const informs: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Informs, by event',
    description: 'A wave of 1 BOOT is a power cut or a firmware that crashes.',
    unit: 'reqps',
    stacked: true,
    metrics: [{ expr: `sum by (event) (${rate(`hems_fleet_inform_events_total{${node}}`)})`, legend: '{{event}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Informs, by model',
    description: 'Models of metrics.models; all others are one.',
    unit: 'reqps',
    metrics: [{ expr: `sum by (model) (${rate(`hems_fleet_informs_total{${node}}`)})`, legend: '{{model}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Parameter changes',
    description: 'Told by an Inform, or found by a task.',
    unit: 'reqps',
    metrics: [
      { expr: `sum by (origin) (${rate(`hems_fleet_parameter_changes_total{${node}}`)})`, legend: '{{origin}}' },
    ],
  },
  {
    kind: 'timeseries',
    title: 'Suspicions, by kind',
    description: 'Each device and kind once an hour.',
    metrics: [{ expr: `sum by (kind) (increase(hems_fleet_suspicions_total{${node}}[1h]))`, legend: '{{kind}}' }],
    evidence: 'audit',
  },
];

const evidence: readonly Panel[] = [
  {
    kind: 'table',
    title: 'Active cells that are silent longest',
    description: 'The last Inform of each.',
    sql: `select id as device_id, oui, product_class, serial_number, site, software_version, last_inform_at
  from report.devices where state in ('active', 'held') order by last_inform_at nulls first limit 50`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Certificates to renew',
    description: 'Approved ones, the first end first.',
    sql: `select device_id, anchor, identity, not_after, left(fingerprint, 16) as certificate
  from report.certificates where state = 'approved' order by not_after limit 50`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Software versions',
    description: 'What active devices say they run.',
    sql: `select product_class, software_version, count(*) as devices, max(last_inform_at) as last_inform
  from report.devices where state = 'active' group by 1, 2 order by devices desc limit 50`,
  },
  {
    kind: 'table',
    title: 'Last changes of the register',
    description: 'Who did what, and why.',
    sql: `select at, device_id, actor_kind, actor, action, reason
  from report.changes where $__timeFilter(at) order by at desc limit 50`,
    links: { device_id: 'devices/' },
  },
];

export const fleet: Dashboard = {
  uid: 'hems-fleet',
  title: 'hems: Fleet',
  description: 'The register: how many devices in which state, what they tell, whose certificate ends when.',
  rows: [
    { title: 'Counts', panels: counts },
    { title: 'What devices tell', panels: informs },
    { title: 'The devices', panels: evidence },
  ],
};
