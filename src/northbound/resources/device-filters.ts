import { z } from 'zod';
import { deviceStates } from '../../fleet/device.ts';
import { type DeviceFilter, parameterFilterFault } from '../../fleet/listing.ts';
import type { Caller } from '../authentication.ts';
import { instantQuery, line } from '../values.ts';

const never = 'A device that never informed is neither before nor after.';

/** By which devices are chosen, in a list, an export or work on many. */
export const deviceFilters = {
  state: z.enum(deviceStates).optional(),
  anchor: line(63).optional().describe('With an identity under this trust anchor.'),
  identityPrefix: line(253).optional().describe('With an identity that begins so.'),
  oui: z
    .string()
    .regex(/^[0-9a-fA-F]{6}$/, 'write six hexadecimal digits')
    .optional(),
  serialNumber: line(64).optional(),
  tag: line(64).optional(),
  site: line(200).optional(),
  model: line(64).optional().describe('ProductClass of its serial.'),
  softwareVersion: line(64).optional().describe('As its last Inform said.'),
  informedBefore: instantQuery.optional().describe(`Of its last Inform. ${never}`),
  informedAfter: instantQuery.optional().describe(`Of its last Inform: not before. ${never}`),
  parameter: z
    .string()
    .max(1300)
    .superRefine((text, context) => {
      const fault = parameterFilterFault(text);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .optional()
    .describe('`Device.X.Y=value`, as it was last read; not for secret and personal parameters.'),
  expiresBefore: instantQuery.optional().describe('The newest approved certificate of an identity ends before then.'),
};

/** The filter of a request, kept to the group of whoever asks. */
export function keptToGroup(wanted: object, { group }: Caller): DeviceFilter {
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  return { ...given, ...(group !== null && { group }) };
}
