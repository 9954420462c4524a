import { Counter, type Registry } from 'prom-client';
import { acsFaults } from '../cwmp/faults.ts';
import { cpeMethods } from '../cwmp/methods.ts';
import { tallyCounter, tallyHistogram } from '../platform/tally.ts';
import { type AcrossWorkers, hostGauge } from '../platform/host-gauge.ts';

/** How a TCP connection ended up; `silent`: it came and went without a byte, as load balancers' probes do. */
export type ConnectionOutcome = (typeof connectionOutcomes)[number];
const connectionOutcomes = ['admitted', 'refused', 'silent', 'turned_away'] as const;

/** superseded: the same device began another; closed: the listener did. */
export type SessionEnd = (typeof sessionEnds)[number];
const sessionEnds = ['completed', 'failed', 'refused', 'superseded', 'timed_out', 'closed', 'moved'] as const;

export const statuses = [
  ...[200, 201, 204, 206, 304, 400, 403, 404, 405, 408, 412, 413, 415, 416, 417, 431, 500, 503, 507],
] as const;

/** RFC 8446 6: what a client may say against us; `unknown_ca` and its like mean that it does not trust our certificate. */
const alerts = [
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'unknown_ca',
  'handshake_failure',
  'protocol_version',
  'insufficient_security',
  'decrypt_error',
  'illegal_parameter',
  'internal_error',
  'user_cancelled',
] as const;

function clientAlert(code: string | undefined): string {
  const name = /ALERT_(.*)$/.exec(code ?? '')?.[1]?.toLowerCase();
  return alerts.find((alert) => alert === name) ?? 'other';
}

type Registers = Registry[];
const listener = ['listener'] as const;
const short = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

function counter<T extends string>(registers: Registers, name: string, help: string, labelNames: readonly T[]) {
  return new Counter({ name: `hems_southbound_${name}`, help, labelNames, registers });
}

/** Counted in every session. */
function tallied<T extends string>(registers: Registers, name: string, help: string, labelNames: readonly T[]) {
  return tallyCounter({ name: `hems_southbound_${name}`, help, labelNames, registers });
}

function gauge<T extends string>(
  aggregator: AcrossWorkers,
  registers: Registers,
  name: string,
  help: string,
  labelNames: readonly T[],
) {
  return hostGauge({ name: `hems_southbound_${name}`, help, labelNames, registers, aggregator });
}

function seconds<T extends string>(registers: Registers, name: string, help: string, labelNames: readonly T[]) {
  const buckets = [...short, 30, 60, 300];
  return tallyHistogram({ name: `hems_southbound_${name}`, help, labelNames, registers, buckets });
}

function handshakeFamilies(to: Registers) {
  const ofHandshake = ['listener', 'tls_version', 'resumed'] as const;
  return {
    connections: gauge('sum', to, 'connections', 'TCP connections that are open', listener),
    connectionsTotal: tallied(to, 'connections_total', 'TCP connections by what became of them', [
      'listener',
      'outcome',
    ] as const),
    inFlight: gauge('sum', to, 'handshakes_in_flight', 'Handshakes that are under way, the verdict included', listener),
    waiting: gauge('sum', to, 'handshakes_waiting', 'Clients that wait for a place in the handshakes', listener),
    handshake: seconds(to, 'handshake_seconds', 'From the ClientHello to the end of the TLS handshake', ofHandshake),
    verdict: seconds(to, 'verdict_seconds', 'From the end of the handshake to the verdict of the gate', listener),
    clientAlerts: counter(to, 'client_alerts_total', 'Handshakes that the client broke off with an alert', [
      'listener',
      'alert',
    ] as const),
  };
}

function sessionFamilies(to: Registers) {
  return {
    requests: tallied(to, 'requests_total', 'HTTP answers by status', ['listener', 'status'] as const),
    sessions: gauge('sum', to, 'sessions', 'CWMP sessions that are open', listener),
    sessionsTotal: tallied(to, 'sessions_total', 'CWMP sessions by how they ended', ['listener', 'outcome'] as const),
    session: seconds(to, 'session_seconds', 'From the Inform to the end of the session', listener),
    sharedSecretsIgnored: counter(
      to,
      'shared_secrets_ignored_total',
      'Requests served on the certificate alone although they carried an Authorization header',
      listener,
    ),
  };
}

/** TR-069 A.5.1. */
const cpeFaultCodes = Array.from({ length: 33 }, (_, i) => String(9000 + i));

/** How a request of ours fared; `fault` is the device's code, or why there is no answer. */
export type RpcOutcome = number | 'none' | 'unreadable' | 'no_answer' | 'not_sent';

function faultLabel(outcome: RpcOutcome): string {
  if (typeof outcome !== 'number') return outcome;
  return cpeFaultCodes.includes(String(outcome)) ? String(outcome) : 'other';
}

function rpcFamilies(to: Registers) {
  const rpcs = counter(to, 'rpcs_total', 'Requests to devices by method and fault code; none: it answered', [
    'method',
    'fault',
  ] as const);
  const refused = counter(to, 'device_requests_refused_total', 'Requests of devices that were answered with a fault', [
    'fault',
  ] as const);
  for (const method of Object.keys(cpeMethods)) rpcs.inc({ method, fault: 'none' }, 0);
  for (const code of Object.keys(acsFaults)) refused.inc({ fault: code }, 0);
  return { rpcs, requestsRefused: refused };
}

