import { z } from 'zod';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { deviceParams, reasonBody, time } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'devices';

const pathQuery = z.string().max(256).default('');

const parameterSchema = z.strictObject({
  name: z.string(),
  value: z.string().nullable().describe('Null: not read yet, or not kept.'),
  masked: z.boolean().describe('There is a value, and it is secret or personal.'),
  type: z.string().nullable(),
  writable: z.boolean().nullable(),
  notification: z.int().nullable(),
  accessList: z.array(z.string()).nullable(),
  since: time,
});

export function parameterReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listParameters(deps), revealParameters(deps), listBranches(deps)];
}

function listParameters({ register, parameters }: ApiDeps): AnyOperation {
  return operation({
    id: 'listParameters',
    method: 'GET',
    path: '/api/v1/devices/{deviceId}/parameters',
    summary: 'The last that is known of its parameters, in the order of their names',
    description: 'Secret and personal values are masked.',
    tag,
    permission: 'parameters:read',
    reach: 'device',
    params: deviceParams,
    query: z.strictObject({
      path: pathQuery.describe('One parameter, or all below a path that ends in a dot.'),
      search: z.string().min(1).max(256).optional().describe('A part of the name, whatever its case.'),
      limit: limitQuery,
      cursor: cursorQuery(z.string().max(256)),
    }),
    answers: { 200: { description: 'A page of parameters.', schema: pageSchema(parameterSchema) } },
    problems: [404],
    handle: async ({ params, query }) => {
      const { deviceId } = params;
      const { devices } = await register.list({ deviceId }, { limit: 1 });
      if (devices.length === 0) return refuse(404, { detail: 'there is no such device' });
      const [after] = query.cursor ?? [];
      const { search: holding } = query;
      const begin = { ...(after !== undefined && { after }), ...(holding !== undefined && { holding }) };
      const page = { limit: query.limit, ...begin };
      const { parameters: items, next } = await parameters.below(deviceId, query.path, page);
      return { status: 200, body: { items, ...(next !== undefined && { next: cursorOf(next) }) } };
    },
  });
}

function revealParameters({ register, parameters }: ApiDeps): AnyOperation {
  return operation({
    id: 'revealParameters',
    idempotency: 'none',
    method: 'POST',
    path: '/api/v1/devices/{deviceId}/parameters/reveal',
    summary: 'The same with personal values: IMSIs, access control lists, MSISDNs',
    description:
      'Who asked, for what and why stands in the audit before anything is shown. Passwords and keys are never kept.',
    tag,
    permission: 'parameters:reveal',
    reach: 'device',
    params: deviceParams,
    body: z.strictObject({
      path: z.string().max(256).describe('One parameter, or all below a path that ends in a dot.'),
      limit: limitQuery,
      after: z.string().max(256).optional().describe('Go on behind this name.'),
      reason: reasonBody,
    }),
    example: { path: 'Device.Services.FAPService.1.AccessMgmt.', reason: 'a complaint of a subscriber' },
    answers: { 200: { description: 'A page of parameters; `next` is a name.', schema: pageSchema(parameterSchema) } },
    problems: [404],
    handle: async ({ params: { deviceId }, body: { path, limit, after, reason }, by }) => {
      const { devices } = await register.list({ deviceId }, { limit: 1 });
      if (devices.length === 0) return refuse(404, { detail: 'there is no such device' });
      const page = { limit, ...(after !== undefined && { after }) };
      const { parameters: items, next } = await parameters.reveal(deviceId, path, page, { ...by, reason });
      return { status: 200, body: { items, ...(next !== undefined && { next }) } };
    },
  });
}

const branchSchema = z.strictObject({
  name: z.string().describe('An object ends in a dot.'),
  parameters: z.int().describe('Below it; 1: it is one.'),
});

/** Objects and parameters directly below one object. */
const mostBranches = 10_000;

function listBranches({ parameters }: ApiDeps): AnyOperation {
  return operation({
    id: 'listParameterTree',
    method: 'GET',
    path: '/api/v1/devices/{deviceId}/parameter-tree',
    summary: 'One level of the tree of its parameters, with the number of parameters in each branch',
    tag,
    permission: 'parameters:read',
    reach: 'device',
    params: deviceParams,
    query: z.strictObject({
      path: pathQuery.refine((path) => path === '' || path.endsWith('.'), 'write an object: it ends in a dot'),
    }),
    answers: { 200: { description: 'The branches, by name.', schema: pageSchema(branchSchema) } },
    handle: async ({ params: { deviceId }, query: { path } }) => {
      return { status: 200, body: { items: await parameters.branches(deviceId, path, mostBranches) } };
    },
  });
}
