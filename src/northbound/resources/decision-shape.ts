import { z } from 'zod';
import { time } from '../values.ts';

/** A decision of the gate, wherever one is shown. */
export const decisionShape = {
  id: z.uuid(),
  at: time,
  outcome: z.enum(['admitted', 'refused']),
  deviceId: z.uuid().nullable(),
  stage: z.string().nullable(),
  reason: z.string().nullable().describe('Stable; null where admitted.'),
  detail: z.string().nullable().describe('The finer rule; null where admitted.'),
  peer: z.enum(['known', 'trusted-chain', 'stranger']),
  connectionId: z.string().describe('The same in every decision about one TCP connection, and in the log.'),
  listener: z.string(),
  remoteAddress: z.string().nullable(),
  remotePort: z.int(),
  tlsVersion: z.string().nullable(),
  cipherSuite: z.string().nullable(),
  resumed: z.boolean().nullable(),
  anchor: z.string().nullable(),
  identity: z.string().nullable(),
  fingerprint: z.string().nullable(),
  subject: z.string().nullable(),
  issuer: z.string().nullable(),
  serialNumber: z.string().nullable(),
};
