import type { Registry } from 'prom-client';
import { type DoorFamilies, doorFamiliesOf } from './door-metric-families.ts';

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

/** TR-069 A.5.1. */
const cpeFaultCodes = Array.from({ length: 33 }, (_, i) => String(9000 + i));

/** How a request of ours fared; `fault` is the device's code, or why there is no answer. */
export type RpcOutcome = number | 'none' | 'unreadable' | 'no_answer' | 'not_sent';

function faultLabel(outcome: RpcOutcome): string {
  if (typeof outcome !== 'number') return outcome;
  return cpeFaultCodes.includes(String(outcome)) ? String(outcome) : 'other';
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

function handshakeSeries({ handshake }: DoorFamilies, listener: string) {
  return seriesOf(['TLSv1.2', 'TLSv1.3'], (tls_version) => ({
    full: handshake.series({ listener, tls_version, resumed: 'false' }),
    resumed: handshake.series({ listener, tls_version, resumed: 'true' }),
  }));
}

function answerSeries({ requests }: DoorFamilies, listener: string): ReadonlyMap<number, () => void> {
  return new Map(statuses.map((status) => [status, requests.series({ listener, status: String(status) })]));
}

export function createDoorMetrics(registry: Registry, listener: string): DoorMetrics {
  const families = doorFamiliesOf(registry);
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
