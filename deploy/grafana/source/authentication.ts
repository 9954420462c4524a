import { anchor, type Dashboard, installation, node, type Panel, rate, type Row } from './panel.ts';

const decisions = (labels: string): string => `hems_trust_decisions_total{${labels},${node}}`;
const ourRefused = `outcome="refused",peer="known",${anchor}`;

const now: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Our cells refused now',
    description: 'Distinct known devices whose last decision in the last 15 minutes was a refusal.',
    metrics: [{ expr: `sum(${installation(`hems_fleet_devices_refused{${anchor}}`, 'reason, anchor')})` }],
    thresholds: [1, 20],
    evidence: 'admissions?outcome=refused',
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Admitted per second',
    description: 'Decisions that let a device in.',
    unit: 'reqps',
    metrics: [{ expr: `sum(${rate(decisions(`outcome="admitted",${anchor}`))})` }],
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Held keys',
    description: 'New keys of known devices that wait for a person.',
    metrics: [{ expr: 'max(hems_fleet_held_keys)' }],
    thresholds: [1, 50],
    evidence: 'devices?state=held',
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Serials claimed twice',
    description: 'Conflicts that nobody has settled.',
    metrics: [{ expr: 'max(hems_fleet_open_conflicts)' }],
    thresholds: [1, 10],
    evidence: 'conflicts',
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Shared-secret attempts, 1 h',
    description: 'Admitted cells that sent a password as well; TS 33.320 8.3.4 knows none.',
    metrics: [{ expr: `sum(increase(${decisions('reason="shared_secret_attempt"')}[1h]))` }],
    thresholds: [1, 20],
    evidence: 'admissions?reason=shared_secret_attempt',
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Suspicions, 1 h',
    description: 'Signs that a device is not who it was: two keys, two addresses, a twin of a certificate.',
    metrics: [{ expr: `sum(increase(hems_fleet_suspicions_total{${node}}[1h]))` }],
    thresholds: [1, 10],
    evidence: 'audit',
    width: 4,
  },
];

const ours: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Our cells refused, by reason',
    description: 'Refusals of verified identities of the register. The reason is the word of the audit.',
    unit: 'reqps',
    stacked: true,
    metrics: [{ expr: `sum by (reason) (${rate(decisions(ourRefused))})`, legend: '{{reason}}' }],
    evidence: 'admissions?outcome=refused',
  },
  {
    kind: 'timeseries',
    title: 'Our cells refused, by anchor',
    description: 'One manufacturer alone: its CA, its CRL, its responder.',
    unit: 'reqps',
    stacked: true,
    metrics: [{ expr: `sum by (anchor) (${rate(decisions(ourRefused))})`, legend: '{{anchor}}' }],
    evidence: 'trust-anchors',
  },
  {
    kind: 'timeseries',
    title: 'Distinct cells refused now, by reason',
    description: 'How many cells stand behind the curve: one that retries is one.',
    metrics: [
      {
        expr: `sum by (reason) (${installation(`hems_fleet_devices_refused{${anchor}}`, 'reason, anchor')})`,
        legend: '{{reason}}',
      },
    ],
    evidence: 'admissions?outcome=refused',
  },
  {
    kind: 'timeseries',
    title: 'Our cells, by TLS version and suite',
    description: 'What our cells negotiate, admitted and refused.',
    unit: 'reqps',
    metrics: [
      {
        expr: `sum by (outcome, tls_version, cipher_suite) (${rate(`hems_trust_decisions_by_tls_total{peer="known",${node}}`)})`,
        legend: '{{outcome}} {{tls_version}} {{cipher_suite}}',
      },
    ],
  },
];

