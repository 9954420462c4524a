import { z } from 'zod';
import { auditKinds } from '../../trust/audit-listing.ts';
import { verifyJobKind } from '../../trust/audit-verify-job.ts';
import { parseExported } from '../../trust/checkpoint.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorQuery, limitQuery, pageSchema, timePageOf, timePositionOf } from '../paging.ts';
import { instantQuery, line, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { idempotencyHeaders, jobAnswers, keyOf, startJob } from './jobs.ts';

const tag = 'audit';

const recordSchema = z.strictObject({
  kind: z.enum(auditKinds),
  deviceId: z.uuid().nullable().describe('Null for what is about no device.'),
  at: time,
  id: z.string(),
  actorKind: z.string().nullable(),
  actor: z.string().nullable(),
  what: z.string(),
  why: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
  chain: z.int().nullable().describe('Where it stands in the chains of evidence.'),
  link: z.int().nullable(),
});

export function auditOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listRecords(deps), verifyAudit(deps), makeCheckpoint(deps), getKey(deps)];
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function listRecords({ audit }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listAuditRecords', method: 'GET', path: '/api/v1/audit/records', tag },
    summary: 'Everything that is on record: decisions, changes of any kind, suspicions; newest first',
    permission: 'audit:read',
    reach: 'installation',
    query: z.strictObject({
      device: uuid.optional(),
      kind: z.enum(auditKinds).optional(),
      person: line(200).optional().describe('Part of a name.'),
      reason: line(200).optional().describe('Part of a person’s reason, an action, or the reason of a refusal.'),
      since: instantQuery.optional(),
      until: instantQuery.optional(),
      limit: limitQuery,
      cursor: cursorQuery(z.iso.datetime(), z.string().max(100)),
    }),
    answers: { 200: { description: 'A page of records.', schema: pageSchema(recordSchema) } },
    handle: async ({ query: { limit, cursor, ...filter } }) => {
      const { records, next } = await audit.list(defined({ ...filter, after: timePositionOf(cursor) }), limit);
      return { status: 200, body: timePageOf(records, next) };
    },
  });
}

function verifyAudit(deps: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'verifyAudit', method: 'POST', path: '/api/v1/audit/verify', tag, idempotency: 'own' },
    summary: 'Reads every row and finds any that was altered, taken away or put elsewhere',
    description:
      'The result of the job has `rows`, `chains`, `checkpoints`, `findings` (kind, source, chain, link, message) and `unchained`, tables with rows from before there were chains. ' +
      'Whoever owns database and server can answer what they like: verify with exported checkpoints, and elsewhere.',
    permission: 'audit:read',
    reach: 'installation',
    headers: idempotencyHeaders,
    body: z.strictObject({
      checkpoints: z.array(z.string().max(1_000_000)).max(10_000).optional().describe('Exported ones, a line each.'),
      publicKey: z.base64().max(1000).optional().describe('The key that must have signed them.'),
    }),
    example: {},
    answers: jobAnswers,
    problems: [422],
    handle: async ({ body: input, headers, caller, by }) => {
      const odd = input.checkpoints?.map(parseExported).indexOf(undefined) ?? -1;
      if (odd >= 0)
        return refuse(422, { in: 'body', field: `checkpoints.${odd}`, detail: 'is no exported checkpoint' });
      const idempotencyKey = keyOf(caller, headers['idempotency-key']);
      return startJob(deps, {
        ...{ kind: verifyJobKind, input, actor: by.actor, total: await deps.audit.rows(), idempotencyKey },
      });
    },
  });
}

function makeCheckpoint({ audit }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'createCheckpoint', method: 'POST', path: '/api/v1/audit/checkpoints', tag },
    summary: 'Signs now where every chain ends, and exports it as configured',
    permission: 'audit:sign',
    reach: 'installation',
    answers: {
      201: {
        description: 'It is signed.',
        schema: z.strictObject({
          number: z.int(),
          at: time,
          exportedTo: z.string().nullable().describe('Where a copy lies outside the database.'),
          exportFailure: z.string().optional().describe('Why there is none there.'),
        }),
      },
    },
    problems: [409],
    handle: async ({ by }) => {
      const result = await audit.checkpoint(by);
      if (!result.ok) return refuse(409, { code: 'no_key', detail: result.cause });
      const { ok: _, ...body } = result;
      return { status: 201, body };
    },
  });
}

function getKey({ audit }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getCheckpointKey', method: 'GET', path: '/api/v1/audit/key', tag },
    summary: 'The public key that checkpoints are signed with; keep it outside',
    permission: 'audit:read',
    reach: 'installation',
    answers: {
      200: { description: 'SPKI in base64.', schema: z.strictObject({ publicKey: z.string() }) },
    },
    problems: [409],
    handle: async () => {
      const found = await audit.key();
      if (!found.ok) return refuse(409, { code: 'no_key', detail: found.cause });
      return { status: 200, body: { publicKey: found.publicKey.toString('base64') } };
    },
  });
}
