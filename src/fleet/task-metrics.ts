import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../platform/events.ts';
import { taskKinds } from './task-request-schema.ts';

const outcomes = ['done', 'failed', 'in-progress', 'unknown-outcome'] as const;

/** Counts what becomes of tasks at this node, and what parameters change; answers the end of it. */
export function countTasks(events: EventBus, metrics: Registry): () => void {
  const registers = [metrics];
  const tasks = new Counter({
    name: 'hems_fleet_task_outcomes_total',
    help: 'Tasks that came to this state',
    labelNames: ['kind', 'outcome'] as const,
    registers,
  });
  const changes = new Counter({
    name: 'hems_fleet_parameter_changes_total',
    help: 'Changes of known parameters: told by an Inform, or found by a task',
    labelNames: ['origin'] as const,
    registers,
  });
  for (const kind of taskKinds) for (const outcome of outcomes) tasks.inc({ kind, outcome }, 0);
  for (const origin of ['inform', 'task']) changes.inc({ origin }, 0);
  return events.subscribe((event) => {
    if (event.kind === 'task') tasks.inc({ kind: event.task, outcome: event.state });
    if (event.kind === 'parameters') changes.inc({ origin: event.origin }, event.changes.length);
  });
}
