import { z } from 'zod';
import type { Said } from '../../trust/revocation/desk.ts';
import type { Applied, Faulty } from '../../trust/revocation/revocation-desk.ts';
import { longestOverride } from '../../trust/revocation/policy-store.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { limitQuery, pageSchema } from '../paging.ts';
import { instantQuery, reasonBody, time } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { withReason } from './device-answers.ts';
import { confirmBody, impactSchema, impactView, unconfirmed } from './impact-view.ts';

const tag = 'trust';
const path = '/api/v1/revocation/policies';

const versionSchema = z.strictObject({
  version: z.int(),
  document: z.unknown().describe('As it was written.'),
  appliedAt: time,
  appliedBy: z.string(),
  reason: z.string().optional(),
  restores: z.int().optional().describe('The older version that it brought back.'),
});

const nowSchema = z.strictObject({
  policy: versionSchema.nullable().describe('Null: revocation is not checked.'),
  override: z
    .strictObject({ at: time, until: time, by: z.string(), reason: z.string() })
    .nullable()
    .describe('While unknown and stale are tolerated.'),
});

const appliedSchema = z.strictObject({
  version: z.int(),
  unchecked: z.array(z.string()).optional().describe('Trust anchors that it does not name.'),
  impact: impactSchema,
});

const draft = {
  document: z.record(z.string(), z.unknown()).describe('The policy: docs/revocation.md has its keys.'),
  offline: z.boolean().default(false).describe('Fetch none of the CRLs that it names and no node has yet.'),
};

const ifMatch = z.object({
  'if-match': z
    .string()
    .regex(/^"\d{1,9}"$/, 'write the ETag of the policy: "7", or "0" where there is none')
    .optional()
    .describe('Only after this version; else 412.'),
});

const example = { anchors: [{ name: 'acme', sources: [{ kind: 'uploaded-crl' }], onUnknown: 'admit' }] };

export function policyOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [
    getPolicy(deps),
    listPolicies(deps),
    checkPolicy(deps),
    applyPolicy(deps),
    restorePolicy(deps),
    overridePolicy(deps),
  ];
}

function versionView<Version extends { readonly content: unknown }>({ content, ...rest }: Version) {
  return { ...rest, document: content };
}

function getPolicy({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getRevocationPolicy', method: 'GET', path: '/api/v1/revocation/policy', tag },
    summary: 'The revocation policy in force, and what is relaxed at the moment',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'As it is now.', schema: nowSchema, headers: { ETag: 'The version, quoted.' } } },
    handle: async () => {
      const { policy, override } = await desk.policyNow();
      const body = { policy: policy === undefined ? null : versionView(policy), override: override ?? null };
      return { status: 200, body, headers: { ETag: `"${policy?.version ?? 0}"` } };
    },
  });
}

function listPolicies({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listRevocationPolicies', method: 'GET', path, tag },
    summary: 'Versions of the revocation policy, newest first: the first is in force',
    permission: 'trust:read',
    reach: 'installation',
    query: z.strictObject({ limit: limitQuery }),
    answers: { 200: { description: 'The newest.', schema: pageSchema(versionSchema) } },
    handle: async ({ query }) => ({
      status: 200,
      body: { items: (await desk.versions(query.limit)).map(versionView) },
    }),
  });
}

function checkPolicy({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'checkRevocationPolicy', method: 'POST', path: `${path}/check`, tag, idempotency: 'none' },
    summary:
      'Every fault of a policy; who of the active devices it would refuse if it were applied. Nothing is changed',
    permission: 'trust:read',
    reach: 'installation',
    body: z.strictObject(draft),
    example: { document: example, offline: true },
    answers: {
      200: {
        description: 'It is in order.',
        schema: z.strictObject({ unchecked: z.array(z.string()), impact: impactSchema }),
      },
    },
    problems: [422],
    handle: async ({ body: { document, offline } }) => {
      const result = await desk.weigh({ content: document, offline });
      if (!result.ok) return faulty(result);
      return { status: 200, body: { unchecked: result.unchecked, impact: impactView(result.impact) } };
    },
  });
}

