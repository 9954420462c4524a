import { parse } from 'yaml';
import { z } from 'zod';
import { transferPlanSchema } from './transfer-plan.ts';

/** What happens to a device, one thing after the other; docs/simulator.md. */
const step = z.strictObject({
  /** Seconds after the step before. */
  after: z.number().min(0).max(86_400).default(0),
  /** Values that change by themselves. */
  set: z.record(z.string().max(256), z.string().max(65_536)).optional(),
  alarm: z
    .strictObject({
      identifier: z.string().min(1).max(64),
      managedObjectInstance: z.string().max(512).default(''),
      eventType: z.string().max(64).default('Equipment Alarm'),
      probableCause: z.string().max(64).default('Equipment Malfunction'),
      severity: z.enum(['Critical', 'Major', 'Minor', 'Warning', 'Indeterminate']).default('Major'),
      text: z.string().max(256).default(''),
      cleared: z.boolean().default(false),
    })
    .optional(),
  /** Faults with which the next requests of a method are answered. */
  faults: z.array(z.strictObject({ method: z.string().max(64), code: z.int().min(9000).max(9899) })).optional(),
  /** What becomes of the next transfers. */
  transfers: z.array(transferPlanSchema).optional(),
  /** The power goes and comes back. */
  powerCycle: z.boolean().optional(),
  /** The windows of scheduled downloads have come. */
  releaseTransfers: z.boolean().optional(),
  /** A file that the device sends by itself. */
  upload: z.url({ protocol: /^https$/ }).optional(),
  /** A session now; default: where something has happened that wants one. */
  call: z.boolean().optional(),
  /** At the first request of this method the device hangs up: before it has done it, or after. */
  hangUp: z.strictObject({ at: z.string().max(64), done: z.boolean().default(false) }).optional(),
});

const script = z.strictObject({
  /** How often the steps are gone through. */
  repeat: z.int().min(1).max(1_000_000).default(1),
  steps: z.array(step).min(1).max(1000),
});

export type ScriptStep = z.output<typeof step>;
export type Script = z.output<typeof script>;

export type ParsedScript =
  | { readonly ok: true; readonly script: Script }
  /** Which step is wrong, and how. */
  | { readonly ok: false; readonly message: string };

export function parseScript(text: string): ParsedScript {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return { ok: false, message: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
  const parsed = script.safeParse(value);
  if (parsed.success) return { ok: true, script: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a script'}` };
}
