import { z } from 'zod';
import { deviceSorts } from '../../fleet/listing.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, fieldsQuery, limitQuery, pageSchema, sparse } from '../paging.ts';
import { deviceParams } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { deviceFilters, keptToGroup } from './device-filters.ts';
import {
  deviceDetailsSchema,
  deviceDetailsView,
  deviceFields,
  deviceSchema,
  deviceView,
  etagOf,
} from './device-views.ts';

const tag = 'devices';

export function deviceReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listDevices(deps), getDevice(deps)];
}

const sortNames = deviceSorts.flatMap((name) => [name, `-${name}` as const]);

/** What `next` of a list of devices is made of: an id and, in some orders, a time. */
const position = z.string().regex(/^[0-9a-f-]{36}( \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$/);

function listDevices({ register }: ApiDeps): AnyOperation {
  return operation({
    id: 'listDevices',
    method: 'GET',
    path: '/api/v1/devices',
    summary: 'Devices by any filter, in the order of their registration or another one',
    tag,
    permission: 'devices:read',
    reach: 'fleet',
    query: z.strictObject({
      ...deviceFilters,
      sort: z
        .enum(sortNames)
        .default('registered')
        .describe('With a minus: descending. lastInform goes by the hour, without devices that never informed.'),
      limit: limitQuery,
      cursor: cursorQuery(position, z.enum(sortNames)),
      fields: fieldsQuery(deviceFields),
    }),
    answers: { 200: { description: 'A page of devices.', schema: pageSchema(deviceSchema.partial()) } },
    handle: async ({ query, caller }) => {
      const { limit, cursor, fields, sort, ...wanted } = query;
      const [after, sortedBy = sort] = cursor ?? [];
      if (sortedBy !== sort)
        return refuse(400, { in: 'query', field: 'cursor', detail: 'is of a list in another order' });
      const order = { sort: sortOf(sort), descending: sort.startsWith('-') };
      const page = await register.list(keptToGroup(wanted, caller), { limit, order, ...(after && { after }) });
      const items = page.devices.map((device) => sparse(deviceView(device), fields));
      return { status: 200, body: { items, ...(page.next !== undefined && { next: cursorOf(page.next, sort) }) } };
    },
  });
}

function sortOf(name: (typeof sortNames)[number]) {
  return deviceSorts.find((one) => name.endsWith(one)) ?? 'registered';
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
      const device = await register.facts(params.deviceId);
      if (device === undefined) return refuse(404, { detail: 'there is no such device' });
      return { status: 200, body: deviceDetailsView(device), headers: { ETag: etagOf(device) } };
    },
  });
}
