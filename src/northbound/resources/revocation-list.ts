import { z } from 'zod';
import type { QuarantinedCertificate } from '../../trust/revocation/list-store.ts';
import type { ListEntry } from '../../trust/revocation/operator-list.ts';
import { fingerprintKey, identityKey, issuerSerialKey, serialNumberOf } from '../../trust/revocation/operator-list.ts';
import { revocationReasons } from '../../x509/certificate-status.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { limitQuery, pageSchema } from '../paging.ts';
import { instantQuery, line, reasonBody, time } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { withReason } from './device-answers.ts';
import { confirmBody, impactSchema, impactView, unconfirmed } from './impact-view.ts';

const tag = 'trust';
const path = '/api/v1/revocation/certificates';

const entrySchema = z.strictObject({
  kind: z.enum(['issuer-serial', 'fingerprint', 'identity']),
  key: z.string(),
  revokedAt: time,
  reason: z.string(),
  note: z.string().optional(),
  by: z.string(),
});

/** One certificate, as it may be named: by one of the three. */
const named = {
  fingerprint: line(200).optional().describe('SHA-256.'),
  identity: line(450).optional().describe('Every certificate of an identity.'),
  issuer: line(2000).optional().describe('Distinguished name of the CA, with `serialNumber`.'),
  serialNumber: line(200).optional().describe('Hexadecimal.'),
};

type Named = { readonly [Key in keyof typeof named]?: string | undefined };

const revocationSchema = z.strictObject({
  ...named,
  reason: z.enum(revocationReasons).default('unspecified'),
  revokedAt: instantQuery.optional().describe('Default: now.'),
  note: line(2000).optional(),
});

export function revocationListOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listRevoked(deps), revoke(deps), reinstate(deps), listRevocationChanges(deps), listQuarantined(deps)];
}

/** Undefined: it names none, or several at once. */
function keyOf({ fingerprint, identity, issuer, serialNumber }: Named): Pick<ListEntry, 'kind' | 'key'> | undefined {
  const given = [fingerprint, identity, issuer ?? serialNumber].filter((one) => one !== undefined);
  if (given.length !== 1) return undefined;
  const byPrint = fingerprint === undefined ? undefined : fingerprintKey(fingerprint);
  if (byPrint !== undefined) return { kind: 'fingerprint', key: byPrint };
  const byIdentity = identity === undefined ? undefined : identityKey(identity);
  if (byIdentity !== undefined) return { kind: 'identity', key: byIdentity };
  const serial = serialNumber === undefined ? undefined : serialNumberOf(serialNumber);
  if (issuer === undefined || serial === undefined) return undefined;
  return { kind: 'issuer-serial', key: issuerSerialKey(issuer, serial) };
}

const unnamed = 'name one certificate: fingerprint (SHA-256), identity, or issuer and serialNumber';

function listRevoked({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listRevokedCertificates', method: 'GET', path, tag },
    summary: 'The operator’s own list of revoked certificates, newest first',
    permission: 'trust:read',
    reach: 'installation',
    query: z.strictObject({ limit: limitQuery }),
    answers: { 200: { description: 'The newest.', schema: pageSchema(entrySchema) } },
    handle: async ({ query }) => ({ status: 200, body: { items: await desk.listed(query.limit) } }),
  });
}

