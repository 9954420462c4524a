import { z } from 'zod';
import { type ConnectionRequest, connectionRequestStates } from '../../fleet/connection-request.ts';
import type { ConnectionRequestProblem } from '../../fleet/connection-requests.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { deviceParams, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'devices';
const path = '/api/v1/devices/{deviceId}/connection-requests';

const schema = z.strictObject({
  id: z.uuid(),
  deviceId: z.uuid(),
  at: time,
  origin: z.strictObject({ kind: z.string(), name: z.string() }),
  taskId: z.uuid().nullable(),
  state: z.enum(connectionRequestStates),
  url: z.string().nullable().describe('As the device chose it.'),
  form: z
    .enum(['plain', 'digest', 'certificate'])
    .nullable()
    .describe('digest: a shared secret, a deviation from TS 33.320 8.3.4.'),
  status: z.int().nullable().describe('HTTP status of its answer.'),
  cause: z.string().nullable(),
  detail: z.string().nullable(),
  remedy: z.string().nullable(),
  sentAt: time.nullable(),
  settledAt: time.nullable(),
  sessionAt: time.nullable().describe('When the session began that the device opened for it.'),
});

export function connectionRequestOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listRequests(deps), getRequest(deps), createRequest(deps)];
}

function view(request: ConnectionRequest): unknown {
  const { id, deviceId, at, origin, taskId, state, url, form, status } = request;
  const { cause, detail, remedy, sentAt, settledAt, sessionAt } = request;
  const outcome = { status, cause, detail, remedy, sentAt, settledAt, sessionAt };
  return { id, deviceId, at, origin, taskId, state, url, form, ...outcome };
}

const statuses: Readonly<Record<ConnectionRequestProblem['kind'], number>> = {
  switched_off: 409,
  device_missing: 404,
  device_shut_out: 409,
  no_url: 409,
  too_soon: 409,
};

function listRequests({ connectionRequests }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listConnectionRequests', method: 'GET', path, tag, params: deviceParams },
    summary: 'How it was asked to call, and what came of it, newest first',
    description: 'The latest fifty.',
    permission: 'devices:read',
    reach: 'device',
    answers: { 200: { description: 'The requests.', schema: z.strictObject({ items: z.array(schema) }) } },
    problems: [404],
    handle: async ({ params: { deviceId } }) => ({
      status: 200,
      body: { items: (await connectionRequests.list(deviceId, 50)).map(view) },
    }),
  });
}

function getRequest({ connectionRequests }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getConnectionRequest', method: 'GET', path: `${path}/{requestId}`, tag },
    params: z.strictObject({ deviceId: uuid, requestId: uuid }),
    summary: 'One connection request',
    permission: 'devices:read',
    reach: 'device',
    answers: { 200: { description: 'The request.', schema } },
    problems: [404],
    handle: async ({ params: { deviceId, requestId } }) => {
      const request = await connectionRequests.get(deviceId, requestId);
      if (request === undefined) return refuse(404, { code: 'request_missing', detail: 'there is no such request' });
      return { status: 200, body: view(request) };
    },
  });
}

function createRequest({ connectionRequests }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'createConnectionRequest', method: 'POST', path, tag, params: deviceParams },
    summary: 'Asks the device to call now',
    description: 'Sent by a server that can reach it; what comes of it stands in the request.',
    permission: 'devices:wake',
    reach: 'device',
    body: z.strictObject({ reason: reasonBody.optional() }),
    example: { reason: 'wanted now' },
    answers: {
      200: { description: 'One is under way.', schema },
      202: { description: 'It will be sent.', schema, headers: { Location: 'Of the request.' } },
    },
    problems: [404, 409],
    handle: async ({ params: { deviceId }, body: { reason }, by }) => {
      const asked = await connectionRequests.ask(deviceId, { ...by, ...(reason !== undefined && { reason }) });
      if (!asked.ok) {
        const { kind, message, remedy } = asked.problem;
        return refuse(statuses[kind], { code: kind, detail: `${message}; ${remedy}` });
      }
      const { request, created } = asked;
      if (!created) return { status: 200, body: view(request) };
      const headers = { Location: `/api/v1/devices/${deviceId}/connection-requests/${request.id}` };
      return { status: 202, body: view(request), headers };
    },
  });
}
