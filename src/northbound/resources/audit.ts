import { z } from 'zod';
import { type AnyOperation, operation } from '../operation.ts';
import { cursorQuery, limitQuery, pageSchema, timePageOf, timePositionOf } from '../paging.ts';
import { instantQuery, line, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const changeSchema = z.strictObject({
  id: z.uuid(),
  at: time,
  deviceId: z.uuid(),
  actorKind: z.string(),
  actor: z.string(),
  action: z.string(),
  before: z.looseObject({}).nullable(),
  after: z.looseObject({}).nullable(),
  reason: z.string().nullable(),
});

export function auditReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listAudit(deps)];
}

function listAudit({ findChanges }: ApiDeps): AnyOperation {
  return operation({
    id: 'listAudit',
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Who changed what of devices, newest first',
    tag: 'audit',
    permission: 'audit:read',
    reach: 'fleet',
    query: z.strictObject({
      deviceId: uuid.optional(),
      action: line(40).optional(),
      actor: line(512).optional(),
      from: instantQuery.optional().describe('Not before.'),
      until: instantQuery.optional().describe('Before.'),
      limit: limitQuery,
      cursor: cursorQuery(z.iso.datetime(), uuid),
    }),
    answers: { 200: { description: 'A page of changes.', schema: pageSchema(changeSchema) } },
    handle: async ({ query, caller }) => {
      const { limit, cursor, ...filter } = query;
      const before = timePositionOf(cursor);
      const page = await findChanges({ ...filter, group: caller.group ?? undefined }, { limit, before });
      return { status: 200, body: timePageOf(page.rows, page.next) };
    },
  });
}