function revoke({ desk, clock }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'revokeCertificates', method: 'POST', path, tag, bodyLimit: 64 * 1024 * 1024 },
    summary: 'Puts certificates on the list: all of them or none; what is there already stays',
    permission: 'trust:write',
    reach: 'installation',
    body: z.strictObject({
      certificates: z.array(revocationSchema).min(1).max(500_000),
      name: line(255).optional().describe('What the list is called: the name of a file.'),
      ...confirmBody,
      reason: reasonBody.optional(),
    }),
    example: { certificates: [{ fingerprint: 'cd'.repeat(32), reason: 'keyCompromise' }], reason: 'stolen key' },
    answers: {
      200: {
        description: 'They are on the list.',
        schema: z.strictObject({ added: z.int(), known: z.int(), impact: impactSchema }),
      },
    },
    problems: [409, 422],
    handle: async ({ body, by }) => {
      const entries: ListEntry[] = [];
      for (const [i, { reason, revokedAt = clock.now(), note, ...rest }] of body.certificates.entries()) {
        const key = keyOf(rest);
        if (key === undefined) return refuse(422, { in: 'body', field: `certificates.${i}`, detail: unnamed });
        entries.push({ ...key, reason, revokedAt, ...(note !== undefined && { note }) });
      }
      const [first] = entries;
      const one = entries.length === 1 && first !== undefined ? `${first.kind} ${first.key}` : 'a list over the API';
      const result = await desk.importList(entries, body.name ?? one, withReason(by, body.reason), body.confirm);
      if ('kind' in result) return unconfirmed(result);
      if (!result.ok) return refuse(409, { code: 'list_full', detail: result.cause });
      const { added, known, impact } = result;
      return { status: 200, body: { added, known, impact: impactView(impact) } };
    },
  });
}

function reinstate({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'reinstateCertificate', method: 'POST', path: `${path}/reinstate`, tag },
    summary: 'Takes one certificate off the list',
    permission: 'trust:write',
    reach: 'installation',
    body: z.strictObject({ ...named, reason: reasonBody.optional() }),
    answers: {
      200: {
        description: 'It is off the list.',
        schema: z.strictObject({ kind: z.string(), key: z.string() }),
      },
    },
    problems: [404, 422],
    handle: async ({ body: { reason, ...rest }, by }) => {
      const key = keyOf(rest);
      if (key === undefined) return refuse(422, { in: 'body', detail: unnamed });
      const lifted = await desk.reinstate(key, withReason(by, reason));
      return lifted ? { status: 200, body: key } : refuse(404, { detail: 'it is not on the list' });
    },
  });
}

function listRevocationChanges({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listRevocationChanges', method: 'GET', path: '/api/v1/revocation/changes', tag },
    summary: 'Who changed what of policy, CRLs and list, newest first',
    permission: 'trust:read',
    reach: 'installation',
    query: z.strictObject({ limit: limitQuery }),
    answers: {
      200: {
        description: 'The newest.',
        schema: pageSchema(
          z.strictObject({
            seq: z.int(),
            at: time,
            actor: z.string(),
            action: z.string(),
            subject: z.string(),
            after: z.looseObject({}).nullable(),
            reason: z.string().nullable(),
          }),
        ),
      },
    },
    handle: async ({ query }) => ({ status: 200, body: { items: await desk.changes(query.limit) } }),
  });
}

function listQuarantined({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listQuarantinedCertificates', method: 'GET', path: '/api/v1/revocation/quarantine', tag },
    summary: 'Certificates that the policy keeps outside because no source could say',
    permission: 'trust:read',
    reach: 'installation',
    query: z.strictObject({ limit: limitQuery }),
    answers: { 200: { description: 'The newest.', schema: pageSchema(quarantinedSchema) } },
    handle: async ({ query }) => ({
      status: 200,
      body: { items: (await desk.quarantined(query.limit)).map(quarantinedView) },
    }),
  });
}

const quarantinedSchema = z.strictObject({
  deviceId: z.uuid(),
  fingerprint: z.string(),
  firstAt: time,
  lastAt: time,
  cause: z.string(),
  detail: z.string(),
  policyVersion: z.string(),
  releasedUntil: time.nullable(),
});

function quarantinedView(row: QuarantinedCertificate) {
  const { device_id: deviceId, first_at: firstAt, last_at: lastAt, fingerprint, cause, detail } = row;
  const { policy_version: policyVersion, released_until: releasedUntil } = row;
  return { deviceId, fingerprint, firstAt, lastAt, cause, detail, policyVersion, releasedUntil };
}
