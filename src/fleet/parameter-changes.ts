import type { EventBus } from '../platform/events.ts';
import type { ParameterChange } from './parameters.ts';
import { maskedValue } from './secret-parameters.ts';

/** Publishes what changed; nothing, if nothing did. */
export function tellChanges(
  events: EventBus | undefined,
  deviceId: string,
  origin: 'inform' | 'task',
  changes: readonly ParameterChange[],
  at: Date,
): void {
  if (changes.length === 0) return;
  const shown = (name: string, value: string | null): string | null =>
    value === null ? null : maskedValue(name, value);
  events?.publish({
    kind: 'parameters',
    at,
    deviceId,
    origin,
    changes: changes.map(({ name, before, after }) => ({
      name,
      before: shown(name, before),
      after: shown(name, after),
    })),
  });
}
