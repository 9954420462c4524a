import { z } from 'zod';
import type { TaskRequest } from './task.ts';

/* What a person or another system may write as a wish; `refusalOf` then judges what it would do. */

const text = z.string().max(1024);
const path = z.string().max(256);
const seconds = z.int().min(0).max(4_294_967_295);
const size = seconds;
const paths = z.array(path).min(1).max(1000);
const parameterKey = z.string().max(32).optional();

const transfer = {
  fileType: z.string().min(1).max(64),
  url: z.string().min(1).max(256),
  username: z.string().max(256).optional(),
  password: z.string().max(256).optional(),
};

export const windowSchema = z.strictObject({
  windowStart: seconds,
  windowEnd: seconds,
  windowMode: z.string().regex(/^(?:[1-9]\d*( \S+)+|X \S+ .+)$/, 'write "1 At Any Time", "3 When Idle", …'),
  userMessage: z.string().max(256).default(''),
  maxRetries: z.int().min(-1).max(1000).default(0),
});

const credentials = { username: text.optional(), password: text.optional() };

const operation = z.discriminatedUnion('operation', [
  z.strictObject({
    operation: z.literal('Install'),
    url: text,
    uuid: text.optional(),
    ...credentials,
    executionEnvRef: text.optional(),
  }),
  z.strictObject({
    operation: z.literal('Update'),
    uuid: text.optional(),
    version: text.optional(),
    url: text.optional(),
    ...credentials,
  }),
  z.strictObject({
    operation: z.literal('Uninstall'),
    uuid: text,
    version: text.optional(),
    executionEnvRef: text.optional(),
  }),
]);

const notification = z.literal([0, 1, 2, 3, 4, 5, 6]);

export const taskRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('get-methods') }),
  z.strictObject({ kind: z.literal('read-values'), paths }),
  z.strictObject({ kind: z.literal('read-names'), path, nextLevel: z.boolean().default(true) }),
  z.strictObject({ kind: z.literal('read-attributes'), paths }),
  z.strictObject({ kind: z.literal('read-tree'), path }),
  z.strictObject({
    kind: z.literal('write-values'),
    values: z
      .array(z.strictObject({ name: path, value: z.string().max(65_536), type: z.string().max(32).optional() }))
      .min(1)
      .max(1000),
    parameterKey,
  }),
  z.strictObject({
    kind: z.literal('write-attributes'),
    attributes: z
      .array(
        z.strictObject({
          name: path,
          notification: notification.optional(),
          accessList: z.array(z.string().max(64)).max(16).optional(),
        }),
      )
      .min(1)
      .max(1000),
  }),
  z.strictObject({ kind: z.literal('add-object'), object: path, parameterKey }),
  z.strictObject({ kind: z.literal('delete-object'), object: path, parameterKey }),
  z.strictObject({ kind: z.literal('reboot') }),
  z.strictObject({ kind: z.literal('factory-reset') }),
  z.strictObject({
    kind: z.literal('download'),
    ...transfer,
    fileSize: size.optional(),
    targetFileName: z.string().max(256).optional(),
    delaySeconds: seconds.optional(),
  }),
  z.strictObject({ kind: z.literal('upload'), ...transfer, delaySeconds: seconds.optional() }),
  z.strictObject({
    kind: z.literal('schedule-download'),
    ...transfer,
    fileSize: size.optional(),
    targetFileName: z.string().max(256).optional(),
    windows: z.array(windowSchema).min(1).max(2),
  }),
  z.strictObject({ kind: z.literal('cancel-transfer'), commandKey: z.string().min(1).max(32) }),
  z.strictObject({ kind: z.literal('queued-transfers') }),
  z.strictObject({ kind: z.literal('schedule-inform'), delaySeconds: seconds }),
  z.strictObject({ kind: z.literal('change-du-state'), operations: z.array(operation).min(1).max(16) }),
  z.strictObject({ kind: z.literal('set-vouchers'), vouchers: z.array(z.base64().max(65_536)).min(1).max(16) }),
  z.strictObject({ kind: z.literal('get-options'), optionName: z.string().max(64).default('') }),
]);

export type ParsedTaskRequest =
  | { readonly ok: true; readonly request: TaskRequest }
  /** Which part is wrong, and how: `paths: expected array`. */
  | { readonly ok: false; readonly message: string };

export function parseTaskRequest(value: unknown): ParsedTaskRequest {
  const parsed = taskRequestSchema.safeParse(value);
  if (parsed.success) return { ok: true, request: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  return { ok: false, message: `${where === '' ? '' : `${where}: `}${issue?.message ?? 'not a task'}` };
}

export const taskKinds: readonly string[] = taskRequestSchema.options.map(
  ({ shape }) => [...shape.kind.values][0] ?? '',
);
