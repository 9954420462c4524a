import { z } from 'zod';
import type { TransferProblem } from '../../fleet/files/device-transfers.ts';
import { windowSchema } from '../../fleet/task-request-schema.ts';
import type { TaskOptions } from '../../fleet/tasks.ts';
import type { Caller } from '../authentication.ts';
import { keptKey, keyHeader } from '../idempotency.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { deviceParams, instantQuery, line, reasonBody, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { transferSchema, transferView } from './transfers.ts';

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

const wished = z.strictObject({
  wish,
  delaySeconds: z.int().min(0).max(86_400).optional(),
  priority: z.int().min(-100).max(100).optional(),
  notBefore: instantQuery.optional(),
  expiresAt: instantQuery.optional().describe('Given up where the device has not come by then.'),
  reason: reasonBody.optional(),
});

export function createTransfer({ transfers, connectionRequests, wakeForTasks }: ApiDeps): AnyOperation {
  return operation({
    ...{
      id: 'createTransfer',
      method: 'POST',
      path: '/api/v1/devices/{deviceId}/transfers',
      tag: 'files',
      params: deviceParams,
      idempotency: 'own',
    },
    summary: 'Has a device fetch a file of ours, or send one to us',
    permission: 'tasks:write',
    reach: 'device',
    headers: keyHeader('The same key asks for the same transfer and task, however often; of one API key and device.'),
    body: wished,
    example: { wish: { direction: 'upload', fileType: '2 Vendor Log File' }, reason: 'a ticket' },
    answers: {
      200: {
        description: 'It was asked for before, by this Idempotency-Key.',
        schema: transferSchema,
        headers: located,
      },
      201: { description: 'It is queued.', schema: transferSchema, headers: located },
    },
    problems: [404, 409, 422],
    handle: async ({ params: { deviceId }, headers, body, by, caller }): Promise<Answer> => {
      const { wish: wanted, delaySeconds, reason, ...options } = body;
      const whose = { ...by, ...(reason !== undefined && { reason }) };
      const { direction, ...rest } = { delaySeconds, ...wanted };
      const how = given(options, caller, headers['idempotency-key']);
      const made =
        'fileId' in rest
          ? await transfers.download(deviceId, rest, whose, how)
          : await transfers.upload(deviceId, rest, whose, how);
      if (!made.ok) return refuse(statusOf(made.problem), { code: made.problem.kind, detail: made.problem.message });
      const { task, transferId, created } = made;
      const transfer = await transfers.get(deviceId, transferId);
      // The key was that of a task with no link of ours: of createTask.
      if (transfer === undefined && !created) return refuse(422, keyOfTask);
      const shown = transferView(transfer ?? unreachable(direction));
      const location = { Location: `/api/v1/devices/${deviceId}/transfers/${transferId}` };
      if (!created) return { status: 200, body: shown, headers: location };
      if (wakeForTasks && task.notBefore <= task.createdAt)
        await connectionRequests.ask(deviceId, by, { taskId: task.id });
      return { status: 201, body: shown, headers: location };
    },
  });
}

const located = { Location: 'Of the transfer.' };

const keyOfTask = {
  code: 'key_taken',
  in: 'header',
  field: 'Idempotency-Key',
  detail: 'the key is that of a task without a file of ours; take a new one',
} as const;

type Said = Pick<z.output<typeof wished>, 'priority' | 'notBefore' | 'expiresAt'>;

function given({ priority, notBefore, expiresAt }: Said, caller: Caller, key: string | undefined): TaskOptions {
  return {
    ...(priority !== undefined && { priority }),
    ...(notBefore !== undefined && { notBefore }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(key !== undefined && { idempotencyKey: keptKey(caller, key) }),
  };
}

function unreachable(direction: string): never {
  throw new Error(`the ${direction} that was made is not there`);
}
