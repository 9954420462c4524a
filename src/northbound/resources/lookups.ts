import { z } from 'zod';
import { type AnyOperation, operation } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { line } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { taskSchema, taskView } from './tasks.ts';

/** What a person means. */
export function lookups(deps: ApiDeps): readonly AnyOperation[] {
  return [lookUpDevice(deps), lookUpTask(deps)];
}

function lookUpDevice({ register, inGroup }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'lookUpDevice', method: 'GET', path: '/api/v1/device-lookup', tag: 'devices' },
    summary: 'The ids of the devices that a person may mean: none, one or several',
    permission: 'devices:read',
    reach: 'fleet',
    query: z.strictObject({
      text: line(450).describe('An id, an identity, OUI[-ProductClass]-Serial, or the SHA-256 of a certificate.'),
    }),
    answers: { 200: { description: 'Ids.', schema: pageSchema(z.uuid()) } },
    handle: async ({ query: { text }, caller: { group } }) => {
      const found = await register.find(text);
      const shown = await Promise.all(found.map((id) => group === null || inGroup(id, group)));
      return { status: 200, body: { items: found.filter((_, i) => shown[i]) } };
    },
  });
}

function lookUpTask({ tasks, inGroup }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'lookUpTask', method: 'GET', path: '/api/v1/task-lookup', tag: 'devices' },
    summary: 'The tasks whose ids begin so',
    permission: 'tasks:read',
    reach: 'fleet',
    query: z.strictObject({
      text: z.string().regex(/^[0-9a-fA-F-]{8,36}$/, 'write at least eight characters of an id'),
    }),
    answers: { 200: { description: 'A few at most.', schema: pageSchema(taskSchema) } },
    handle: async ({ query: { text }, caller: { group } }) => {
      const found = await tasks.find(text.toLowerCase());
      const shown = await Promise.all(found.map(({ deviceId }) => group === null || inGroup(deviceId, group)));
      return { status: 200, body: { items: found.filter((_, i) => shown[i]).map(taskView) } };
    },
  });
}
