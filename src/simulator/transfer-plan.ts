import { z } from 'zod';

/** What becomes of the next transfer of a device, instead of going well. */
export const transferPlanSchema = z.strictObject({
  /** The connection breaks at so many bytes of the file, so often; the device then goes on where it was. */
  breakAt: z.int().min(0).optional(),
  times: z.int().min(1).max(1000).default(1),
  /** It does not try again: fault 9017, or 9011 for what it sends. */
  giveUp: z.boolean().default(false),
  /** Bytes a second. */
  rate: z.int().min(1).optional(),
  /** Of the file that it sends. */
  bytes: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .optional(),
  /** It finds the file to be another than it should be: fault 9018. */
  corrupt: z.boolean().default(false),
  /** This is told instead of success, the file being there. */
  fault: z.int().min(9000).max(9899).optional(),
  /** It installs the image and runs the old one all the same. */
  keepVersion: z.boolean().default(false),
  /** It never tells how it went. */
  silent: z.boolean().default(false),
  /** It does not restart by itself: the version shows from the next power cycle on. */
  late: z.boolean().default(false),
});

export type TransferPlan = z.output<typeof transferPlanSchema>;
