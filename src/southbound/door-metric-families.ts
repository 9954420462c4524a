import { Counter, type Registry } from 'prom-client';
import { acsFaults } from '../cwmp/faults.ts';
import { cpeMethods } from '../cwmp/methods.ts';
import { type AcrossWorkers, hostGauge } from '../platform/host-gauge.ts';
import { tallyCounter, tallyHistogram } from '../platform/tally.ts';

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

/** What the doors of a process count, but for files. */
export type DoorFamilies = ReturnType<typeof build>;

/** All listeners of a process count into the same families. */
const known = new WeakMap<Registry, DoorFamilies>();

export function doorFamiliesOf(registry: Registry): DoorFamilies {
  const families = known.get(registry) ?? build([registry]);
  known.set(registry, families);
  return families;
}
