import { z } from 'zod';
import { type AnyOperation, operation } from '../operation.ts';
import { limitQuery, pageSchema } from '../paging.ts';
import { time } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'trust';

const anchorSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['manufacturer', 'operator']),
  certificates: z.array(
    z.strictObject({ fingerprint: z.string(), notBefore: time, notAfter: time, serialNumber: z.string() }),
  ),
  identity: z.array(z.string()),
  realms: z.array(z.string()),
  registration: z.enum(['known-only', 'quarantine', 'auto']),
  sharedSecret: z.enum(['refuse', 'ignore']),
});

const policySchema = z.strictObject({
  version: z.int(),
  document: z.unknown().describe('As it was written.'),
  appliedAt: time,
  appliedBy: z.string(),
  reason: z.string().optional(),
  restores: z.int().optional().describe('The older version that it brought back.'),
});

const crlSchema = z.strictObject({
  origin: z.string().describe('A URL, or `upload`.'),
  fingerprint: z.string(),
  anchor: z.string(),
  issuer: z.string(),
  number: z.string().optional(),
  delta: z.boolean(),
  thisUpdate: time,
  nextUpdate: time.optional(),
  entries: z.int(),
  size: z.int(),
  since: time,
});

const entrySchema = z.strictObject({
  kind: z.string(),
  key: z.string(),
  revokedAt: time,
  reason: z.string(),
  note: z.string().optional(),
  by: z.string(),
});

/** The newest of a short list; it has no pages. */
const newest = z.strictObject({ limit: limitQuery });

export function trustReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listAnchors(deps), listPolicies(deps), listCrls(deps), listRevoked(deps)];
}

function listAnchors({ anchors }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listTrustAnchors', method: 'GET', path: '/api/v1/trust-anchors', tag },
    summary: 'The trust anchors of this node, as configured',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'All of them.', schema: pageSchema(anchorSchema) } },
    handle: async () => {
      const items = anchors.map(({ name, kind, path, identity, realms, registration, sharedSecret }) => ({
        ...{ name, kind, identity, realms, registration, sharedSecret },
        certificates: path.certificates.map(({ fingerprint, notBefore, notAfter, serialNumber }) => {
          return { fingerprint, notBefore, notAfter, serialNumber };
        }),
      }));
      return { status: 200, body: { items } };
    },
  });
}

function listPolicies({ policies }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listRevocationPolicies', method: 'GET', path: '/api/v1/revocation/policies', tag },
    summary: 'Versions of the revocation policy, newest first: the first is in force',
    permission: 'trust:read',
    reach: 'installation',
    query: newest,
    answers: { 200: { description: 'The newest.', schema: pageSchema(policySchema) } },
    handle: async ({ query }) => {
      const found = await policies(query.limit);
      const items = found.map(({ document: _, content, ...rest }) => ({ ...rest, document: content }));
      return { status: 200, body: { items } };
    },
  });
}

function listCrls({ crls }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listCrls', method: 'GET', path: '/api/v1/crls', tag },
    summary: 'Every CRL in use, once for each place it came from',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'All of them.', schema: pageSchema(crlSchema) } },
    handle: async () => ({ status: 200, body: { items: (await crls()).map(({ signers: _, ...rest }) => rest) } }),
  });
}

function listRevoked({ revokedCertificates }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listRevokedCertificates', method: 'GET', path: '/api/v1/revocation/certificates', tag },
    summary: 'The operator’s own list of revoked certificates, newest first',
    permission: 'trust:read',
    reach: 'installation',
    query: newest,
    answers: { 200: { description: 'The newest.', schema: pageSchema(entrySchema) } },
    handle: async ({ query }) => ({ status: 200, body: { items: await revokedCertificates(query.limit) } }),
  });
}
