import { z } from 'zod';
import { parseIdentityName, type SerialNames } from '../../fleet/identity.ts';
import type { Problem } from '../../fleet/register.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { deviceParams, line, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { identityFields, identityOf, movedSchema, refused, stateAnswer, withReason } from './device-answers.ts';

const tag = 'devices';

/** Enrolling, and what a device proves to be. */
export function deviceIdentities(deps: ApiDeps): readonly AnyOperation[] {
  return [addDevice(deps), correctSerial(deps), listIdentities(deps), linkIdentity(deps), unlinkIdentity(deps)];
}

const serialSchema = z.strictObject({
  oui: z.string().regex(/^[0-9a-fA-F]{6}$/, 'write six hexadecimal digits'),
  productClass: line(64).optional(),
  serialNumber: line(64),
});

function defined({ oui, productClass, serialNumber }: z.output<typeof serialSchema>): SerialNames {
  return { oui, serialNumber, ...(productClass !== undefined && { productClass }) };
}

function addDevice({ register, anchors }: ApiDeps): AnyOperation {
  return operation({
    id: 'addDevice',
    method: 'POST',
    path: '/api/v1/devices',
    summary: 'Makes a device for an identity',
    description: 'Idempotent by the identity: one that is there already is answered with 200.',
    tag,
    permission: 'devices:write',
    // It belongs to no group yet.
    reach: 'installation',
    body: z.strictObject({
      ...identityFields,
      serial: serialSchema.optional().describe('From the shipping file, instead of learning it.'),
      note: line(2000).optional(),
      reason: reasonBody.optional(),
    }),
    example: { anchor: 'acme', identity: '00a0bc000001.hnb.acme.example' },
    answers: {
      200: { description: 'It was there already.', schema: z.strictObject({ id: z.uuid() }) },
      201: {
        description: 'It is enrolled.',
        schema: z.strictObject({ id: z.uuid() }),
        headers: { Location: 'Of the device.' },
      },
    },
    problems: [404, 409, 422],
    handle: async ({ body, by }) => {
      const { anchor, identity: value, note, serial, reason } = body;
      const found = identityOf(anchors, { anchor, identity: value });
      if (!found.ok) return found.answer;
      const input = {
        identity: found.identity,
        ...(note !== undefined && { note }),
        ...(serial !== undefined && { serial: defined(serial) }),
      };
      const added = await register.add(input, withReason(by, reason));
      if (!added.ok) return refused(added.problem);
      const { deviceId: id, created } = added;
      if (!created) return { status: 200, body: { id } };
      return { status: 201, body: { id }, headers: { Location: `/api/v1/devices/${id}` } };
    },
  });
}

function correctSerial({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{
      id: 'correctSerial',
      method: 'POST',
      path: '/api/v1/devices/{deviceId}/correct-serial',
      tag,
      params: deviceParams,
    },
    summary: 'The serial that it was given at import was wrong: the right one',
    description:
      'One that was imported for another device is refused; one that another device learnt is taken from it.',
    permission: 'devices:write',
    reach: 'device',
    body: z.strictObject({ ...serialSchema.shape, reason: reasonBody }),
    example: {
      oui: '00A0BC',
      productClass: 'FAP',
      serialNumber: '00A0BC000001',
      reason: 'a slip in the delivery file',
    },
    answers: { 200: { description: 'Where the device is now.', schema: movedSchema } },
    problems: [404, 409],
    handle: async ({ params: { deviceId }, body: { reason, ...serial }, by }) =>
      stateAnswer(await register.correctSerial(deviceId, defined(serial), withReason(by, reason))),
  });
}

const identitySchema = z.strictObject({
  anchor: z.string(),
  kind: z.string(),
  value: z.string(),
  linkedAt: time,
  linkedBy: z.string(),
});

const path = '/api/v1/devices/{deviceId}/identities';

function listIdentities({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listIdentities', method: 'GET', path, tag, params: deviceParams },
    summary: 'What its certificates may prove, in the order in which it was linked',
    permission: 'devices:read',
    reach: 'device',
    answers: { 200: { description: 'All of them.', schema: pageSchema(identitySchema) } },
    problems: [404],
    handle: async ({ params }) => {
      const device = await register.facts(params.deviceId);
      if (device === undefined) return refuse(404, { detail: 'there is no such device' });
      return { status: 200, body: { items: device.identityRecords } };
    },
  });
}

function linkIdentity({ register, anchors }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'linkIdentity', method: 'POST', path, tag, params: deviceParams },
    summary: 'Links a further identity: that of the operator’s PKI to the one the manufacturer gave',
    description: 'Idempotent by the identity.',
    permission: 'devices:write',
    reach: 'device',
    body: z.strictObject({ ...identityFields, reason: reasonBody.optional() }),
    example: { anchor: 'operator', identity: '00a0bc000001.hnb.operator.example' },
    answers: {
      200: { description: 'It was linked already.', schema: z.strictObject({ id: z.uuid() }) },
      201: { description: 'It is linked.', schema: z.strictObject({ id: z.uuid() }) },
    },
    problems: [404, 409, 422],
    handle: async ({ params: { deviceId }, body: { reason, ...named }, by, caller }) => {
      const found = identityOf(anchors, named);
      if (!found.ok) return found.answer;
      const added = await register.add({ identity: found.identity, deviceId }, withReason(by, reason));
      if (!added.ok) return refused(caller.group === null ? added.problem : withoutOthers(added.problem, deviceId));
      return { status: added.changed ? 201 : 200, body: { id: deviceId } };
    },
  });
}

/** Whose an identity is may be no business of a key of a group. */
function withoutOthers(problem: Problem, own: string): Problem {
  if (problem.deviceId === undefined || problem.deviceId === own) return problem;
  return { kind: problem.kind, message: 'another device is in the way' };
}

function unlinkIdentity({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'unlinkIdentity', method: 'DELETE', path: `${path}/{anchor}/{identity}`, tag },
    params: z.strictObject({ deviceId: uuid, anchor: line(63), identity: line(450) }),
    summary: 'Takes an identity away; its certificates are turned away',
    permission: 'devices:write',
    reach: 'device',
    query: z.strictObject({ reason: reasonBody }),
    answers: { 200: { description: 'Where the device is now.', schema: movedSchema } },
    problems: [404, 409],
    handle: async ({ params: { deviceId, anchor, identity }, query, by }) => {
      const name = parseIdentityName(identity);
      if (name === undefined) return refuse(404, { code: 'identity_missing', detail: 'it has no such identity' });
      return stateAnswer(await register.removeIdentity(deviceId, { anchor, ...name }, withReason(by, query.reason)));
    },
  });
}
