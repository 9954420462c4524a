import { z } from 'zod';
import { CrlUnreadable } from '../../trust/revocation/crl-reader.ts';
import { derOfCrl } from '../../trust/revocation/crl-fetch.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import { mostCrlText } from '../../x509/crl-file.ts';
import { DerError } from '../../x509/der.ts';
import { PemError, readPem } from '../../x509/pem.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { hexFingerprint, reasonBody, time } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { withReason } from './device-answers.ts';
import { confirmBody, impactSchema, impactView, unconfirmed } from './impact-view.ts';

const tag = 'trust';
const path = '/api/v1/crls';

export const crlShape = {
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
};

const detailsSchema = z.strictObject({
  ...crlShape,
  origins: z.array(z.string()),
  list: z.array(z.strictObject({ serialNumber: z.string(), revokedAt: time, reason: z.string() })),
});

export function crlOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listCrls(deps), getCrl(deps), importCrl(deps)];
}

function listCrls({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listCrls', method: 'GET', path, tag },
    summary: 'Every CRL in use, once for each place it came from',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'All of them.', schema: pageSchema(z.strictObject(crlShape)) } },
    handle: async () => ({ status: 200, body: { items: await desk.crls() } }),
  });
}

function getCrl({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getCrl', method: 'GET', path: `${path}/{fingerprint}`, tag },
    summary: 'One CRL in use, with its first entries',
    permission: 'trust:read',
    reach: 'installation',
    params: z.strictObject({ fingerprint: hexFingerprint }),
    query: z.strictObject({ entries: z.coerce.number().int().min(0).max(100_000).default(20).describe('How many.') }),
    answers: { 200: { description: 'The CRL.', schema: detailsSchema } },
    problems: [404],
    handle: async ({ params: { fingerprint }, query: { entries } }) => {
      const found = await desk.crl(fingerprint, entries);
      return found.ok ? { status: 200, body: found.crl } : refuse(404, { detail: 'there is no such CRL in use' });
    },
  });
}

/** Base64 is a third longer, PEM a little more; both within this. */
const mostBody = mostCrlText + 2 * 1024 * 1024;

const importSchema = z.strictObject({
  crl: z
    .string()
    .min(1)
    .max(mostCrlText)
    .describe('PEM (X509 CRL), or DER in base64; CA certificates may stand in the same PEM.'),
  certificates: z.string().max(1_000_000).optional().describe('PEM of CA certificates that may have signed it.'),
  ...confirmBody,
  reason: reasonBody.optional(),
});

const importedSchema = z.strictObject({
  fingerprint: z.string(),
  anchor: z.string(),
  description: z.string(),
  stored: z.boolean().describe('False: it was in use already.'),
  impact: impactSchema,
});

function importCrl({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'importCrl', method: 'POST', path, tag, bodyLimit: mostBody },
    summary: 'Takes a CRL into use, on all nodes at once; idempotent by its SHA-256',
    permission: 'trust:write',
    reach: 'installation',
    body: importSchema,
    answers: {
      200: { description: 'It was in use already.', schema: importedSchema },
      201: { description: 'It is in use.', schema: importedSchema, headers: { Location: 'Of the CRL.' } },
    },
    problems: [409, 422],
    handle: async ({ body: { crl, certificates, confirm, reason }, by }) => {
      const given = readGiven(crl, certificates);
      if ('field' in given) return refuse(422, { code: 'unreadable', in: 'body', ...given });
      try {
        const result = await desk.importCrl(given, withReason(by, reason), confirm);
        if (!result.ok) return notTaken(result);
        const { ok: _, impact, ...rest } = result;
        const body = { ...rest, impact: impactView(impact) };
        if (!result.stored) return { status: 200, body };
        return { status: 201, body, headers: { Location: `${path}/${result.fingerprint}` } };
      } catch (error) {
        if (!(error instanceof CrlUnreadable)) throw error;
        return refuse(422, { code: 'unreadable', in: 'body', field: 'crl', detail: error.message });
      }
    },
  });
}

type NotTaken = Extract<Awaited<ReturnType<ApiDeps['desk']['importCrl']>>, { ok: false }>;

function notTaken(result: NotTaken): Answer {
  if (result.kind === 'unconfirmed') return unconfirmed(result);
  const status = result.kind === 'rollback' ? 409 : 422;
  return refuse(status, { code: result.kind, in: 'body', field: 'crl', detail: result.cause });
}

interface Unread {
  readonly field: string;
  readonly detail: string;
}

function readGiven(text: string, certificates: string | undefined) {
  const pem = text.includes('-----BEGIN ');
  const bytes = pem ? Buffer.from(text, 'latin1') : Buffer.from(text, 'base64');
  const beside = certificatesOf(certificates ?? '', 'certificates');
  const inside = certificatesOf(pem ? text : '', 'crl');
  if ('field' in beside) return beside;
  if ('field' in inside) return inside;
  try {
    return { der: derOfCrl(bytes), certificates: [...beside, ...inside] };
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return { field: 'crl', detail: error.message };
  }
}

function certificatesOf(text: string, field: string): readonly Certificate[] | Unread {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return [];
  try {
    return readPem(text, 'CERTIFICATE').map(parseCertificate);
  } catch (error) {
    if (!(error instanceof PemError) && !(error instanceof DerError)) throw error;
    return { field, detail: error.message };
  }
}
