import { z } from 'zod';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { deviceParams, hexFingerprint, instantQuery, reasonBody, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { identityFields, movedSchema, optionalIdentity, stateAnswer, withReason } from './device-answers.ts';
import { certificateSchema } from './device-views.ts';

const path = '/api/v1/devices/{deviceId}/certificates';
const tag = 'devices';

export function deviceCertificates(deps: ApiDeps): readonly AnyOperation[] {
  return [listCertificates(deps), addCertificate(deps), removeCertificate(deps), releaseDevice(deps)];
}

function listCertificates({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listCertificates', method: 'GET', path, tag, params: deviceParams },
    summary: 'The newest twenty certificates that it has shown',
    permission: 'devices:read',
    reach: 'device',
    answers: { 200: { description: 'The newest.', schema: pageSchema(certificateSchema) } },
    problems: [404],
    handle: async ({ params }) => {
      const device = await register.facts(params.deviceId);
      if (device === undefined) return refuse(404, { detail: 'there is no such device' });
      return { status: 200, body: { items: device.certificates } };
    },
  });
}

function addCertificate({ register, anchors }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'addCertificate', method: 'POST', path, tag, params: deviceParams },
    summary: 'Lets in a certificate: shown already, or the one that must be shown first from now on',
    description: 'Other keys stay as they are; “rebind” turns them away. Idempotent by the fingerprint.',
    permission: 'devices:write',
    reach: 'device',
    body: z.strictObject({
      fingerprint: hexFingerprint,
      anchor: identityFields.anchor.optional(),
      identity: identityFields.identity.optional().describe('Which one, where the certificate was not seen yet.'),
      reason: reasonBody,
    }),
    example: { fingerprint: 'ab'.repeat(32), reason: 'renewed by the operator' },
    answers: { 200: { description: 'Where the device is now.', schema: movedSchema } },
    problems: [404, 409, 422],
    handle: async ({ params, body, by }) => {
      const { fingerprint, reason, ...named } = body;
      const found = optionalIdentity(anchors, named);
      if (!found.ok) return found.answer;
      const { identity } = found;
      const input = { ...params, fingerprint, ...(identity !== undefined && { identity }) };
      return stateAnswer(await register.addCertificate(input, withReason(by, reason)));
    },
  });
}

function removeCertificate({ register }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'removeCertificate', method: 'DELETE', path: `${path}/{fingerprint}`, tag },
    summary: 'Turns away the key of a certificate; what it has open is closed on all nodes',
    params: z.strictObject({ deviceId: uuid, fingerprint: hexFingerprint }),
    permission: 'devices:write',
    reach: 'device',
    query: z.strictObject({ reason: reasonBody }),
    answers: { 200: { description: 'Where the device is now.', schema: movedSchema } },
    problems: [404, 409],
    handle: async ({ params: { deviceId, fingerprint }, query, by }) =>
      stateAnswer(await register.removeCertificate(deviceId, fingerprint, withReason(by, query.reason))),
  });
}

function releaseDevice({ release, clock }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'releaseDevice', method: 'POST', path: '/api/v1/devices/{deviceId}/release', tag, params: deviceParams },
    summary: 'Lets its quarantined certificates in for a time, though no source can say that they are not revoked',
    description: 'A revoked certificate stays refused.',
    permission: 'devices:write',
    reach: 'device',
    body: z.strictObject({ until: instantQuery.describe('At most a year ahead.'), reason: reasonBody }),
    answers: {
      200: {
        description: 'How many certificates are released.',
        schema: z.strictObject({ certificates: z.int(), until: z.iso.datetime() }),
      },
    },
    problems: [404, 422],
    handle: async ({ params: { deviceId }, body: { until, reason }, by }) => {
      const ahead = until.getTime() - clock.now().getTime();
      if (ahead <= 0 || ahead > 366 * 86_400_000)
        return refuse(422, { in: 'body', field: 'until', detail: 'is not within the year to come' });
      const certificates = await release(deviceId, until, withReason(by, reason));
      if (certificates > 0) return { status: 200, body: { certificates, until } };
      return refuse(404, { code: 'nothing_to_release', detail: 'no certificate of it is quarantined' });
    },
  });
}
