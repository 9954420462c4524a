import type { Registry } from 'prom-client';
import { tallyCounter } from '../platform/tally.ts';
import { pathReasons } from '../x509/path-failure.ts';
import { anchorOf, type Decision } from './decision.ts';
import { type Peer, type RefusalReason, refusalReasons } from './refusal.ts';

/** Reasons by how far the client came: what is known of it then decides which series can occur. */
const beforeCertificate: readonly RefusalReason[] = [
  'not_tls',
  'protocol_version',
  'no_shared_cipher',
  'rc4_only_client',
  'null_only_client',
  'handshake_timeout',
  'rate_limited',
  'no_client_cert',
];
const ofTrusted: readonly RefusalReason[] = [
  'second_lock',
  'identity_missing',
  'identity_ambiguous',
  'realm_not_permitted',
  'device_unknown',
];

const ofRevocation: readonly RefusalReason[] = [
  'revoked_crl',
  'revoked_ocsp',
  'revocation_unavailable',
  'revocation_stale',
  'ocsp_unknown',
];

export interface SeriesLabels {
  readonly outcome: 'admitted' | 'refused';
  readonly reason: RefusalReason | 'none';
  readonly anchor: string;
  readonly peer: Peer;
}

/** Every series that can occur for these anchors. */
export function decisionSeries(anchors: readonly string[]): SeriesLabels[] {
  const refused = (reason: RefusalReason, anchor: string, peer: Peer): SeriesLabels => {
    return { outcome: 'refused', reason, anchor, peer };
  };
  const strangers = [...beforeCertificate, ...pathReasons, 'handshake_other' as const];
  return [
    ...strangers.map((reason) => refused(reason, 'none', 'stranger')),
    ...anchors.flatMap((anchor) => [
      { outcome: 'admitted' as const, reason: 'none' as const, anchor, peer: 'known' as const },
      ...pathReasons.map((reason) => refused(reason, anchor, 'stranger')),
      ...[...pathReasons, ...ofTrusted, ...ofRevocation, 'handshake_other' as const].map((reason) =>
        refused(reason, anchor, 'trusted-chain'),
      ),
      ...refusalReasons
        .filter((reason) => !beforeCertificate.includes(reason) || reason === 'rate_limited')
        .filter((reason) => reason !== 'device_unknown')
        .map((reason) => refused(reason, anchor, 'known')),
    ]),
  ];
}

/** What a client may offer; anything else is `other`, and nothing `none`. */
const tlsVersions = ['SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
/** Suites are negotiated, so they are of our own profiles; this many names are told apart all the same. */
const mostSuites = 40;

/** By version and suite, without the anchor: all of them together would be too many series. */
function createTlsCounter(registry: Registry): (decision: Decision) => void {
  const counter = tallyCounter({
    name: 'hems_trust_decisions_by_tls_total',
    help: 'Decisions of the gate by TLS version and cipher suite; none where the handshake did not come so far',
    labelNames: ['outcome', 'peer', 'tls_version', 'cipher_suite'] as const,
    registers: [registry],
  });
  const suites = new Set(['none']);
  const series = new Map<string, () => void>();
  const suiteOf = (name: string | undefined): string => {
    if (name === undefined || suites.has(name)) return name ?? 'none';
    if (suites.size > mostSuites || !/^TLS_[A-Z0-9_]{1,60}$/.test(name)) return 'other';
    suites.add(name);
    return name;
  };
  return ({ outcome, peer, facts: { tlsVersion = 'none', cipherSuite } }) => {
    const version = tlsVersion === 'none' || tlsVersions.includes(tlsVersion) ? tlsVersion : 'other';
    const suite = suiteOf(cipherSuite);
    const key = `${outcome} ${peer} ${version} ${suite}`;
    const count = series.get(key) ?? counter.series({ outcome, peer, tls_version: version, cipher_suite: suite });
    series.set(key, count);
    count();
  };
}

/** Counts every decision, sampled or not. Labels come from the configuration and closed lists alone. */
export function createDecisionCounter(registry: Registry, anchors: readonly string[]): (decision: Decision) => void {
  const byTls = createTlsCounter(registry);
  const counter = tallyCounter({
    name: 'hems_trust_decisions_total',
    help: 'Decisions of the gate; anchor is the configured name or none',
    labelNames: ['outcome', 'reason', 'anchor', 'peer'] as const,
    registers: [registry],
  });
  const keyOf = ({ reason, anchor, peer }: Omit<SeriesLabels, 'outcome'>): string => `${reason} ${peer} ${anchor}`;
  const series = new Map<string, () => void>();
  const seriesFor = (labels: SeriesLabels): (() => void) => {
    const key = keyOf(labels);
    const known = series.get(key) ?? counter.series({ ...labels });
    series.set(key, known);
    return known;
  };
  for (const labels of decisionSeries(anchors)) seriesFor(labels);
  const known = new Set(anchors);
  return (decision) => {
    byTls(decision);
    const anchor = anchorOf(decision);
    const { outcome, peer } = decision;
    const reason = decision.outcome === 'admitted' ? 'none' : decision.reason;
    seriesFor({ outcome, reason, anchor: anchor !== undefined && known.has(anchor) ? anchor : 'none', peer })();
  };
}
