import { z } from 'zod';

/* Values that stand in many operations. */

/** Any uuid, as Postgres has it; lower case from here on. */
export const uuid = z
  .string()
  .regex(/^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/, 'write a UUID')
  .toLowerCase()
  .meta({ format: 'uuid' });

export const deviceParams = z.strictObject({ deviceId: uuid });

/** RFC 3339; within what every part of the system can hold. */
export const instantQuery = z.iso
  .datetime({ offset: true, error: 'write a time of RFC 3339: 2026-01-31T12:00:00Z' })
  .max(40)
  .transform((text) => new Date(text));

/** A time in an answer: RFC 3339 in UTC. */
export const time = z.iso.datetime();

/** One line of a person's or a device's text. */
export const line = (most: number) => z.string().min(1).max(most);

export const reasonBody = z.string().min(1).max(2000).describe('Why; stands in the audit.');

export const hexFingerprint = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, 'write 64 hexadecimal digits')
  .toLowerCase();
