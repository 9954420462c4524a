import type { Config } from '../config/schema.ts';
import type { Task, TaskRequest } from '../fleet/task.ts';
import type { ConnectionRequests } from '../fleet/connection-requests.ts';
import { createParameterReading, type ParameterReading } from '../fleet/parameter-reading.ts';
import { createRegister } from '../fleet/register.ts';
import { createTaskDesk } from '../fleet/task-desk.ts';
import type { TaskOptions, Tasks } from '../fleet/tasks.ts';
import { createTraces, type Traces } from '../fleet/traces.ts';
import { systemClock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { commandLogger, type ConfigOptions, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import type { RegisterAccess } from './server/remote-register.ts';
import { remoteTaskAccess } from './server/remote-tasks.ts';
import { serverApi } from './server/server-api.ts';

export interface TaskAccess {
  readonly tasks: Tasks;
  readonly register: RegisterAccess;
  readonly parameters: Pick<ParameterReading, 'below' | 'reveal'>;
  readonly traces: Pick<Traces, 'begin' | 'read' | 'end'>;
  readonly connectionRequests: Pick<ConnectionRequests, 'ask' | 'get'>;
  /** By the configuration: whoever waits for a task has the device asked to call. */
  readonly wakes: boolean;
}

export function withTasks<T>(options: ConfigOptions, fn: (access: TaskAccess) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteTaskAccess(api));
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) => fn(taskAccess(config, db)));
}

export function taskAccess(config: Config, db: Database): TaskAccess {
  const deps = { db, clock: systemClock };
  const { forTasks } = config.connectionRequests;
  // Production runs on a database with a URL; the development server asks, and its configuration is in no file.
  const isDevelopment = config.database.url === undefined;
  return {
    ...createTaskDesk({ ...deps, config }),
    register: createRegister(deps),
    parameters: createParameterReading(deps),
    traces: createTraces(deps),
    wakes: forTasks || isDevelopment,
  };
}

/** Queues it, or says why it is refused and what to write instead. */
export async function queue(
  { tasks }: TaskAccess,
  deviceId: string,
  request: TaskRequest,
  options: TaskOptions & { readonly reason?: string | undefined } = {},
): Promise<{ readonly task: Task; readonly created: boolean }> {
  const { reason, ...rest } = options;
  const added = await tasks.add(deviceId, request, byOperator(reason), rest);
  if (added.ok) return added;
  const { kind, message, remedy } = added.problem;
  throw failure(kind === 'invalid' ? exitCodes.usage : exitCodes.no, message, remedy);
}

/** The one task that a person means. */
export async function oneTask({ tasks }: TaskAccess, text: string): Promise<Task> {
  const found = await tasks.find(text);
  const [task] = found;
  if (task === undefined)
    throw failure(exitCodes.no, `there is no task ${JSON.stringify(text)}`, '"hems task list" shows them');
  if (found.length > 1) throw failure(exitCodes.usage, `several tasks begin with ${text}`, 'write more of it');
  return task;
}
