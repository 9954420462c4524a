import { alertNames } from '../tls-client.ts';
import type { Observation, Step } from './scenario.ts';

/** What the ACS recorded of one connection: the part of an admission event that a step is judged by. */
export interface RecordedDecision {
  readonly outcome: 'admitted' | 'refused';
  readonly reason?: string;
}

/**
 * Holds what the client saw and what the ACS recorded of the same connections (all decisions whose listener is the
 * step's door and whose remote port is one of the observation's local ports) against what should have happened. Returns
 * the differences, in words; none: as expected.
 */
export function judgeStep(step: Step, seen: Observation, recorded: readonly RecordedDecision[]): string[] {
  return [...judgeClient(step, seen), ...judgeRecord(step, recorded)];
}

function judgeClient({ expect }: Step, seen: Observation): string[] {
  const found = seen.violations.map((violation) => `the ACS ${violation}`);
  const differ = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted !== undefined && wanted !== got) found.push(`${what} ${String(wanted)} expected, ${String(got)} seen`);
  };
  if (expect.outcome === 'admitted') {
    if (!seen.informed) found.push('no InformResponse');
    if (!seen.complete)
      found.push(`the session did not end on 204${seen.error === undefined ? '' : ` (${seen.error})`}`);
  } else {
    if (seen.informed) found.push('an InformResponse was sent to a client that should be refused');
    if (seen.closedBy === 'nobody') found.push(`no connection (${seen.error ?? ''})`);
    // The gate: not one HTTP byte of a client without an admission is ever answered.
    if (expect.http === undefined && expect.fault === undefined && seen.statuses.length > 0)
      found.push(`HTTP ${seen.statuses.join(', ')} before admission`);
  }
  differ('HTTP', expect.http, seen.statuses.at(-1));
  differ('fault', expect.fault, seen.fault);
  differ('alert', expect.alert, seen.alert);
  differ('TLS', expect.tlsVersion, seen.tlsVersion);
  differ('resumed', expect.resumed, seen.resumed);
  return found;
}

function judgeRecord({ expect }: Step, recorded: readonly RecordedDecision[]): string[] {
  const refusals = recorded.filter(({ outcome }) => outcome === 'refused');
  if (expect.outcome === 'admitted') {
    if (refusals.length > 0) return [`refused: ${refusals.map(({ reason }) => reason).join(', ')}`];
    return recorded.length === 0 ? ['no decision recorded'] : [];
  }
  if (refusals.length === 0) return [recorded.length === 0 ? 'no decision recorded' : 'admitted'];
  const right = refusals.some(({ reason }) => expect.reason === undefined || reason === expect.reason);
  return right ? [] : [`refused as ${refusals.map(({ reason }) => reason).join(', ')}, not as ${expect.reason}`];
}

/** What the client saw, in a few words for a table. */
export function describeObservation(seen: Observation): string {
  if (seen.closedBy === 'nobody') return `no connection: ${seen.error ?? ''}`;
  const parts = [
    ...(seen.statuses.length === 0 ? [] : [`HTTP ${seen.statuses.join(', ')}`]),
    ...(seen.fault === undefined ? [] : [`fault ${seen.fault}`]),
    ...(seen.alert === undefined ? [] : [`alert ${alertNames[seen.alert] ?? seen.alert}`]),
  ];
  if (parts.length === 0) return seen.closedBy === 'acs' ? 'closed without a word' : (seen.error ?? 'nothing');
  return parts.join(', ');
}
