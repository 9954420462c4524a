import { z } from 'zod';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { time } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const count = z.int();

const installationSchema = z.strictObject({
  refusedNow: z
    .array(z.strictObject({ reason: z.string(), anchor: z.string(), devices: count }))
    .describe('Known devices whose last decision of the last fifteen minutes was a refusal.'),
  tasks: z.array(z.strictObject({ state: z.string(), tasks: count, oldest: z.string() })).describe('Open ones.'),
  certificates: z
    .array(z.strictObject({ within: z.string(), certificates: count }))
    .describe('Approved ones, by the first bound before which they end.'),
  heldKeys: count,
  quarantinedCertificates: count,
  openConflicts: count,
  milliseconds: z.number().optional().describe('What counting cost the database.'),
});

const overviewSchema = z.strictObject({
  at: time.describe('When it was counted: at most about a minute ago.'),
  devices: z.record(z.string(), count).describe('By state; a state without devices is absent.'),
  informedLastHour: count.describe('Devices; of the whole installation to the hour.'),
  informedLastDay: count,
  installation: installationSchema.nullable().describe('Null for a key of a group.'),
});

export function getOverview({ overviews }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getOverview', method: 'GET', path: '/api/v1/overview', tag: 'operation' },
    summary: 'Numbers for the first page of a dashboard, counted every half a minute at most',
    permission: 'devices:read',
    reach: 'fleet',
    answers: { 200: { description: 'The numbers.', schema: overviewSchema } },
    handle: async ({ caller }) => {
      const found = await overviews.read(caller.group ?? undefined);
      if (found === undefined) return refuse(503, { detail: 'another node is counting for the first time' });
      return { status: 200, body: { ...found, installation: found.installation ?? null } };
    },
  });
}
