import { z } from 'zod';
import { duration, name } from './value-schemas.ts';

const gibibyte = 1024 ** 3;

/** Where a device may send files by itself, e.g. its measurements: `/files/slots/NAME`. */
const slot = z.strictObject({
  name,
  fileType: z.string().min(1).max(64).default('X 3GPP PM'),
  /** Of one file, before and after inflation. */
  bytes: z
    .int()
    .min(1)
    .default(4 * 1024 * 1024),
  /** Of one device; the oldest make room. */
  keep: z.int().min(1).max(10_000).default(96),
});

/** Files for devices and of devices; docs/transfers.md. */
export const files = z.strictObject({
  /** In the database, or in a directory that all nodes share. */
  store: z.enum(['postgres', 'directory']).default('postgres'),
  directory: z.string().min(1).optional(),
  /** Of this node: what is fetched again and again. Default: file-cache below dataDir. */
  cacheDirectory: z.string().min(1).optional(),
  cacheBytes: z
    .int()
    .min(0)
    .default(2 * gibibyte),
  /** Of one file that people add. */
  fileBytes: z.int().min(1).default(gibibyte),
  /** Of one file that a device sends for a task, before and after inflation. */
  uploadBytes: z
    .int()
    .min(1)
    .default(64 * 1024 * 1024),
  /** Of all files that one device has sent, and of those of all devices together. */
  deviceBytes: z
    .int()
    .min(1)
    .default(256 * 1024 * 1024),
  totalBytes: z
    .int()
    .min(1)
    .default(50 * gibibyte),
  keepUploadsDays: z.int().min(1).max(3650).default(90),
  linkLife: duration.prefault('7d'),
  /** Downloads and uploads under way at one node; the next one is told to come again. */
  transfersAtOnce: z.int().min(1).max(100_000).default(500),
  /** And those of one device. */
  transfersPerDevice: z.int().min(1).max(100_000).default(8),
  /** Bytes a second that a device has to take or give, on the average of `patience`. */
  leastRate: z.int().min(0).default(1024),
  patience: duration.prefault('2m'),
  transferTime: duration.prefault('4h'),
  slots: z.array(slot).max(20).default([]),
});