function certificateFamilies(to: Registers) {
  const ofCertificate = ['listener', 'key_type'] as const;
  return {
    reloads: counter(
      to,
      'certificate_reloads_total',
      'Server certificates taken up, or refused and the old ones kept',
      ['listener', 'outcome'] as const,
    ),
    reloadFailed: gauge(
      'max',
      to,
      'certificate_reload_failed',
      '1 while the last new certificate was refused',
      listener,
    ),
    notAfter: gauge(
      'min',
      to,
      'certificate_not_after_seconds',
      'End of the served certificate, Unix time',
      ofCertificate,
    ),
    notBefore: gauge(
      'max',
      to,
      'certificate_not_before_seconds',
      'Start of the served certificate, Unix time',
      ofCertificate,
    ),
  };
}

function build(to: Registers) {
  return { ...handshakeFamilies(to), ...sessionFamilies(to), ...rpcFamilies(to), ...certificateFamilies(to) };
}

type Families = ReturnType<typeof build>;

/** All listeners of a process count into the same families. */
const known = new WeakMap<Registry, Families>();

function familiesOf(registry: Registry): Families {
  const families = known.get(registry) ?? build([registry]);
  known.set(registry, families);
  return families;
}

/** What one listener counts; the label `listener` is bound. */
export interface DoorMetrics {
  opened(): void;
  closed(): void;
  connection(outcome: ConnectionOutcome): void;
  handshakes(inFlight: number, waiting: number): void;
  handshakeDone(seconds: number, tlsVersion: 'TLSv1.2' | 'TLSv1.3', resumed: boolean): void;
  verdictDone(seconds: number): void;
  /** Counts OpenSSL's error code if it is an alert of the client. */
  handshakeBroken(code: string | undefined): void;
  request(status: number): void;
  sessionBegan(): void;
  sessionEnded(outcome: SessionEnd, seconds: number): void;
  sharedSecretIgnored(): void;
  /** `method` is one that hems sends, never what a device wrote. */
  rpc(method: string, outcome: RpcOutcome): void;
  requestRefused(faultCode: number): void;
  certificatesLoaded(outcome: 'loaded' | 'kept_old'): void;
  certificateServed(keyType: string, notBefore: Date, notAfter: Date): void;
}

function seriesOf<K extends string, S>(keys: readonly K[], make: (key: K) => S): Record<K, S> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, S>;
}

function handshakeSeries({ handshake }: Families, listener: string) {
  return seriesOf(['TLSv1.2', 'TLSv1.3'], (tls_version) => ({
    full: handshake.series({ listener, tls_version, resumed: 'false' }),
    resumed: handshake.series({ listener, tls_version, resumed: 'true' }),
  }));
}

function answerSeries({ requests }: Families, listener: string): ReadonlyMap<number, () => void> {
  return new Map(statuses.map((status) => [status, requests.series({ listener, status: String(status) })]));
}

export function createDoorMetrics(registry: Registry, listener: string): DoorMetrics {
  const families = familiesOf(registry);
  const answers = answerSeries(families, listener);
  const outcomes = seriesOf(connectionOutcomes, (outcome) => families.connectionsTotal.series({ listener, outcome }));
  const ends = seriesOf(sessionEnds, (outcome) => families.sessionsTotal.series({ listener, outcome }));
  for (const outcome of ['loaded', 'kept_old']) families.reloads.inc({ listener, outcome }, 0);
  families.reloadFailed.set({ listener }, 0);
  families.sharedSecretsIgnored.inc({ listener }, 0);
  const other = families.requests.series({ listener, status: 'other' });
  const open = families.connections.labels({ listener });
  const inFlight = families.inFlight.labels({ listener });
  const waiting = families.waiting.labels({ listener });
  const sessions = families.sessions.labels({ listener });
  const session = families.session.series({ listener });
  const handshakes = handshakeSeries(families, listener);
  return {
    opened: () => open.inc(),
    closed: () => open.dec(),
    connection: (outcome) => outcomes[outcome](),
    handshakes: (running, queued) => {
      inFlight.set(running);
      waiting.set(queued);
    },
    handshakeDone: (seconds, tlsVersion, resumed) => handshakes[tlsVersion][resumed ? 'resumed' : 'full'](seconds),
    verdictDone: families.verdict.series({ listener }),
    handshakeBroken: (code) => {
      if (code?.includes('ALERT_')) families.clientAlerts.inc({ listener, alert: clientAlert(code) });
    },
    request: (status) => (answers.get(status) ?? other)(),
    sessionBegan: () => sessions.inc(),
    sessionEnded: (outcome, seconds) => {
      sessions.dec();
      ends[outcome]();
      session(seconds);
    },
    rpc: (method, outcome) => families.rpcs.inc({ method, fault: faultLabel(outcome) }),
    requestRefused: (code) => families.requestsRefused.inc({ fault: String(code) }),
    sharedSecretIgnored: () => families.sharedSecretsIgnored.inc({ listener }),
    certificatesLoaded: (outcome) => {
      families.reloads.inc({ listener, outcome });
      families.reloadFailed.set({ listener }, outcome === 'loaded' ? 0 : 1);
    },
    certificateServed: (keyType, notBefore, notAfter) => {
      families.notBefore.set({ listener, key_type: keyType }, notBefore.getTime() / 1000);
      families.notAfter.set({ listener, key_type: keyType }, notAfter.getTime() / 1000);
    },
  };
}
