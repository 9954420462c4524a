import { z } from 'zod';
import { parseIdentityName, speaksFor } from '../../fleet/identity.ts';
import { deviceStates } from '../../fleet/device.ts';
import type { By, Problem, Register, StateResult } from '../../fleet/register.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { deviceParams, hexFingerprint, line, reasonBody } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'devices';

const movedSchema = z.strictObject({
  id: z.uuid(),
  state: z.enum(deviceStates),
  changed: z.boolean().describe('False: it was so already.'),
});

type Move = 'block' | 'unblock' | 'reject' | 'retire';

const moves: Readonly<Record<Move, string>> = {
  block: 'It gets no session any more; open ones are closed on all nodes',
  unblock: 'It may come in again',
  reject: 'Turns away a quarantined device, or the held keys of a known one',
  retire: 'For good: what it said and was told is erased; identity, certificates and audit stay',
};

/** What changes the register. Every one of them is in the audit, with the key as the actor. */
export function deviceWrites(deps: ApiDeps): readonly AnyOperation[] {
  return [
    addDevice(deps),
    approveDevice(deps),
    ...(Object.keys(moves) as Move[]).map((move) => moveDevice(deps.register, move)),
  ];
}

function refused({ kind, message }: Problem): Answer {
  const status = kind === 'device_missing' ? 404 : 409;
  return refuse(status, { code: kind, detail: message });
}

function stateAnswer(result: StateResult): Answer {
  if (!result.ok) return refused(result.problem);
  return { status: 200, body: { id: result.deviceId, state: result.state, changed: result.changed } };
}

const withReason = (by: By, reason: string | undefined): By => ({ ...by, ...(reason !== undefined && { reason }) });

function moveDevice(register: Register, move: Move): AnyOperation {
  return operation({
    id: `${move}Device`,
    method: 'POST',
    path: `/api/v1/devices/{deviceId}/${move}`,
    summary: moves[move],
    tag,
    permission: 'devices:write',
    reach: 'device',
    params: deviceParams,
    body: z.strictObject({ reason: reasonBody }),
    example: { reason: 'stolen from the site' },
    answers: { 200: { description: 'Where it is now.', schema: movedSchema } },
    problems: [404, 409],
    handle: async ({ params, body, by }) =>
      stateAnswer(await register[move](params.deviceId, withReason(by, body.reason))),
  });
}

function approveDevice({ register }: ApiDeps): AnyOperation {
  return operation({
    id: 'approveDevice',
    method: 'POST',
    path: '/api/v1/devices/{deviceId}/approve',
    summary: 'Lets in a quarantined device, or a held key',
    tag,
    permission: 'devices:write',
    reach: 'device',
    params: deviceParams,
    body: z.strictObject({
      reason: reasonBody,
      fingerprint: hexFingerprint.optional().describe('Of the certificate meant, where several keys wait.'),
    }),
    example: { reason: 'seen at the site' },
    answers: { 200: { description: 'Where it is now.', schema: movedSchema } },
    problems: [404, 409],
    handle: async ({ params, body, by }) =>
      stateAnswer(await register.approve(params.deviceId, withReason(by, body.reason), body.fingerprint)),
  });
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
      anchor: line(63).describe('The trust anchor that vouches for the identity.'),
      identity: line(253).describe('`<EUI>.<realm>`, or `OUI[-ProductClass]-Serial`.'),
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
      const { anchor, identity, note, reason } = body;
      const name = parseIdentityName(identity);
      const vouching = anchors.find((one) => one.name === anchor);
      if (name === undefined) return refuse(422, { in: 'body', field: 'identity', detail: 'is no identity' });
      if (vouching === undefined)
        return refuse(422, { in: 'body', field: 'anchor', detail: 'there is no such trust anchor' });
      if (!speaksFor(vouching.realms, name))
        return refuse(422, { in: 'body', field: 'identity', detail: 'is of no realm that the anchor may speak for' });
      const input = { identity: { anchor, ...name }, ...(note !== undefined && { note }) };
      const added = await register.add(input, withReason(by, reason));
      if (!added.ok) return refused(added.problem);
      const { deviceId: id, created } = added;
      if (!created) return { status: 200, body: { id } };
      return { status: 201, body: { id }, headers: { Location: `/api/v1/devices/${id}` } };
    },
  });
}
