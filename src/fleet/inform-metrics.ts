import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../platform/events.ts';

/** TR-069 A.3.3.1, and what follows an M for the methods that bring one. */
const informEvents = [
  '0 BOOTSTRAP',
  '1 BOOT',
  '2 PERIODIC',
  '3 SCHEDULED',
  '4 VALUE CHANGE',
  '5 KICKED',
  '6 CONNECTION REQUEST',
  '7 TRANSFER COMPLETE',
  '8 DIAGNOSTICS COMPLETE',
  '9 REQUEST DOWNLOAD',
  '10 AUTONOMOUS TRANSFER COMPLETE',
  '11 DU STATE CHANGE COMPLETE',
  '12 AUTONOMOUS DU STATE CHANGE COMPLETE',
  '13 WAKEUP',
  '14 HEARTBEAT',
  'M Reboot',
  'M ScheduleInform',
  'M Download',
  'M ScheduleDownload',
  'M Upload',
  'M ChangeDUState',
] as const;

export interface InformCountingDeps {
  readonly events: EventBus;
  readonly metrics: Registry;
  /** ProductClasses that are told apart, as configured; the rest is `other`. */
  readonly models: readonly string[];
}

/** Counts the Informs that this node stored; answers the end of it. What devices write chooses no label. */
export function countInforms({ events, metrics, models }: InformCountingDeps): () => void {
  const registers = [metrics];
  const byEvent = new Counter({
    name: 'hems_fleet_inform_events_total',
    help: 'Events of stored Informs; one Inform may bring several',
    labelNames: ['event'] as const,
    registers,
  });
  const byModel = new Counter({
    name: 'hems_fleet_informs_total',
    help: 'Stored Informs by model: a ProductClass of metrics.models, or other',
    labelNames: ['model'] as const,
    registers,
  });
  const known = new Set<string>(informEvents);
  const named = new Set(models);
  for (const event of [...informEvents, 'other']) byEvent.inc({ event }, 0);
  for (const model of [...models, 'other']) byModel.inc({ model }, 0);
  return events.subscribe((event) => {
    if (event.kind !== 'inform') return;
    const { productClass } = event.deviceIdStruct;
    byModel.inc({ model: named.has(productClass) ? productClass : 'other' });
    for (const code of event.events) byEvent.inc({ event: known.has(code) ? code : 'other' });
  });
}
