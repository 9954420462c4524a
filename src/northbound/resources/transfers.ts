import { z } from 'zod';
import type { DeviceUpload } from '../../fleet/files/device-transfers.ts';
import { type DeviceTransfer, transferStates } from '../../fleet/files/transfer-state.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { deviceParams, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { bytesAnswer } from './files.ts';

const tag = 'files';
const device = '/api/v1/devices/{deviceId}';

export const transferSchema = z.strictObject({
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
  return [listTransfers(deps), getTransfer(deps), listAutonomous(deps), listUploads(deps), getUploadContent(deps)];
}

function pick<Schema extends z.ZodObject>({ shape }: Schema, value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key in shape));
}

export const transferView = (transfer: DeviceTransfer): object => pick(transferSchema, transfer);
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

function getTransfer({ transfers }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getTransfer', method: 'GET', path: `${device}/transfers/{transferId}`, tag },
    params: z.strictObject({ deviceId: uuid, transferId: uuid }),
    summary: 'One transfer, and how far it came',
    permission: 'tasks:read',
    reach: 'device',
    answers: { 200: { description: 'The transfer.', schema: transferSchema } },
    problems: [404],
    handle: async ({ params: { deviceId, transferId } }) => {
      const found = await transfers.get(deviceId, transferId);
      if (found === undefined) return refuse(404, { code: 'transfer_missing', detail: 'there is no such transfer' });
      return { status: 200, body: transferView(found) };
    },
  });
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
      'Configurations and logs may hold what is secret or personal, so that this is a permission of its own, and who reads one stands in the audit.',
    permission: 'uploads:read',
    reach: 'device',
    answers: { 200: { description: 'The content.', media: ['application/octet-stream'] } },
    problems: [404],
    handle: async ({ params: { deviceId, uploadId }, by }) => {
      const upload = await transfers.uploadedFile(deviceId, uploadId);
      if (upload === undefined) return refuse(404, { code: 'upload_missing', detail: 'there is no such file' });
      return bytesAnswer(transfers.read(upload, by), upload);
    },
  });
}
