import type { TaskRequest } from '../fleet/task.ts';
import { parseTaskRequest, taskKinds } from '../fleet/task-request-schema.ts';
import { exitCodes, failure } from './failure.ts';

/** A task as it is written at the command line: its kind, and `name=value` as often as needed. */
export function requestOf(kind: string, pairs: readonly string[]): TaskRequest {
  if (!taskKinds.some((known) => known === kind))
    throw failure(exitCodes.usage, `there is no task ${JSON.stringify(kind)}`, `kinds are ${taskKinds.join(', ')}`);
  const parsed = parseTaskRequest({ ...argumentsOf(pairs), kind });
  if (parsed.ok) return parsed.request;
  throw failure(exitCodes.usage, parsed.message, `docs/tasks.md says what ${kind} takes`);
}

/** `name=value` pairs; a value that is JSON is taken as such. */
function argumentsOf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair): [string, unknown] => {
      const equals = pair.indexOf('=');
      if (equals < 1)
        throw failure(
          exitCodes.usage,
          `${JSON.stringify(pair)} is not name=value`,
          `as in: hems task add DEVICE read-values paths='["Device.DeviceInfo."]'; docs/tasks.md has the names of each kind`,
        );
      return [pair.slice(0, equals), jsonOrText(pair.slice(equals + 1))];
    }),
  );
}

function jsonOrText(text: string): unknown {
  if (!/^(?:[[{"]|-?\d+$|true$|false$)/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
