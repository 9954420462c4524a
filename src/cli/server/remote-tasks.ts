import type { ConnectionRequest } from '../../fleet/connection-request.ts';
import type { ConnectionRequestProblem } from '../../fleet/connection-requests.ts';
import type { ParameterPage, ParameterReading } from '../../fleet/parameter-reading.ts';
import type { TraceMessageRow } from '../../fleet/trace-queries.ts';
import type { Task } from '../../fleet/task.ts';
import type { TaskProblem, Tasks } from '../../fleet/tasks.ts';
import type { TaskAccess } from '../task-access.ts';
import type { Api, ApiProblem } from './api.ts';
import { cursorOf, type Page, positionOf } from './paging.ts';
import { remoteRegister } from './remote-register.ts';

const devices = '/api/v1/devices';

/** Tasks, parameters and traces of the server's devices, by its API. */
export function remoteTaskAccess(api: Api): TaskAccess {
  return {
    register: remoteRegister(api),
    tasks: remoteTasks(api),
    parameters: remoteParameters(api),
    traces: remoteTraces(api),
    connectionRequests: remoteRequests(api),
    // The server asks by itself where it is to.
    wakes: false,
  };
}

/** What the API does not tell: how far a task is between two requests of its own. */
function taskOf(wire: Omit<Task, 'progress'>): Task {
  return { ...wire, progress: {} } as Task;
}

function problemOf({ code, detail }: ApiProblem): { ok: false; problem: TaskProblem } {
  return { ok: false, problem: { kind: code as TaskProblem['kind'], message: detail } };
}

const refusals = { problems: [404, 409, 422] };

function remoteTasks(api: Api): Tasks {
  return {
    add: async (deviceId, request, { reason }, options = {}) => {
      const { idempotencyKey, ...rest } = options;
      const said = await api.ask<Task>('POST', `${devices}/${deviceId}/tasks`, {
        body: { request, reason, ...rest },
        ...(idempotencyKey !== undefined && { headers: { 'Idempotency-Key': idempotencyKey } }),
        ...refusals,
      });
      if (!said.ok) return problemOf(said.problem);
      return { ok: true, task: taskOf(said.body), created: said.status === 201 };
    },
    list: async ({ deviceId, state, before }, limit) => {
      const path = deviceId === undefined ? '/api/v1/tasks' : `${devices}/${deviceId}/tasks`;
      const cursor = before === undefined ? undefined : cursorOf(before);
      const found: Task[] = [];
      let page: Page<Task> = { items: [], ...(cursor !== undefined && { next: cursor }) };
      // A page that is searched may be short, and have more behind it.
      do {
        page = await api.get<Page<Task>>(path, {
          state,
          limit: Math.min(limit - found.length, 1000),
          cursor: page.next,
        });
        found.push(...page.items.map(taskOf));
      } while (page.next !== undefined && found.length < limit);
      return found;
    },
    find: async (text) => (await api.get<Page<Task>>('/api/v1/task-lookup', { text })).items.map(taskOf),
    get: async (deviceId, id) => {
      const said = await api.ask<Task>('GET', `${devices}/${deviceId}/tasks/${id}`, { problems: [404] });
      return said.ok ? taskOf(said.body) : undefined;
    },
    cancel: async (deviceId, id, { reason }) => {
      const path = `${devices}/${deviceId}/tasks/${id}`;
      const before = await api.ask<Task>('GET', path, refusals);
      const said = await api.ask<Task>('POST', `${path}/cancel`, { body: { reason }, ...refusals });
      if (!said.ok) return problemOf(said.problem);
      return { ok: true, task: taskOf(said.body), changed: !before.ok || before.body.state !== 'cancelled' };
    },
  };
}

function pageOf({ items, next }: Page<ParameterPage['parameters'][number]>): ParameterPage {
  const [after] = positionOf(next) ?? [];
  return { parameters: items, ...(after !== undefined && { next: after }) };
}

function remoteParameters(api: Api): Pick<ParameterReading, 'below' | 'reveal'> {
  type Wire = Page<ParameterPage['parameters'][number]>;
  const collect = async (
    { after, limit }: { readonly after?: string; readonly limit: number },
    read: (cursor: string | undefined, limit: number) => Promise<Wire>,
  ): Promise<ParameterPage> => {
    const found: ParameterPage['parameters'][number][] = [];
    let next = after;
    do {
      const cursor = next === undefined ? undefined : cursorOf(next);
      const page = pageOf(await read(cursor, Math.min(limit - found.length, 1000)));
      found.push(...page.parameters);
      next = page.next;
    } while (next !== undefined && found.length < limit);
    return { parameters: found, ...(next !== undefined && { next }) };
  };
  return {
    below: (deviceId, path, page) =>
      collect(page, (cursor, limit) => api.get<Wire>(`${devices}/${deviceId}/parameters`, { path, limit, cursor })),
    reveal: (deviceId, path, page, { reason }) =>
      collect(page, async (cursor, limit) => {
        const body = { path, limit, after: positionOf(cursor)?.[0], reason };
        const said = await api.ask<Wire>('POST', `${devices}/${deviceId}/parameters/reveal`, { body });
        if (!said.ok) return { items: [] };
        const { items, next } = said.body;
        return { items, ...(next !== undefined && { next: cursorOf(next) }) };
      }),
  };
}

function remoteTraces(api: Api): TaskAccess['traces'] {
  return {
    begin: async (deviceId, until, { reason = 'none given at the command line' }) => {
      await api.ask('POST', `${devices}/${deviceId}/trace`, { body: { until, reason } });
    },
    end: async (deviceId, { reason = 'none given at the command line' }) =>
      (await api.ask('DELETE', `${devices}/${deviceId}/trace`, { query: { reason }, problems: [404] })).ok,
    read: async (deviceId, since, after, limit) => {
      const cursor = after === undefined ? undefined : cursorOf(after);
      const path = `${devices}/${deviceId}/trace/messages`;
      const page = await api.get<Page<Omit<TraceMessageRow, 'deviceId'>>>(path, { since, limit, cursor });
      return page.items.map((message) => ({ ...message, deviceId }));
    },
  };
}

function remoteRequests(api: Api): TaskAccess['connectionRequests'] {
  const path = (deviceId: string): string => `${devices}/${deviceId}/connection-requests`;
  return {
    ask: async (deviceId, { reason }) => {
      const said = await api.ask<ConnectionRequest>('POST', path(deviceId), { body: { reason }, problems: [404, 409] });
      if (said.ok) return { ok: true, request: said.body, created: said.status === 202 };
      const [message = '', remedy = ''] = said.problem.detail.split('; ');
      return { ok: false, problem: { kind: said.problem.code as ConnectionRequestProblem['kind'], message, remedy } };
    },
    get: async (deviceId, id) => {
      const said = await api.ask<ConnectionRequest>('GET', `${path(deviceId)}/${id}`, { problems: [404] });
      return said.ok ? said.body : undefined;
    },
  };
}
