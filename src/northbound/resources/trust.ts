import { z } from 'zod';
import type { TrustAnchor } from '../../trust/anchors.ts';
import { nameToString } from '../../x509/name.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { line, time } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'trust';
const path = '/api/v1/trust-anchors';

const anchorSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['manufacturer', 'operator']),
  certificates: z.array(
    z.strictObject({
      fingerprint: z.string(),
      subject: z.string(),
      serialNumber: z.string(),
      notBefore: time,
      notAfter: time,
    }),
  ),
  identity: z.array(z.string()),
  realms: z.array(z.string()),
  registration: z.enum(['known-only', 'quarantine', 'auto']),
  sharedSecret: z.enum(['refuse', 'ignore']),
});

export function trustReads(deps: ApiDeps): readonly AnyOperation[] {
  return [listAnchors(deps), getAnchor(deps), listServerCertificates(deps)];
}

function anchorView({ name, kind, path: { certificates }, identity, realms, registration, sharedSecret }: TrustAnchor) {
  return {
    ...{ name, kind, identity, realms, registration, sharedSecret },
    certificates: certificates.map(({ fingerprint, subject, notBefore, notAfter, serialNumber }) => {
      return { fingerprint, subject: nameToString(subject), notBefore, notAfter, serialNumber };
    }),
  };
}

function listAnchors({ anchors }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listTrustAnchors', method: 'GET', path, tag },
    summary: 'The trust anchors of this node, as configured',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'All of them.', schema: pageSchema(anchorSchema) } },
    handle: async () => ({ status: 200, body: { items: anchors.map(anchorView) } }),
  });
}

function getAnchor({ anchors }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getTrustAnchor', method: 'GET', path: `${path}/{name}`, tag },
    summary: 'One trust anchor of this node',
    permission: 'trust:read',
    reach: 'installation',
    params: z.strictObject({ name: line(63) }),
    answers: { 200: { description: 'The anchor.', schema: anchorSchema } },
    problems: [404],
    handle: async ({ params }) => {
      const found = anchors.find(({ name }) => name === params.name);
      if (found === undefined) return refuse(404, { detail: 'there is no such trust anchor' });
      return { status: 200, body: anchorView(found) };
    },
  });
}

const serverCertificateSchema = z.strictObject({
  listener: z.string(),
  keyType: z.string(),
  file: z.string(),
  subject: z.string(),
  fingerprint: z.string(),
  notBefore: time,
  notAfter: time,
  served: z.boolean().describe('False: it lies in the files and waits, or is over.'),
  mustStaple: z.boolean().describe('It demands an OCSP answer (RFC 7633).'),
  stapleUntil: time.nullable().describe('Of the OCSP answer sent along with it; null: none is at hand.'),
});

function listServerCertificates({ serverCertificates }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listServerCertificates', method: 'GET', path: '/api/v1/server-certificates', tag },
    summary: 'The certificates of the doors for devices on this node, and the OCSP answers stapled to them',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'All of them.', schema: pageSchema(serverCertificateSchema) } },
    handle: async () => ({ status: 200, body: { items: serverCertificates() } }),
  });
}
