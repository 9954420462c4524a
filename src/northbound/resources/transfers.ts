import { z } from 'zod';
import type { DeviceUpload, TransferProblem } from '../../fleet/files/device-transfers.ts';
import { windowSchema } from '../../fleet/task-request-schema.ts';
import { type DeviceTransfer, transferStates } from '../../fleet/files/transfer-state.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { deviceParams, line, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { bytesAnswer } from './files.ts';

const tag = 'files';
const device = '/api/v1/devices/{deviceId}';

const transferSchema = z.strictObject({
  id: z.uuid(),
  taskId: z.uuid().nullable(),
  direction: z.enum(['download', 'upload']),
  commandKey: z.string().nullable().describe('Under which the device speaks of it.'),
  state: z.enum(transferStates).describe('The furthest that is true of it.'),
  fileId: z.uuid().nullable(),
  name: z.string(),
  fileType: z.string(),
  version: z.string().nullable(),
  runs: z.string().nullable().describe('The version that the device runs now.'),
  size: z.int().nullable(),
  sha256: z.string().nullable(),
  bytesDone: z.int().describe('Gone out or come in without a gap.'),
  requests: z.int(),
  failure: z
    .string()
    .nullable()
    .describe('Why the last request at the file door broke off; `under_way`: it has not ended.'),
  fault: z.looseObject({}).nullable(),
  uploadId: z.uuid().nullable(),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time,
  startedAt: time.nullable(),
  fetchedAt: time.nullable(),
  appliedAt: time.nullable(),
});

const uploadSchema = z.strictObject({
  id: z.uuid(),
  transferId: z.uuid().nullable(),
  slot: z.string().nullable(),
  name: z.string(),
  fileType: z.string(),
  size: z.int(),
  sha256: z.string(),
  receivedAt: time,
});

export function transferOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listTransfers(deps), createTransfer(deps), listAutonomous(deps), listUploads(deps), getUploadContent(deps)];
}

function pick<Schema extends z.ZodObject>({ shape }: Schema, value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key in shape));
}

const transferView = (transfer: DeviceTransfer): object => pick(transferSchema, transfer);
const uploadView = (upload: DeviceUpload): object => pick(uploadSchema, upload);

function page<Item extends { readonly id: string }>(
  found: readonly Item[],
  limit: number,
  view: (item: Item) => object,
) {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { status: 200, body: { items: items.map(view), ...(last && { next: cursorOf(last.id) }) } };
}

function listTransfers({ transfers }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listTransfers', method: 'GET', path: `${device}/transfers`, tag, params: deviceParams },
    summary: 'What a device was to fetch and to send, and how far each came; newest first',
    permission: 'tasks:read',
    reach: 'device',
    query: z.strictObject({ limit: limitQuery, cursor: cursorQuery(uuid) }),
    answers: { 200: { description: 'A page of transfers.', schema: pageSchema(transferSchema) } },
    problems: [404],
    handle: async ({ params: { deviceId }, query: { limit, cursor } }) =>
      page(await transfers.list(deviceId, { before: cursor?.[0], limit: limit + 1 }), limit, transferView),
  });
}

const wish = z.discriminatedUnion('direction', [
  z.strictObject({
    direction: z.literal('download'),
    fileId: uuid,
    anyModel: z.boolean().optional().describe('Also where the file is for another model.'),
    windows: z.array(windowSchema).min(1).max(2).optional().describe('ScheduleDownload, from CWMP 1.2 on.'),
  }),
  z.strictObject({ direction: z.literal('upload'), fileType: line(64) }),
]);

function statusOf({ kind }: TransferProblem): number {
  if (kind === 'device_missing' || kind === 'file_missing') return 404;
  return kind === 'device_retired' || kind === 'too_many' || kind === 'other_model' ? 409 : 422;
}

function createTransfer({ transfers, connectionRequests, wakeForTasks }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'createTransfer', method: 'POST', path: `${device}/transfers`, tag, params: deviceParams },
    summary: 'Has a device fetch a file of ours, or send one to us',
    permission: 'tasks:write',
    reach: 'device',
    body: z.strictObject({
      wish,
      delaySeconds: z.int().min(0).max(86_400).optional(),
      reason: reasonBody.optional(),
    }),
    example: { wish: { direction: 'upload', fileType: '2 Vendor Log File' }, reason: 'a ticket' },
    answers: { 201: { description: 'It is queued.', schema: transferSchema } },
    problems: [404, 409, 422],
    handle: async ({ params: { deviceId }, body, by }): Promise<Answer> => {
      const { wish: wanted, delaySeconds, reason } = body;
      const whose = { ...by, ...(reason !== undefined && { reason }) };
      const { direction, ...rest } = { delaySeconds, ...wanted };
      const made =
        'fileId' in rest
          ? await transfers.download(deviceId, rest, whose)
          : await transfers.upload(deviceId, rest, whose);
      if (!made.ok) return refuse(statusOf(made.problem), { code: made.problem.kind, detail: made.problem.message });
      if (wakeForTasks) await connectionRequests.ask(deviceId, by, { taskId: made.task.id });
      const transfer = await transfers.get(deviceId, made.transferId);
      return { status: 201, body: transferView(transfer ?? unreachable(direction)) };
    },
  });
}

function unreachable(direction: string): never {
  throw new Error(`the ${direction} that was made is not there`);
}

function listAutonomous({ transfers }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listAutonomousTransfers', method: 'GET', path: `${device}/autonomous-transfers`, tag },
    params: deviceParams,
    summary: 'What a device told of transfers that nobody here asked for, newest first',
    permission: 'tasks:read',
    reach: 'device',
    query: z.strictObject({ limit: limitQuery }),
    answers: {
      200: {
        description: 'The newest.',
        schema: pageSchema(z.strictObject({ at: time, notice: z.looseObject({}) })),
      },
    },
    problems: [404],
    handle: async ({ params: { deviceId }, query: { limit } }) => ({
      status: 200,
      body: { items: await transfers.autonomous(deviceId, limit) },
    }),
  });
}

function listUploads({ transfers }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listUploads', method: 'GET', path: `${device}/uploads`, tag, params: deviceParams },
    summary: 'The files that a device has sent, newest first',
    permission: 'tasks:read',
    reach: 'device',
    query: z.strictObject({ limit: limitQuery, cursor: cursorQuery(uuid) }),
    answers: { 200: { description: 'A page of files.', schema: pageSchema(uploadSchema) } },
    problems: [404],
    handle: async ({ params: { deviceId }, query: { limit, cursor } }) =>
      page(await transfers.uploads(deviceId, { before: cursor?.[0], limit: limit + 1 }), limit, uploadView),
  });
}

function getUploadContent({ transfers }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getUploadContent', method: 'GET', path: `${device}/uploads/{uploadId}/content`, tag },
    params: z.strictObject({ deviceId: uuid, uploadId: uuid }),
    summary: 'The bytes of a file that a device has sent',
    description:
      'Configurations and logs may hold what is secret or personal, so that this is a permission of its own.',
    permission: 'uploads:read',
    reach: 'device',
    answers: { 200: { description: 'The content.', media: ['application/octet-stream'] } },
    problems: [404],
    handle: async ({ params: { deviceId, uploadId } }) => {
      const upload = await transfers.uploadedFile(deviceId, uploadId);
      if (upload === undefined) return refuse(404, { code: 'upload_missing', detail: 'there is no such file' });
      return bytesAnswer(transfers.read(upload), upload);
    },
  });
}