const noise: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Strangers refused, by reason',
    description: 'The Internet’s noise. Nothing here is one of our cells, and no alert looks at it alone.',
    unit: 'reqps',
    stacked: true,
    metrics: [
      { expr: `sum by (reason) (${rate(decisions('outcome="refused",peer="stranger"'))})`, legend: '{{reason}}' },
    ],
    evidence: 'refusals?peer=stranger',
  },
  {
    kind: 'timeseries',
    title: 'Verified paths without a device of ours',
    description: 'A manufacturer’s devices that nobody has added, or that name no identity that may be believed.',
    unit: 'reqps',
    stacked: true,
    metrics: [
      {
        expr: `sum by (reason, anchor) (${rate(decisions(`outcome="refused",peer="trusted-chain",${anchor}`))})`,
        legend: '{{anchor}}: {{reason}}',
      },
    ],
    evidence: 'refusals?peer=trusted-chain',
  },
  {
    kind: 'timeseries',
    title: 'RC4 only, NULL only, too old',
    description: 'Clients that could speak nothing that TS 33.320 8.3.4 allows. They may be cells with old firmware.',
    unit: 'reqps',
    metrics: [
      {
        expr: `sum by (reason) (${rate(decisions('reason=~"rc4_only_client|null_only_client|protocol_version|no_shared_cipher"'))})`,
        legend: '{{reason}}',
      },
    ],
    evidence: 'refusals?reason=rc4_only_client',
  },
  {
    kind: 'timeseries',
    title: 'Flood',
    description: 'Connections by what became of them; handshakes under way and those that wait for a place.',
    metrics: [
      {
        expr: `sum by (outcome) (${rate(`hems_southbound_connections_total{${node}}`)})`,
        legend: '{{outcome}} a second',
      },
      { expr: `sum(hems_southbound_handshakes_in_flight{${node}})`, legend: 'handshakes in flight' },
      { expr: `sum(hems_southbound_handshakes_waiting{${node}})`, legend: 'handshakes waiting' },
    ],
  },
];

const evidence: readonly Panel[] = [
  {
    kind: 'table',
    title: 'Last refusals of our cells',
    description: 'Each row is a row of the audit; the link leads to the device.',
    sql: `select at, device_id, identity, reason, detail, anchor, host(remote_address) as address, tls_version,
       cipher_suite, left(fingerprint, 16) as certificate, id as decision
  from report.known_refusals
 where $__timeFilter(at) and anchor in (\${anchor:sqlstring})
 order by at desc limit 100`,
    links: { device_id: 'devices/' },
    width: 24,
    height: 10,
  },
  {
    kind: 'table',
    title: 'Cells refused most',
    description: 'Devices of the register by their refusals in the chosen time.',
    sql: `select device_id, max(identity) as identity, max(oui) as oui, max(serial_number) as serial, max(site) as site,
       count(*) as refusals, count(distinct reason) as reasons, max(at) as last
  from report.known_refusals
 where $__timeFilter(at)
 group by device_id order by refusals desc limit 20`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Address blocks refused most',
    description: 'Strangers by /24 and /48: rows of their own, and those that were only counted.',
    sql: `select block, sum(refusals) as refusals, max(last) as last
  from (select network(set_masklen(remote_address, case family(remote_address) when 4 then 24 else 48 end)) as block,
               count(*) as refusals, max(at) as last
          from report.refusals where $__timeFilter(at) group by 1
        union all
        select network(set_masklen(source, case family(source) when 4 then 24 else 48 end)), sum(suppressed), max(minute)
          from report.refusal_summaries where source is not null and $__timeFilter(minute) group by 1) rows
 group by block order by refusals desc limit 20`,
  },
  {
    kind: 'table',
    title: 'Last refusals of others',
    description: 'Strangers and verified paths without a device; sampled, see docs/audit.md.',
    sql: `select at, peer, reason, detail, anchor, identity, host(remote_address) as address, tls_version
  from report.refusals where $__timeFilter(at) order by at desc limit 50`,
    width: 24,
  },
  {
    kind: 'table',
    title: 'Suspicions',
    description: 'Signs that a device is not who it was; nothing was decided by them.',
    sql: `select at, device_id, kind, evidence::text as evidence
  from report.suspicions where $__timeFilter(at) order by at desc limit 50`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Held keys and conflicts',
    description: 'What waits for a person.',
    sql: `select 'held key' as what, device_id, identity as subject, first_seen as since
  from report.certificates where state = 'held'
union all
select 'conflict', claimant, oui || '-' || serial_number, first_at from report.conflicts where settled_at is null
 order by since desc limit 50`,
    links: { device_id: 'devices/' },
  },
];

const rows: readonly Row[] = [
  { title: 'Now', panels: now },
  { title: 'Our cells', panels: ours },
  { title: 'The Internet', panels: noise },
  { title: 'The evidence', panels: evidence },
];

export const authentication: Dashboard = {
  uid: 'hems-authentication',
  title: 'hems: Authentication',
  description: 'Our own cells refused, apart from the Internet’s noise, down to the certificate at fault.',
  rows,
};
