import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { duration } from './value-schemas.ts';

const network = z
  .string()
  .refine((text) => ipaddr.isValidCIDR(text), 'write a network: 10.64.0.0/10, or 2001:db8::/48');

/** How devices are asked to call now; docs/wake-up.md. */
export const connectionRequests = z.strictObject({
  enabled: z.boolean().default(true),
  /**
   * Networks that only devices of ours can be in, as the inside of the IPsec tunnel: there plain http is used, and
   * addresses may be private. Empty: https alone, to public addresses alone.
   */
  networks: z.array(network).max(100).default([]),
  /**
   * last-seen: only the address that the device was last seen from. network: any address of the network (of `networks`)
   * that it was last seen from, unless another device was seen there.
   */
  target: z.enum(['last-seen', 'network']).default('last-seen'),
  /** Shown to devices that want https. Default: the first certificate of the first listener. */
  certificate: z.strictObject({ chain: z.string().min(1), key: z.string().min(1) }).optional(),
  /** Ask whenever somebody waits for a task. */
  forTasks: z.boolean().default(false),
  timeout: duration.prefault('10s'),
  /** Between two requests to one device. */
  perDevice: duration.prefault('30s'),
  /** Of the whole installation. */
  perMinute: z.int().min(1).max(100_000).default(600),
});
