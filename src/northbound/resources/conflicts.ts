import { z } from 'zod';
import { type AnyOperation, operation } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { line, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { movedSchema, stateAnswer, withReason } from './device-answers.ts';

const conflictSchema = z.strictObject({
  claimant: z.uuid(),
  holder: z.uuid(),
  ...{ oui: z.string(), productClass: z.string(), serialNumber: z.string() },
  kind: z.enum(['claimed', 'imported_over_learnt']),
  firstAt: time,
  lastAt: time,
  claims: z.int(),
});

/** A conflict names two devices, which may be of two groups: none of it is for a key of one. */
export function conflictOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listConflicts(deps), settleConflict(deps)];
}

function listConflicts({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listConflicts', method: 'GET', path: '/api/v1/conflicts', tag: 'devices' },
    summary: 'Serials that one device claims and another has, until a person settles them',
    permission: 'devices:read',
    reach: 'installation',
    query: z.strictObject({
      limit: limitQuery,
      cursor: cursorQuery(uuid, z.string().max(256), z.string().max(256), z.string().max(256)),
    }),
    answers: { 200: { description: 'A page of conflicts.', schema: pageSchema(conflictSchema) } },
    handle: async ({ query }) => {
      const [claimant = '', oui = '', productClass = '', serialNumber = ''] = query.cursor ?? [];
      const after = query.cursor && { claimant, oui, productClass, serialNumber };
      const { conflicts, next } = await register.conflicts({ limit: query.limit, ...(after && { after }) });
      const items = conflicts.map(({ settledAt: _a, settledBy: _b, outcome: _c, reason: _d, ...open }) => open);
      const behind = next && cursorOf(next.claimant, next.oui, next.productClass, next.serialNumber);
      return { status: 200, body: { items, ...(behind !== undefined && { next: behind }) } };
    },
  });
}

function settleConflict({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'settleConflict', method: 'POST', path: '/api/v1/conflicts/{claimant}/settle', tag: 'devices' },
    summary: 'Says whose serial it is; in favour of the claimant it moves, as if imported for it',
    params: z.strictObject({ claimant: uuid }),
    permission: 'devices:write',
    reach: 'installation',
    body: z.strictObject({
      inFavourOf: z.enum(['holder', 'claimant']),
      serialNumber: line(256).optional().describe('Which one, where it claims several.'),
      reason: reasonBody,
    }),
    example: { inFavourOf: 'claimant', reason: 'the label was read at the site' },
    answers: { 200: { description: 'Where the claimant is now.', schema: movedSchema } },
    problems: [404, 409],
    handle: async ({ params: { claimant }, body: { inFavourOf, serialNumber, reason }, by }) => {
      const input = { claimant, inFavourOf, ...(serialNumber !== undefined && { serialNumber }) };
      return stateAnswer(await register.settleConflict(input, withReason(by, reason)));
    },
  });
}
