import { Counter, type Registry } from 'prom-client';
import { hostGauge } from '../platform/host-gauge.ts';

type Direction = 'download' | 'upload';

/** How a request for a file ended; part: a range of it. */
export type FileEnd = (typeof ends)[number];
const ends = [
  'whole',
  'part',
  'nothing_new',
  'aborted',
  'too_slow',
  'too_large',
  'quota',
  'over',
  'unreadable',
  'internal',
  'refused',
  'turned_away',
] as const;

export interface FileMetrics {
  began(direction: Direction): void;
  ended(direction: Direction): void;
  outcome(direction: Direction, end: FileEnd): void;
  moved(direction: Direction, bytes: number): void;
}

function familiesOf(registry: Registry) {
  const registers = [registry];
  return {
    underWay: hostGauge({
      name: 'hems_southbound_file_transfers',
      help: 'Requests at the file door that are under way',
      aggregator: 'sum',
      labelNames: ['listener', 'direction'] as const,
      registers,
    }),
    requests: new Counter({
      name: 'hems_southbound_file_requests_total',
      help: 'Requests at the file door by how they ended',
      labelNames: ['listener', 'direction', 'outcome'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'hems_southbound_file_bytes_total',
      help: 'Bytes of files that went out or came in, as they are on the wire within TLS',
      labelNames: ['listener', 'direction'] as const,
      registers,
    }),
  };
}

const known = new WeakMap<Registry, ReturnType<typeof familiesOf>>();

export function createFileMetrics(registry: Registry, listener: string): FileMetrics {
  const families = known.get(registry) ?? familiesOf(registry);
  known.set(registry, families);
  for (const direction of ['download', 'upload'] as const) {
    families.underWay.set({ listener, direction }, 0);
    families.bytes.inc({ listener, direction }, 0);
    for (const outcome of ends) families.requests.inc({ listener, direction, outcome }, 0);
  }
  return {
    began: (direction) => families.underWay.inc({ listener, direction }),
    ended: (direction) => families.underWay.dec({ listener, direction }),
    outcome: (direction, outcome) => families.requests.inc({ listener, direction, outcome }),
    moved: (direction, bytes) => families.bytes.inc({ listener, direction }, bytes),
  };
}
