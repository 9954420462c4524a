import { isIP } from 'node:net';
import { z } from 'zod';
import { decisionKeys } from '../../trust/decision-search.ts';
import { refusalReasons } from '../../trust/refusal.ts';
import { type AnyOperation, operation } from '../operation.ts';
import { cursorQuery, limitQuery, pageSchema, timePageOf, timePositionOf } from '../paging.ts';
import { instantQuery, line, time, uuid } from '../values.ts';
import { decisionShape } from './decision-shape.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'decisions';

const decisionSchema = z.strictObject({
  ...decisionShape,
  verdict: z.looseObject({}).nullable().describe('The revocation verdict with its evidence, as it was kept.'),
});

const filters = {
  reason: z.enum(refusalReasons).optional(),
  anchor: line(63).optional(),
  address: line(64).refine(isBlock, 'write an IP address, or a block of them: 192.0.2.0/24').optional(),
  from: instantQuery.optional().describe('Not before.'),
  until: instantQuery.optional().describe('Before.'),
};

const paging = { limit: limitQuery, cursor: cursorQuery(z.iso.datetime(), uuid) };

const peers = ['known', 'trusted-chain', 'stranger'] as const;

const ofAdmissions = { outcome: z.enum(['admitted', 'refused']).optional(), deviceId: uuid.optional(), ...filters };
const ofRefusals = { peer: z.enum(peers).optional(), ...filters };

const bounded =
  'A page looks at 50 000 rows at most: one that is not full, or empty, has a `next` as long as there are older rows.';

const countsSchema = z.strictObject({
  counts: z.array(z.strictObject({ key: z.string(), count: z.int() })).describe('Most first, at most 500.'),
  complete: z.boolean().describe('False: rows older than `since` were not counted. Narrow the time.'),
  since: time.nullable().describe('Of the oldest row that was looked at.'),
  suppressed: z.int().describe('Refusals of floods that have no row of their own.'),
});

const by = z.enum(decisionKeys).describe('network: /24, of IPv6 /64. Times are the beginning of the hour or day.');

/** What Postgres takes for `inet`: no zone, and a prefix that the family has. */
function isBlock(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

export function decisionReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listAdmissions(deps), countAdmissions(deps), listRefusals(deps), countRefusals(deps)];
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
    description: bounded,
    query: z.strictObject({ ...ofAdmissions, ...paging }),
    answers: { 200: { description: 'A page of decisions.', schema: pageSchema(decisionSchema) } },
    handle: async ({ query, caller }) => {
      const { limit, cursor, ...filter } = query;
      const kept = { ...filter, group: caller.group ?? undefined };
      const page = await findDecisions('admissions', kept, { limit, before: timePositionOf(cursor) });
      return { status: 200, body: timePageOf(page.rows, page.next) };
    },
  });
}

function listRefusals({ findDecisions }: ApiDeps): AnyOperation {
  return operation({
    id: 'listRefusals',
    method: 'GET',
    path: '/api/v1/refusals',
    summary: 'Refusals of clients without a device, newest first',
    description: `Floods are sampled; the metrics count every refusal. ${bounded}`,
    tag,
    permission: 'decisions:read',
    reach: 'installation',
    query: z.strictObject({ ...ofRefusals, ...paging }),
    answers: { 200: { description: 'A page of refusals.', schema: pageSchema(decisionSchema) } },
    handle: async ({ query }) => {
      const { limit, cursor, ...filter } = query;
      const page = await findDecisions('refusals', filter, { limit, before: timePositionOf(cursor) });
      return { status: 200, body: timePageOf(page.rows, page.next) };
    },
  });
}

function countAdmissions({ countDecisions }: ApiDeps): AnyOperation {
  return operation({
    id: 'countAdmissions',
    method: 'GET',
    path: '/api/v1/admissions/counts',
    summary: 'How many decisions about devices of the register there are of each kind, among the newest 50 000',
    tag,
    permission: 'decisions:read',
    reach: 'fleet',
    query: z.strictObject({ by, ...ofAdmissions }),
    answers: { 200: { description: 'The counts.', schema: countsSchema } },
    handle: async ({ query: { by: key, ...filter }, caller }) => {
      const kept = { ...filter, group: caller.group ?? undefined };
      return { status: 200, body: await countDecisions('admissions', kept, key) };
    },
  });
}

function countRefusals({ countDecisions }: ApiDeps): AnyOperation {
  return operation({
    id: 'countRefusals',
    method: 'GET',
    path: '/api/v1/refusals/counts',
    summary: 'How many refusals of clients without a device there are of each kind, among the newest 50 000',
    tag,
    permission: 'decisions:read',
    reach: 'installation',
    query: z.strictObject({ by, ...ofRefusals }),
    answers: { 200: { description: 'The counts.', schema: countsSchema } },
    handle: async ({ query: { by: key, ...filter } }) => {
      return { status: 200, body: await countDecisions('refusals', filter, key) };
    },
  });
}
