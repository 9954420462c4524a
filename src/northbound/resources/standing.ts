import { z } from 'zod';
import { type AnyOperation, operation } from '../operation.ts';
import { pageSchema } from '../paging.ts';
import { time } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { crlShape } from './crls.ts';

const tag = 'operation';

const doorSchema = z.strictObject({ name: z.string(), url: z.string(), port: z.int() });

const nodeSchema = z.strictObject({
  id: z.uuid(),
  name: z.string().describe('Of its machine.'),
  version: z.string(),
  startedAt: time,
  seenAt: time,
  said: z.strictObject({
    doors: z.array(doorSchema),
    management: z.string(),
    anchors: z.array(z.string()),
    deviations: z.array(z.string()),
    compliance: z.enum(['report', 'strict']),
    worker: z
      .strictObject({ number: z.int(), of: z.int() })
      .optional()
      .describe('Which of several processes that serve one host.'),
  }),
});

const figuresSchema = z.strictObject({
  devices: z.record(z.string(), z.int()).describe('By state.'),
  refusedNow: z
    .array(z.strictObject({ reason: z.string(), anchor: z.string(), devices: z.int() }))
    .describe('Known devices whose last decision in the last 15 minutes was a refusal.'),
  tasks: z.array(z.strictObject({ state: z.string(), tasks: z.int(), oldest: z.string() })),
  certificates: z.array(z.strictObject({ within: z.string(), certificates: z.int() })),
  heldKeys: z.int(),
  quarantinedCertificates: z.int(),
  openConflicts: z.int(),
  milliseconds: z.number().describe('How long counting took.'),
});

const fetchSchema = z.strictObject({
  url: z.string(),
  anchor: z.string(),
  outcome: z.string().nullable(),
  failures: z.int(),
  attemptedAt: time.nullable(),
  fetchedAt: time.nullable(),
  nextAt: time,
});

const statusSchema = z.strictObject({
  at: time,
  nodes: z.array(nodeSchema).describe('Those that said something within two minutes.'),
  refusals: z
    .array(
      z.strictObject({
        peer: z.enum(['known', 'trusted-chain', 'stranger']),
        reason: z.string(),
        refusals: z.int(),
        devices: z.int().nullable().describe('Distinct ones, of those with a row of their own.'),
      }),
    )
    .describe('Of the last hour.'),
  revocation: z.strictObject({
    policyVersion: z.int().nullable(),
    overriddenUntil: time.nullable(),
    crls: z.array(z.strictObject(crlShape)),
    fetches: z.array(fetchSchema).describe('At most 50, the worst first.'),
  }),
  figures: figuresSchema.nullable().describe('Counts over all devices; null while the first are being made.'),
  countedAt: time.nullable(),
});

const clauseSchema = z.strictObject({
  clause: z.string().describe('Of TS 33.320.'),
  what: z.string(),
  verdict: z.enum(['met', 'deviates']),
  deviations: z.array(
    z.strictObject({
      name: z.string().describe('As in hems_deviation_active.'),
      clause: z.string(),
      meaning: z.string(),
      remedy: z.string(),
      where: z.array(z.string()).describe('Keys of the configuration, or entries of the policy.'),
    }),
  ),
});

export function standingReads(deps: ApiDeps): readonly AnyOperation[] {
  return [getStatus(deps), listClauses(deps)];
}

function getStatus({ status }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getStatus', method: 'GET', path: '/api/v1/status', tag },
    summary: 'The installation now: nodes and their doors, refusals of the last hour, revocation, tasks',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'As far as the database knows it.', schema: statusSchema } },
    handle: async () => ({ status: 200, body: await status() }),
  });
}

function listClauses({ clauses }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getCompliance', method: 'GET', path: '/api/v1/compliance', tag },
    summary: 'The clauses of TS 33.320 against the running configuration of this node and the policy in force',
    permission: 'trust:read',
    reach: 'installation',
    answers: { 200: { description: 'Every clause.', schema: pageSchema(clauseSchema) } },
    handle: async () => ({ status: 200, body: { items: clauses() } }),
  });
}
