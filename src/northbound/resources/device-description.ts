import { z } from 'zod';
import { mostTags, tagPattern } from '../../fleet/shipping-record.ts';
import { type AnyOperation, operation, refuse } from '../operation.ts';
import { deviceParams, line, reasonBody } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { refused, withReason } from './device-answers.ts';
import { deviceDetailsSchema, deviceDetailsView, etagOf } from './device-views.ts';

const tagWord = z.string().regex(tagPattern, 'write a word of letters, digits and . _ : / @ + -');

/** If-Match (RFC 9110 13.1.1): ETags of which one has to be the device's own. */
const ifMatch = z
  .string()
  .max(1000)
  .optional()
  .describe('The ETag that was read with the device; without it nothing is changed (428).');

export function describeDevice({ register }: ApiDeps): AnyOperation {
  return operation({
    id: 'updateDevice',
    method: 'PATCH',
    path: '/api/v1/devices/{deviceId}',
    summary: 'Tags, site and note; what is not given stays as it is',
    description: 'A key of a group cannot take the tag of its group away.',
    tag: 'devices',
    permission: 'devices:write',
    reach: 'device',
    params: deviceParams,
    headers: z.object({ 'if-match': ifMatch }),
    body: z.strictObject({
      tags: z.array(tagWord).max(mostTags).optional().describe('All of them, not only new ones.'),
      site: line(200).nullable().optional(),
      note: line(2000).nullable().optional(),
      reason: reasonBody.optional(),
    }),
    example: { tags: ['north', 'pilot'], site: 'Ulm 7', reason: 'moved' },
    answers: {
      200: { description: 'The device.', schema: deviceDetailsSchema, headers: { ETag: 'The new one.' } },
    },
    problems: [404, 409, 412, 422, 428],
    handle: async ({ params: { deviceId }, headers, body: { reason, ...wanted }, by, caller }) => {
      const match = headers['if-match'];
      if (match === undefined)
        return refuse(428, { in: 'header', field: 'If-Match', detail: 'send the ETag of the device' });
      if (caller.group !== null && wanted.tags?.includes(caller.group) === false)
        return refuse(422, {
          code: 'group_tag',
          in: 'body',
          field: 'tags',
          detail: 'the tag of your group is missing',
        });
      const change = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
      const tags = match.split(',').map((tag) => tag.trim());
      const asSeen = (device: Parameters<typeof etagOf>[0]) => tags.includes('*') || tags.includes(etagOf(device));
      const result = await register.describe({ deviceId, change, asSeen }, withReason(by, reason));
      if (result.ok)
        return { status: 200, body: deviceDetailsView(result.device), headers: { ETag: etagOf(result.device) } };
      const { problem } = result;
      if (problem.kind === 'stale') return refuse(412, { in: 'header', field: 'If-Match', detail: problem.message });
      return refused(problem);
    },
  });
}