function faulty({ faults }: Faulty): Answer {
  const [first] = faults;
  return refuse(422, {
    code: 'faulty_policy',
    in: 'body',
    field: `document.${first?.key ?? ''}`,
    detail: first === undefined ? 'the policy is faulty' : `${first.cause}; ${first.remedy}`,
    more: { faults: faults.map(({ key, cause, remedy }) => ({ key, cause, remedy })) },
  });
}

function outcome(result: Applied | Faulty): Answer {
  if (result.ok) {
    const { version, unchecked, impact } = result;
    const body = { version, ...(unchecked && { unchecked }), impact: impactView(impact) };
    return { status: 201, body, headers: { ETag: `"${version}"`, Location: '/api/v1/revocation/policy' } };
  }
  switch (result.kind) {
    case 'faulty':
      return faulty(result);
    case 'unconfirmed':
      return unconfirmed(result);
    case 'overtaken':
      return refuse(412, { detail: `version ${result.version} of the policy is in force by now` });
  }
}

function said(confirm: number | undefined, match: string | undefined): Said {
  return { confirmed: confirm, expected: match === undefined ? undefined : Number(match.slice(1, -1)) };
}

const made = {
  201: {
    description: 'It is in force, on all nodes.',
    schema: appliedSchema,
    headers: { ETag: 'The version, quoted.', Location: 'Of the policy in force.' },
  },
};

function applyPolicy({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'applyRevocationPolicy', method: 'POST', path, tag },
    summary: 'Makes a policy the next version, on all nodes, without a restart',
    permission: 'trust:write',
    reach: 'installation',
    headers: ifMatch,
    body: z.strictObject({ ...draft, ...confirmBody, reason: reasonBody.optional() }),
    example: { document: example, offline: true, reason: 'CRLs of acme count from now on' },
    answers: made,
    problems: [409, 412, 422],
    handle: async ({ headers, body: { document, offline, confirm, reason }, by }) => {
      const words = said(confirm, headers['if-match']);
      return outcome(await desk.apply({ content: document, offline }, withReason(by, reason), words));
    },
  });
}

function restorePolicy({ desk }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'restoreRevocationPolicy', method: 'POST', path: `${path}/{version}/restore`, tag },
    summary: 'Makes an older version the next one',
    permission: 'trust:write',
    reach: 'installation',
    params: z.strictObject({ version: z.coerce.number().int().min(1).max(999_999_999) }),
    headers: ifMatch,
    body: z.strictObject({ ...confirmBody, reason: reasonBody }),
    answers: made,
    problems: [404, 409, 412],
    handle: async ({ params: { version }, headers, body: { confirm, reason }, by }) => {
      const result = await desk.rollBack(version, withReason(by, reason), said(confirm, headers['if-match']));
      return result === undefined ? refuse(404, { detail: 'there is no such version of the policy' }) : outcome(result);
    },
  });
}

function overridePolicy({ desk, clock }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'overrideRevocationPolicy', method: 'POST', path: '/api/v1/revocation/policy/override', tag },
    summary: 'Tolerates unknown and stale for a time, at most 24 h; never revoked',
    permission: 'trust:write',
    reach: 'installation',
    body: z.strictObject({ until: instantQuery.nullable().describe('Null ends it now.'), reason: reasonBody }),
    example: { until: null, reason: 'the responder answers again' },
    answers: { 200: { description: 'Until when.', schema: z.strictObject({ until: time }) } },
    problems: [422],
    handle: async ({ body: { until, reason }, by }) => {
      const ahead = until === null ? 1 : until.getTime() - clock.now().getTime();
      if (ahead <= 0 || ahead > longestOverride)
        return refuse(422, { in: 'body', field: 'until', detail: 'is not within the 24 hours to come' });
      return { status: 200, body: { until: await desk.override(until ?? undefined, { ...by, reason }) } };
    },
  });
}
