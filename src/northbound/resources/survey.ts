import { z } from 'zod';
import { type ProfileName, profiles } from '../../x509/profile.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import type { ApiDeps } from './deps.ts';

const surveySchema = z.strictObject({
  anchors: z.array(
    z.strictObject({
      anchor: z.string(),
      certificates: z.int(),
      rules: z.array(
        z.strictObject({
          rule: z.string(),
          clause: z.string(),
          level: z.enum(['refuse', 'warn', 'off']).describe('What the anchor has it at today.'),
          breaking: z.int().describe('Certificates whose path breaks it: as many would be refused at "refuse".'),
        }),
      ),
    }),
  ),
  unkept: z.int().describe('Certificates that are not kept whole, and so cannot be judged.'),
});

/** One at a time on each node: it reads every certificate that was ever shown. */
export function surveyCertificates({ survey }: ApiDeps): AnyOperation {
  let running = false;
  return operation({
    ...{ id: 'surveyCertificates', method: 'GET', path: '/api/v1/certificate-survey', tag: 'trust' },
    summary: 'What each rule would refuse of the certificates that devices have shown, by trust anchor',
    permission: 'trust:read',
    reach: 'installation',
    query: z.strictObject({
      profile: z
        .enum(Object.keys(profiles) as [ProfileName])
        .default('hems')
        .describe('Of anchors that are configured no more.'),
    }),
    answers: { 200: { description: 'The counts.', schema: surveySchema } },
    problems: [409],
    handle: async ({ query: { profile } }) => {
      if (running) return refuse(409, { code: 'busy', detail: 'a survey is running on this node' });
      running = true;
      try {
        return { status: 200, body: await survey(profiles[profile]) };
      } finally {
        running = false;
      }
    },
  });
}
