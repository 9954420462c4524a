import { z } from 'zod';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema, timePageOf, timePositionOf } from '../paging.ts';
import { deviceParams, instantQuery, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { withReason } from './device-answers.ts';

const tag = 'sessions';
const path = '/api/v1/devices/{deviceId}/sessions';
const tracePath = '/api/v1/devices/{deviceId}/trace';

const sessionSchema = z.strictObject({
  id: z.uuid().describe('Of its Inform.'),
  at: time,
  admissionId: z.uuid().describe('Of the decision that let its connection in.'),
  cwmpVersion: z.string(),
  events: z.array(z.string()),
  deviceTime: z.string().describe('As the device wrote it.'),
  retryCount: z.int(),
  maxEnvelopes: z.int(),
  softwareVersion: z.string().nullable(),
});

const traceSchema = z.strictObject({ id: z.uuid(), until: time, origin: z.string() });

const messageSchema = z.strictObject({
  id: z.uuid(),
  at: time,
  sessionId: z.string(),
  direction: z.enum(['from-device', 'to-device']),
  status: z.int().nullable().describe('Of our HTTP answer.'),
  bytes: z.int(),
  milliseconds: z.number().nullable(),
  body: z.string().describe('SOAP, at most 64 KB of it; secret and personal values are masked.'),
});

/** What a device and hems said to each other. */
export function sessionOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listSessions(deps), getSession(deps), getTrace(deps), startTrace(deps), stopTrace(deps), listMessages(deps)];
}

function listSessions({ sessions }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listSessions', method: 'GET', path, tag, params: deviceParams },
    summary: 'Its CWMP sessions, newest first, as far back as Informs are kept',
    permission: 'devices:read',
    reach: 'device',
    query: z.strictObject({ limit: limitQuery, cursor: cursorQuery(z.iso.datetime(), uuid) }),
    answers: { 200: { description: 'A page of sessions.', schema: pageSchema(sessionSchema) } },
    handle: async ({ params: { deviceId }, query: { limit, cursor } }) => {
      const found = await sessions.list(deviceId, timePositionOf(cursor), limit + 1);
      const items = found.slice(0, limit);
      return { status: 200, body: timePageOf(items, found.length > limit ? items.at(-1) : undefined) };
    },
  });
}

function getSession({ sessions }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getSession', method: 'GET', path: `${path}/{sessionId}`, tag },
    summary: 'One session, by the id of its Inform',
    params: z.strictObject({ deviceId: uuid, sessionId: uuid }),
    permission: 'devices:read',
    reach: 'device',
    answers: { 200: { description: 'The session.', schema: sessionSchema } },
    problems: [404],
    handle: async ({ params: { deviceId, sessionId } }) => {
      const body = await sessions.get(deviceId, sessionId);
      return body === undefined ? refuse(404, { detail: 'there is no such session' }) : { status: 200, body };
    },
  });
}

const noTrace = refuse(404, { code: 'no_trace', detail: 'the device is not traced' });

function getTrace({ traces }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getTrace', method: 'GET', path: tracePath, tag, params: deviceParams },
    summary: 'Until when its messages are kept',
    permission: 'devices:read',
    reach: 'device',
    answers: { 200: { description: 'The trace.', schema: traceSchema } },
    problems: [404],
    handle: async ({ params: { deviceId } }) => {
      const body = await traces.current(deviceId);
      return body === undefined ? noTrace : { status: 200, body };
    },
  });
}

const longestTrace = 7 * 86_400_000;

function startTrace({ traces, register, clock }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'startTrace', method: 'POST', path: tracePath, tag, params: deviceParams },
    summary: 'Keeps its messages from its next Inform on',
    description: 'In place of a trace that runs already.',
    permission: 'devices:write',
    reach: 'device',
    body: z.strictObject({ until: instantQuery.describe('At most seven days ahead.'), reason: reasonBody }),
    answers: { 200: { description: 'It is traced.', schema: traceSchema } },
    problems: [404, 422],
    handle: async ({ params: { deviceId }, body: { until, reason }, by }) => {
      const ahead = until.getTime() - clock.now().getTime();
      if (ahead <= 0 || ahead > longestTrace)
        return refuse(422, { in: 'body', field: 'until', detail: 'is not within the seven days to come' });
      const { devices } = await register.list({ deviceId }, { limit: 1 });
      if (devices.length === 0) return refuse(404, { code: 'device_missing', detail: 'there is no such device' });
      await traces.begin(deviceId, until, withReason(by, reason));
      const body = await traces.current(deviceId);
      return body === undefined ? noTrace : { status: 200, body };
    },
  });
}

function stopTrace({ traces }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'stopTrace', method: 'DELETE', path: tracePath, tag, params: deviceParams },
    summary: 'Keeps no more of its messages, from its next Inform on; those kept stay for seven days',
    permission: 'devices:write',
    reach: 'device',
    query: z.strictObject({ reason: reasonBody }),
    answers: { 204: { description: 'It is not traced any more.' } },
    problems: [404],
    handle: async ({ params: { deviceId }, query: { reason }, by }) => {
      return (await traces.end(deviceId, withReason(by, reason))) ? { status: 204 } : noTrace;
    },
  });
}

function listMessages({ traces }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listTraceMessages', method: 'GET', path: `${tracePath}/messages`, tag, params: deviceParams },
    summary: 'Messages that were kept, oldest first',
    permission: 'parameters:read',
    reach: 'device',
    query: z.strictObject({
      since: instantQuery.optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
      cursor: cursorQuery(uuid),
    }),
    answers: { 200: { description: 'A page of messages.', schema: pageSchema(messageSchema) } },
    handle: async ({ params: { deviceId }, query: { since = new Date(0), limit, cursor } }) => {
      const found = await traces.read(deviceId, since, cursor?.[0], limit + 1);
      const items = found.slice(0, limit).map(({ deviceId: _, ...message }) => message);
      const last = found.length > limit ? items.at(-1) : undefined;
      return { status: 200, body: { items, ...(last && { next: cursorOf(last.id) }) } };
    },
  });
}
