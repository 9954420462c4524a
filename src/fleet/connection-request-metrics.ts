import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../platform/events.ts';
import { connectionRequestStates } from './connection-request.ts';

/** Counts what comes of connection requests at this node; answers the end of it. */
export function countConnectionRequests(events: EventBus, metrics: Registry): () => void {
  const registers = [metrics];
  const requests = new Counter({
    name: 'hems_fleet_connection_requests_total',
    help: 'Connection requests by what came of them',
    labelNames: ['state'] as const,
    registers,
  });
  const sessions = new Counter({
    name: 'hems_fleet_connection_request_sessions_total',
    help: 'Sessions that devices opened by 6 CONNECTION REQUEST, and whether hems had asked for it',
    labelNames: ['asked'] as const,
    registers,
  });
  for (const state of connectionRequestStates)
    if (state !== 'waiting' && state !== 'sending') requests.inc({ state }, 0);
  for (const asked of ['yes', 'no']) sessions.inc({ asked }, 0);
  return events.subscribe((event) => {
    if (event.kind === 'connection-request') requests.inc({ state: event.state });
    if (event.kind === 'connection-request-session') sessions.inc({ asked: event.id === undefined ? 'no' : 'yes' });
  });
}
