import { z } from 'zod';
import { deviceStates } from '../../fleet/device.ts';
import type { DeviceFilter } from '../../fleet/listing.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, fieldsQuery, limitQuery, pageSchema, sparse } from '../paging.ts';
import { deviceParams, instantQuery, line, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import {
  deviceDetailsSchema,
  deviceDetailsView,
  deviceFields,
  deviceSchema,
  deviceView,
  etagOf,
} from './device-views.ts';

const tag = 'devices';

const filters = {
  state: z.enum(deviceStates).optional(),
  anchor: line(63).optional().describe('With an identity under this trust anchor.'),
  identityPrefix: line(253).optional().describe('With an identity that begins so.'),
  oui: z
    .string()
    .regex(/^[0-9a-fA-F]{6}$/, 'write six hexadecimal digits')
    .optional(),
  serialNumber: line(64).optional(),
  tag: line(64).optional(),
  site: line(200).optional(),
  expiresBefore: instantQuery.optional().describe('The newest approved certificate of an identity ends before then.'),
};

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

export function deviceReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listDevices(deps), getDevice(deps), listParameters(deps)];
}

function listDevices({ register }: ApiDeps): AnyOperation {
  return operation({
    id: 'listDevices',
    method: 'GET',
    path: '/api/v1/devices',
    summary: 'Devices in the order of their registration',
    tag,
    permission: 'devices:read',
    reach: 'fleet',
    query: z.strictObject({
      ...filters,
      limit: limitQuery,
      cursor: cursorQuery(uuid),
      fields: fieldsQuery(deviceFields),
    }),
    answers: { 200: { description: 'A page of devices.', schema: pageSchema(deviceSchema.partial()) } },
    handle: async ({ query, caller }) => {
      const { limit, cursor, fields, ...wanted } = query;
      const filter = { ...defined(wanted), ...(caller.group !== null && { group: caller.group }) } as DeviceFilter;
      const after = cursor?.[0];
      const page = await register.list(filter, { limit, ...(after !== undefined && { after }) });
      const items = page.devices.map((device) => sparse(deviceView(device), fields));
      return { status: 200, body: { items, ...(page.next !== undefined && { next: cursorOf(page.next) }) } };
    },
  });
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function getDevice({ register }: ApiDeps): AnyOperation {
  return operation({
    id: 'getDevice',
    method: 'GET',
    path: '/api/v1/devices/{deviceId}',
    summary: 'One device, with its identities and certificates',
    tag,
    permission: 'devices:read',
    reach: 'device',
    params: deviceParams,
    answers: {
      200: {
        description: 'The device.',
        schema: deviceDetailsSchema,
        headers: { ETag: 'Of what people decide of it; for If-Match.' },
      },
    },
    problems: [404],
    handle: async ({ params }) => {
      const device = await register.show(params.deviceId);
      if (device === undefined) return refuse(404, { detail: 'there is no such device' });
      return { status: 200, body: deviceDetailsView(device), headers: { ETag: etagOf(device) } };
    },
  });
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
      path: z.string().max(256).default('').describe('One parameter, or all below a path that ends in a dot.'),
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
      const page = { limit: query.limit, ...(after !== undefined && { after }) };
      const { parameters: items, next } = await parameters.below(deviceId, query.path, page);
      return { status: 200, body: { items, ...(next !== undefined && { next: cursorOf(next) }) } };
    },
  });
}
