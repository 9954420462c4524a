import type { Task, TaskFault, TaskState } from '../fleet/task.ts';
import { shownRequest, shownValue } from '../fleet/task-secrets.ts';
import { type Colour, paint, print, printable, table } from './terminal.ts';

const colours: Readonly<Partial<Record<TaskState, Colour>>> = {
  done: 'green',
  failed: 'red',
  'unknown-outcome': 'yellow',
  expired: 'red',
  cancelled: 'dim',
};

export function printTasks(tasks: readonly ShownTask[]): void {
  if (tasks.length === 0) return void print('No tasks.');
  print(
    table(tasks, [
      { title: 'TASK', value: ({ id }) => id },
      { title: 'DEVICE', value: ({ deviceId }) => deviceId },
      { title: 'WHAT', value: summary, limit: 60 },
      { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => colours[state] },
      { title: 'QUEUED', value: ({ createdAt }) => createdAt.toISOString() },
      { title: 'BY', value: ({ origin }) => origin.name, limit: 30 },
    ]),
  );
}

function summary({ request }: Pick<Task, 'request'>): string {
  switch (request.kind) {
    case 'read-values':
    case 'read-attributes':
      return `${request.kind} ${request.paths.join(' ')}`;
    case 'read-names':
    case 'read-tree':
      return `${request.kind} ${request.path}`;
    case 'write-values':
      return `${request.kind} ${request.values.map((one) => `${one.name}=${shownValue(one).value}`).join(' ')}`;
    case 'add-object':
    case 'delete-object':
      return `${request.kind} ${request.object}`;
    case 'download':
    case 'upload':
    case 'schedule-download':
      return `${request.kind} ${request.fileType} ${request.url}`;
    default:
      return request.kind;
  }
}

/** Secret and personal values masked: what `--json` prints as well. */
export function shownTask(task: Task): ShownTask {
  const { step: _s, progress: _p, sessionId: _i, idempotencyKey: _k, ...shown } = task;
  return { ...shown, request: shownRequest(task.request) };
}

/** Without what the server needs for its own work, and what the API does not tell. */
export type ShownTask = Omit<Task, 'step' | 'progress' | 'sessionId' | 'idempotencyKey'>;

export function printTask(task: ShownTask): void {
  const { id, deviceId, state, priority, notBefore, expiresAt, dependsOn, attempts, sentAt, finishedAt } = task;
  const colour = colours[state];
  print(`Task ${id} of device ${deviceId}`);
  print(`  ${printable(summary(task), 2000)}`);
  print(
    `  ${colour === undefined ? state : paint(colour, state)}${finishedAt ? ` since ${finishedAt.toISOString()}` : ''}`,
  );
  print(`  queued ${task.createdAt.toISOString()} by ${printable(task.origin.name)}, priority ${priority}`);
  if (notBefore > task.createdAt) print(`  not before ${notBefore.toISOString()}`);
  if (expiresAt !== null) print(`  not after ${expiresAt.toISOString()}`);
  if (dependsOn !== null) print(`  after task ${dependsOn}`);
  if (attempts > 0)
    print(`  sent ${attempts === 1 ? 'once' : `${attempts} times`}, last ${sentAt?.toISOString() ?? ''}`);
  if (task.result !== null) print(`  result ${printable(JSON.stringify(task.result), 2000)}`);
  if (task.fault !== null) for (const line of faultLines(task.fault)) print(`  ${line}`);
  if (state === 'unknown-outcome')
    print('  The device may have carried it out or not; it is not sent again. What the device tells next settles it.');
}

export function faultLines(fault: TaskFault): string[] {
  const code = fault.code === undefined ? '' : ` ${fault.code}`;
  return [
    `${fault.cause}${code}: ${printable(fault.message)}`,
    ...(fault.parameters ?? []).map((one) => `  ${printable(one.name)}: ${one.code} ${printable(one.message)}`),
  ];
}
