import { z } from 'zod';
import { permissions, roleNames, roles } from '../../trust/access/roles.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { instantQuery, line, reasonBody, time } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { withReason } from './device-answers.ts';

const tag = 'access';
const path = '/api/v1/api-keys';
const keyId = z.string().regex(/^[0-9a-f]{16}$/, 'write 16 hexadecimal digits');

const keyShape = {
  id: z.string(),
  name: z.string(),
  role: z.enum(roleNames),
  group: z.string().nullable(),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable().describe('To the minute.'),
};

export function apiKeyOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listApiKeys(deps), createApiKey(deps), revokeApiKey(deps), listRoles()];
}

function listApiKeys({ keys }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listApiKeys', method: 'GET', path, tag },
    summary: 'Every API key there was, without its secret',
    permission: 'keys:read',
    reach: 'installation',
    query: z.strictObject({ limit: limitQuery, cursor: cursorQuery(keyId) }),
    answers: { 200: { description: 'A page of keys.', schema: pageSchema(z.strictObject(keyShape)) } },
    handle: async ({ query }) => {
      const page = await keys.list({ after: query.cursor?.[0], limit: query.limit });
      return { status: 200, body: { items: page.keys, ...(page.next !== undefined && { next: cursorOf(page.next) }) } };
    },
  });
}

/** No control characters: it stands in the audit. */
const keyName = z.string().regex(/^\P{Cc}{1,100}$/u, 'write 1 to 100 printable characters');

function createApiKey({ keys, clock }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'createApiKey', method: 'POST', path, tag },
    summary: 'Makes an API key; its secret is in this answer and nowhere else, ever',
    description:
      'Not to be repeated unawares: a key in force with the same name is answered with 409. Under an Idempotency-Key it ' +
      'is told again which one was made, never its secret.',
    permission: 'keys:write',
    reach: 'installation',
    body: z.strictObject({
      name: keyName.describe('Who will use it; stands in the audit.'),
      role: z.enum(roleNames),
      group: line(64).optional().describe('Only for the devices with this tag.'),
      expiresAt: instantQuery.optional(),
      reason: reasonBody.optional(),
    }),
    example: { name: 'ticketing', role: 'viewer', group: 'north', reason: 'for the ticket system' },
    answers: {
      201: {
        description: 'It is in force.',
        schema: z.strictObject({
          ...keyShape,
          secret: z
            .string()
            .nullable()
            .describe('Send it as: Authorization: Bearer SECRET. Null: it was shown before.'),
          secretShownBefore: z.boolean().describe('It cannot be shown again: revoke the key and make another.'),
        }),
      },
    },
    problems: [409, 422],
    keptBody: (body: object) => ({ ...body, secret: null, secretShownBefore: true }),
    handle: async ({ body: { reason, ...input }, by }) => {
      if (input.expiresAt !== undefined && input.expiresAt <= clock.now())
        return refuse(422, { in: 'body', field: 'expiresAt', detail: 'is over already' });
      const made = await keys.create(input, withReason(by, reason));
      if (!made.ok) return refuse(409, { code: 'name_taken', in: 'body', field: 'name', detail: made.cause });
      return { status: 201, body: { ...made.key, secret: made.secret, secretShownBefore: false } };
    },
  });
}

function revokeApiKey({ keys }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'revokeApiKey', method: 'POST', path: `${path}/{keyId}/revoke`, tag },
    summary: 'The key opens nothing from now on, on all nodes',
    permission: 'keys:write',
    reach: 'installation',
    params: z.strictObject({ keyId }),
    body: z.strictObject({ reason: reasonBody.optional() }),
    answers: {
      200: {
        description: 'It is revoked.',
        schema: z.strictObject({ ...keyShape, changed: z.boolean().describe('False: it was so already.') }),
      },
    },
    problems: [404],
    handle: async ({ params, body: { reason }, by }) => {
      const result = await keys.revoke(params.keyId, withReason(by, reason));
      if (!result.ok) return refuse(404, { detail: 'there is no such key' });
      return { status: 200, body: { ...result.key, changed: result.changed } };
    },
  });
}

function listRoles(): AnyOperation {
  return operation({
    ...{ id: 'listRoles', method: 'GET', path: '/api/v1/roles', tag },
    summary: 'The table of roles and what each may do',
    permission: 'keys:read',
    reach: 'installation',
    answers: {
      200: {
        description: 'All of them.',
        schema: pageSchema(z.strictObject({ name: z.enum(roleNames), permissions: z.array(z.enum(permissions)) })),
      },
    },
    handle: async () => {
      const items = roleNames.map((name) => ({ name, permissions: roles[name] }));
      return { status: 200, body: { items } };
    },
  });
}
