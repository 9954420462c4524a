import { isIP } from 'node:net';
import { z } from 'zod';
import type { DecisionPage } from '../../trust/decision-search.ts';
import { refusalReasons } from '../../trust/refusal.ts';
import { type AnyOperation, operation } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { instantQuery, line, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'decisions';

const decisionSchema = z.strictObject({
  id: z.uuid(),
  at: time,
  outcome: z.enum(['admitted', 'refused']),
  deviceId: z.uuid().nullable(),
  stage: z.string().nullable(),
  reason: z.string().nullable().describe('Stable; null where admitted.'),
  detail: z.string().nullable().describe('The finer rule; null where admitted.'),
  peer: z.enum(['known', 'trusted-chain', 'stranger']),
  listener: z.string(),
  remoteAddress: z.string().nullable(),
  remotePort: z.int(),
  tlsVersion: z.string().nullable(),
  cipherSuite: z.string().nullable(),
  resumed: z.boolean().nullable(),
  anchor: z.string().nullable(),
  identity: z.string().nullable(),
  fingerprint: z.string().nullable(),
  subject: z.string().nullable(),
  issuer: z.string().nullable(),
  serialNumber: z.string().nullable(),
  verdict: z.looseObject({}).nullable().describe('The revocation verdict with its evidence, as it was kept.'),
});

const filters = {
  reason: z.enum(refusalReasons).optional(),
  anchor: line(63).optional(),
  address: line(64).refine(isBlock, 'write an IP address, or a block of them: 192.0.2.0/24').optional(),
  from: instantQuery.optional().describe('Not before.'),
  until: instantQuery.optional().describe('Before.'),
  limit: limitQuery,
  cursor: cursorQuery(z.iso.datetime(), uuid),
};

/** What Postgres takes for `inet`: no zone, and a prefix that the family has. */
function isBlock(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

export function decisionReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listAdmissions(deps), listRefusals(deps)];
}

function positionOf(cursor: readonly [string, string] | undefined) {
  return cursor && { at: new Date(cursor[0]), id: cursor[1] };
}

function pageOf({ decisions, next }: DecisionPage) {
  return { items: decisions, ...(next !== undefined && { next: cursorOf(next.at.toISOString(), next.id) }) };
}

function listAdmissions({ findDecisions }: ApiDeps): AnyOperation {
  return operation({
    id: 'listAdmissions',
    method: 'GET',
    path: '/api/v1/admissions',
    summary: 'Decisions about devices of the register, admitted or refused, newest first',
    tag,
    permission: 'decisions:read',
    reach: 'fleet',
    query: z.strictObject({
      outcome: z.enum(['admitted', 'refused']).optional(),
      deviceId: uuid.optional(),
      ...filters,
    }),
    answers: { 200: { description: 'A page of decisions.', schema: pageSchema(decisionSchema) } },
    handle: async ({ query, caller }) => {
      const { limit, cursor, ...filter } = query;
      const kept = { ...filter, group: caller.group ?? undefined };
      return {
        status: 200,
        body: pageOf(await findDecisions('admissions', kept, { limit, before: positionOf(cursor) })),
      };
    },
  });
}

function listRefusals({ findDecisions }: ApiDeps): AnyOperation {
  return operation({
    id: 'listRefusals',
    method: 'GET',
    path: '/api/v1/refusals',
    summary: 'Refusals of clients without a device, newest first',
    description: 'Floods are sampled; the metrics count every refusal.',
    tag,
    permission: 'decisions:read',
    reach: 'installation',
    query: z.strictObject({ peer: z.enum(['known', 'trusted-chain', 'stranger']).optional(), ...filters }),
    answers: { 200: { description: 'A page of refusals.', schema: pageSchema(decisionSchema) } },
    handle: async ({ query }) => {
      const { limit, cursor, ...filter } = query;
      return {
        status: 200,
        body: pageOf(await findDecisions('refusals', filter, { limit, before: positionOf(cursor) })),
      };
    },
  });
}
