import { anchor, type Dashboard, node, type Panel, quantile, rate } from './panel.ts';

const verdicts = (labels = ''): string =>
  `hems_trust_revocation_verdicts_total{${[labels, anchor, node].filter(Boolean).join(',')}}`;

const state: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Policy version',
    description: 'Of the revocation policy in force; 0: none, and nothing is looked up.',
    metrics: [{ expr: `max(hems_trust_policy_version{${node}})` }],
    evidence: 'revocation/policies',
    width: 4,
  },
  {
    kind: 'stat',
    title: 'Override ends in',
    description: 'While it lasts unknown and stale are tolerated; not positive: there is none.',
    unit: 's',
    metrics: [{ expr: `max(hems_trust_policy_override_until_seconds{${node}}) - time()` }],
    width: 4,
  },
  {
    kind: 'bargauge',
    title: 'Time until the first nextUpdate',
    description: 'By anchor; negative: stale, and the policy says what then.',
    unit: 's',
    metrics: [
      { expr: `min by (anchor) (hems_trust_crl_next_update_seconds{${anchor},${node}})`, legend: '{{anchor}}' },
    ],
    evidence: 'crls',
    width: 8,
  },
  {
    kind: 'bargauge',
    title: 'Age of the oldest CRL',
    description: 'Since thisUpdate, by anchor.',
    unit: 's',
    metrics: [{ expr: `max by (anchor) (hems_trust_crl_oldest_age_seconds{${anchor},${node}})`, legend: '{{anchor}}' }],
    evidence: 'crls',
    width: 8,
  },
];

const lists: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Entries of the CRLs in use',
    description: 'A list that suddenly shrinks or is empty deserves a look; operator: our own list.',
    metrics: [
      { expr: `max by (anchor) (hems_trust_crl_entries{${anchor},${node}})`, legend: '{{anchor}}' },
      { expr: `max(hems_trust_operator_list_entries{${node}})`, legend: 'our own list' },
    ],
    evidence: 'revocation/certificates',
  },
  {
    kind: 'timeseries',
    title: 'CRL fetches, by outcome',
    description: 'Attempts of the nodes, and how many URLs failed at their last attempt.',
    metrics: [
      { expr: `sum by (outcome) (increase(hems_trust_crl_fetches_total{${node}}[5m]))`, legend: '{{outcome}}, 5 m' },
      {
        expr: `max by (anchor) (hems_trust_crl_urls_failing{${anchor},${node}})`,
        legend: 'failing URLs of {{anchor}}',
      },
    ],
  },
  {
    kind: 'timeseries',
    title: 'Outgoing requests, p95',
    description: 'CRLs, OCSP answers, staples: from the request to the last octet.',
    unit: 's',
    metrics: [{ expr: quantile(0.95, 'hems_egress_request_duration_seconds', 'purpose'), legend: '{{purpose}}' }],
  },
  {
    kind: 'timeseries',
    title: 'OCSP answers, by status',
    description: 'Good, revoked, or why a responder’s answer could not be believed.',
    unit: 'reqps',
    metrics: [{ expr: `sum by (status) (${rate(`hems_trust_ocsp_answers_total{${node}}`)})`, legend: '{{status}}' }],
  },
];

const verdictPanels: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Verdicts, by outcome',
    description: 'What revocation said of devices at the door.',
    unit: 'reqps',
    metrics: [{ expr: `sum by (anchor, outcome) (${rate(verdicts())})`, legend: '{{anchor}}: {{outcome}}' }],
    evidence: 'admissions?reason=revoked_crl',
  },
  {
    kind: 'timeseries',
    title: 'Answered from memory',
    description: 'Share of the verdicts that waited for nobody.',
    unit: 'percentunit',
    metrics: [{ expr: `sum(${rate(verdicts('how=~"remembered|memory"'))}) / sum(${rate(verdicts())})` }],
  },
  {
    kind: 'timeseries',
    title: 'Sessions that waited for a source',
    description: 'Verdicts for which a CRL or a responder had to be asked while the device stood at the door.',
    unit: 'reqps',
    metrics: [{ expr: `sum by (anchor) (${rate(verdicts('how="waited"'))})`, legend: '{{anchor}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Time of a verdict, p95',
    description: 'By whether a source had to be asked.',
    unit: 's',
    metrics: [{ expr: quantile(0.95, 'hems_trust_revocation_seconds', 'how'), legend: '{{how}}' }],
  },
  {
    kind: 'timeseries',
    title: 'Tolerated',
    description: 'Admissions that were less than every source saying good.',
    unit: 'reqps',
    metrics: [
      {
        expr: `sum by (anchor, tolerance) (${rate(`hems_trust_revocation_tolerated_total{${anchor},${node}}`)})`,
        legend: '{{anchor}}: {{tolerance}}',
      },
    ],
  },
  {
    kind: 'timeseries',
    title: 'Open connections closed, responders left alone',
    description: 'By a new CRL, answer, policy or list; responders that kept failing.',
    metrics: [
      {
        expr: `sum by (cause) (increase(hems_trust_connections_closed_total{${node}}[5m]))`,
        legend: 'closed: {{cause}}',
      },
      { expr: `max(hems_trust_ocsp_responders_left_alone{${node}})`, legend: 'responders left alone' },
    ],
  },
];

const evidence: readonly Panel[] = [
  {
    kind: 'table',
    title: 'CRLs in use',
    description: 'From each place one, until a newer one came from there.',
    sql: `select anchor, origin, issuer, number, this_update, next_update, entries, size, since
  from report.crls where anchor in (\${anchor:sqlstring}) order by next_update nulls last limit 100`,
    width: 24,
  },
  {
    kind: 'table',
    title: 'Where CRLs are fetched',
    description: 'The last attempt at every URL.',
    sql: `select url, anchor, pointer as from_certificate, attempted_at, fetched_at, outcome, failures, next_at
  from report.crl_fetches order by failures desc, attempted_at desc nulls last limit 100`,
  },
  {
    kind: 'table',
    title: 'In quarantine, since no source could say',
    description: 'A person may release each for a time.',
    sql: `select device_id, left(fingerprint, 16) as certificate, first_at, last_at, cause, released_until
  from report.quarantined_certificates order by last_at desc limit 50`,
    links: { device_id: 'devices/' },
  },
  {
    kind: 'table',
    title: 'Changes of revocation',
    description: 'Who changed what: policies, CRLs, our own list, overrides.',
    sql: 'select at, actor_kind, actor, action, subject, reason from report.revocation_changes order by seq desc limit 50',
    width: 24,
  },
];

export const revocation: Dashboard = {
  uid: 'hems-revocation',
  title: 'hems: Revocation health',
  description: 'Whether we would know that a certificate was revoked: lists, responders, verdicts.',
  rows: [
    { title: 'State', panels: state },
    { title: 'Sources', panels: lists },
    { title: 'Verdicts', panels: verdictPanels },
    { title: 'The evidence', panels: evidence },
  ],
};
