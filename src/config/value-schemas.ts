import { z } from 'zod';

/* Values that stand in many places of the configuration. */

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Node's timers hold 31 bits of milliseconds and fire at once beyond. */
const longest = 24 * 86_400_000;

const written = /^(\d{1,9})(ms|s|m|h|d)$/;

function milliseconds(text: string): number {
  const [, count, unit] = written.exec(text) ?? [];
  return Number(count) * (units[unit ?? ''] ?? Number.NaN);
}

function isBearable(text: string): boolean {
  return !written.test(text) || (milliseconds(text) >= 1 && milliseconds(text) <= longest);
}

/** A duration written for people ("30s", "12h"), kept as milliseconds. */
export const duration = z
  .string()
  .regex(written, 'write a number and a unit: 500ms, 30s, 5m, 12h or 1d')
  .refine(isBearable, 'must be between 1ms and 24d')
  .transform(milliseconds);

export const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and "-"');
export const port = z.int().min(0).max(65_535);

/** Whether a part of the schema is a duration; for printing it as people write it. */
export function isDuration(schema: z.core.$ZodType): boolean {
  return schema === duration;
}
