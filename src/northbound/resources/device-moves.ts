import { z } from 'zod';
import type { Register } from '../../fleet/register.ts';
import type { ShippingRecord } from '../../fleet/shipping-record.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { deviceParams, hexFingerprint, reasonBody, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { keptToGroup } from './device-filters.ts';
import { identityFields, movedSchema, optionalIdentity, stateAnswer, withReason } from './device-answers.ts';

const tag = 'devices';

type Move = 'block' | 'unblock' | 'reject' | 'retire';

const moves: Readonly<Record<Move, string>> = {
  block: 'It gets no session any more; open ones are closed on all nodes',
  unblock: 'It may come in again',
  reject: 'Turns away a quarantined device, or the held keys of a known one',
  retire: 'For good: what it said and was told is erased; identity, certificates and audit stay',
};

/** What moves a device in the register. Every one of them is in the audit, with the key as the actor. */
export function deviceWrites(deps: ApiDeps): readonly AnyOperation[] {
  return [
    approveDevice(deps),
    ...(Object.keys(moves) as Move[]).map((move) => moveDevice(deps.register, move)),
    replaceDevice(deps),
    rebindDevice(deps),
    handOverDevice(deps),
  ];
}

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

/** What every move of one device has in common. */
function move(name: string) {
  return {
    id: `${name}Device`,
    method: 'POST',
    path: `/api/v1/devices/{deviceId}/${name}`,
    tag,
    permission: 'devices:write',
    reach: 'device',
    params: deviceParams,
    problems: [404, 409, 422],
  } as const;
}

function replaceDevice({ register }: ApiDeps): AnyOperation {
  return operation({
    ...move('replace'),
    summary: 'Another device takes its place, with its tags, site and pending tasks; it is blocked for good',
    body: z.strictObject({ successor: uuid.describe('The device that takes its place.'), reason: reasonBody }),
    example: { successor: '01890a5d-ac96-774b-bcce-b302099a8057', reason: 'burnt out' },
    answers: { 200: { description: 'Where the replaced one is now.', schema: movedSchema } },
    handle: async ({ params, body, by, caller }) => {
      const { successor, reason } = body;
      const { devices } = await register.list(keptToGroup({ deviceId: successor }, caller), { limit: 1 });
      if (devices.length === 0)
        return refuse(422, { in: 'body', field: 'successor', detail: 'there is no such device' });
      return stateAnswer(await register.replace(params.deviceId, successor, withReason(by, reason)));
    },
  });
}

function rebindDevice({ register, anchors }: ApiDeps): AnyOperation {
  return operation({
    ...move('rebind'),
    summary: 'The same device with a new certificate after repair; other keys of the identity are turned away',
    body: z.strictObject({
      fingerprint: hexFingerprint.describe('Of the new certificate, seen already or not.'),
      anchor: identityFields.anchor.optional(),
      identity: identityFields.identity.optional().describe('Which one, where the certificate was not seen yet.'),
      reason: reasonBody,
    }),
    example: { fingerprint: 'ab'.repeat(32), reason: 'new board' },
    answers: { 200: { description: 'Where it is now.', schema: movedSchema } },
    handle: async ({ params, body, by }) => {
      const { fingerprint, reason, ...named } = body;
      const found = optionalIdentity(anchors, named);
      if (!found.ok) return found.answer;
      const { identity } = found;
      const input = { ...params, fingerprint, ...(identity !== undefined && { identity }) };
      return stateAnswer(await register.rebind(input, withReason(by, reason)));
    },
  });
}

const recordSchema = z.strictObject({
  device: z.uuid(),
  anchor: z.string(),
  identity: z.string(),
  oui: z.string().nullable(),
  product_class: z.string().nullable(),
  serial_number: z.string().nullable(),
  fingerprint: z.string().nullable(),
  tags: z.array(z.string()),
  site: z.string().nullable(),
  note: z.string().nullable(),
});

function handOverDevice({ register }: ApiDeps): AnyOperation {
  return operation({
    ...move('handover'),
    summary: 'Answers its records, as a shipping file has them, and retires it',
    body: z.strictObject({ reason: reasonBody }),
    example: { reason: 'sold to another operator' },
    answers: {
      200: {
        description: 'One record for each identity; the device is retired.',
        schema: z.strictObject({ records: z.array(recordSchema) }),
      },
    },
    handle: async ({ params, body, by, caller }) => {
      const records: ShippingRecord[] = [];
      const filter = keptToGroup(params, caller);
      const { moved } = await register.handOver(filter, withReason(by, body.reason), async (batch) => {
        records.push(...batch);
      });
      if (moved > 0) return { status: 200, body: { records } };
      return refuse(409, { code: 'wrong_state', detail: 'the device is retired already' });
    },
  });
}
