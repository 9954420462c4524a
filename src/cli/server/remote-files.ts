import { Readable } from 'node:stream';
import type { AutonomousTransfer, DeviceUpload, Transfers } from '../../fleet/files/device-transfers.ts';
import type { FileHold, FileLink, FileProblem, Files, StoredFile } from '../../fleet/files/files.ts';
import type { DeviceTransfer } from '../../fleet/files/transfer-state.ts';
import type { Task } from '../../fleet/task.ts';
import type { TaskOptions } from '../../fleet/tasks.ts';
import type { FileAccess } from '../file-access.ts';
import type { Api, ApiProblem } from './api.ts';
import { cursorOf, type Page } from './paging.ts';
import { remoteTaskAccess } from './remote-tasks.ts';

const files = '/api/v1/files';
const devices = '/api/v1/devices';
/** As the configuration has it by default; the server's own may be another. */
const linkLife = 7 * 86_400_000;

/** Files and transfers of the server, by its API. */
export function remoteFileAccess(api: Api): FileAccess {
  return { ...remoteTaskAccess(api), files: remoteFiles(api), transfers: remoteTransfers(api), linkLife };
}

function problemOf({ code, detail }: ApiProblem): { ok: false; problem: FileProblem } {
  return { ok: false, problem: { kind: code as FileProblem['kind'], message: detail } };
}

const refusals = { problems: [404, 409, 413, 422] };

function remoteFiles(api: Api): Files {
  const list: Files['list'] = async ({ after, limit }) => {
    const cursor = after === undefined ? undefined : cursorOf(after);
    return (await api.get<Page<StoredFile>>(files, { limit, cursor })).items;
  };
  return {
    list,
    add: async (description, source, { reason }) => {
      const upload = { type: 'application/octet-stream', bytes: Readable.from(source, { objectMode: false }) };
      const said = await api.ask<StoredFile>('POST', files, { query: { ...description, reason }, upload, ...refusals });
      return said.ok ? { ok: true, file: said.body } : problemOf(said.problem);
    },
    find: async (text) => {
      const found: StoredFile[] = [];
      const means = ({ id, name, sha256 }: StoredFile): boolean =>
        id === text || name === text || (text.length >= 8 && sha256.startsWith(text.toLowerCase()));
      for (let after: string | undefined; ; ) {
        const page = await list({ after, limit: 1000 });
        found.push(...page.filter(means));
        after = page.at(-1)?.name;
        if (page.length < 1000) return found;
      }
    },
    holds: async (id) => (await api.get<{ holds: readonly FileHold[] }>(`${files}/${id}`)).holds,
    links: async (id) => (await api.get<{ links: readonly FileLink[] }>(`${files}/${id}`)).links,
    remove: async (id, { reason }) => {
      const file = await api.get<StoredFile>(`${files}/${id}`);
      const said = await api.ask('DELETE', `${files}/${id}`, { query: { reason }, ...refusals });
      return said.ok ? { ok: true, file } : problemOf(said.problem);
    },
    read: ({ id }) => streamed(api, `${files}/${id}/content`),
    linkModel: async (fileId, productClass, expiresAt, { reason }) => {
      const body = { productClass, expiresAt, reason };
      const said = await api.ask<{ id: string; expiresAt: Date }>('POST', `${files}/${fileId}/links`, {
        ...{ body, ...refusals },
      });
      if (!said.ok) return problemOf(said.problem);
      const { id, expiresAt: ends } = said.body;
      return { ok: true, link: { id, fileId, productClass, expiresAt: ends, createdAt: ends } };
    },
    unlink: async (id, { reason }) => {
      const said = await api.ask('DELETE', `/api/v1/file-links/${id}`, { query: { reason }, ...refusals });
      return said.ok ? { ok: true } : problemOf(said.problem);
    },
  };
}

async function* streamed(api: Api, path: string): AsyncGenerator<Buffer> {
  for await (const piece of await api.download(path)) yield piece as Buffer;
}

type Wire = Omit<DeviceTransfer, 'deviceId'>;

function remoteTransfers(api: Api): FileAccess['transfers'] {
  const of = (deviceId: string): string => `${devices}/${deviceId}/transfers`;
  const list = async (deviceId: string, limit: number): Promise<readonly DeviceTransfer[]> =>
    (await api.get<Page<Wire>>(of(deviceId), { limit })).items.map((one) => ({ ...one, deviceId }) as DeviceTransfer);
  const want = async (
    deviceId: string,
    wish: object,
    reason: string | undefined,
    options: TaskOptions = {},
  ): ReturnType<Transfers['download']> => {
    const { delaySeconds, ...wanted } = wish as { delaySeconds?: number };
    const { idempotencyKey, priority, notBefore, expiresAt } = options;
    const body = { wish: wanted, delaySeconds, priority, notBefore, expiresAt, reason };
    const headers = idempotencyKey === undefined ? {} : { headers: { 'Idempotency-Key': idempotencyKey } };
    const said = await api.ask<Wire>('POST', of(deviceId), { body, ...headers, ...refusals });
    if (!said.ok) return problemOf(said.problem) as Awaited<ReturnType<Transfers['download']>>;
    const task = await api.get<Task>(`${devices}/${deviceId}/tasks/${said.body.taskId}`);
    return { ok: true, task, transferId: said.body.id, created: said.status === 201 };
  };
  return {
    download: (deviceId, wish, { reason }, options) =>
      want(deviceId, { direction: 'download', ...wish }, reason, options),
    upload: (deviceId, wish, { reason }, options) => want(deviceId, { direction: 'upload', ...wish }, reason, options),
    list: (deviceId, { limit }) => list(deviceId, limit),
    get: async (deviceId, id) => {
      const said = await api.ask<Wire>('GET', `${of(deviceId)}/${id}`, { problems: [404] });
      return said.ok ? ({ ...said.body, deviceId } as DeviceTransfer) : undefined;
    },
    autonomous: async (deviceId, limit) =>
      (await api.get<Page<AutonomousTransfer>>(`${devices}/${deviceId}/autonomous-transfers`, { limit })).items,
    uploads: async (deviceId, { limit }) =>
      (await api.get<Page<DeviceUpload>>(`${devices}/${deviceId}/uploads`, { limit })).items.map((one) => {
        return { ...one, deviceId };
      }),
    read: ({ deviceId, id }) => streamed(api, `${devices}/${deviceId}/uploads/${id}/content`),
    link: async (deviceId, fileId, expiresAt, { reason }) => {
      const body = { deviceId, expiresAt, reason };
      const said = await api.ask<{ id: string }>('POST', `${files}/${fileId}/links`, { body, ...refusals });
      if (said.ok) return { ok: true, transferId: said.body.id };
      return problemOf(said.problem) as Extract<Awaited<ReturnType<Transfers['link']>>, { ok: false }>;
    },
  };
}
