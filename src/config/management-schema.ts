import { z } from 'zod';
import { duration, port } from './value-schemas.ts';

const role = z.enum(['viewer', 'operator', 'administrator', 'auditor']);
const group = z.string().min(1).max(64);

/** Asymmetric alone: with a shared secret whoever can check a token could make one. */
const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** Bearer tokens of an OpenID provider: docs/access.md. */
const oidc = z.strictObject({
  issuer: z.url({ protocol: /^https?$/, error: 'must be the URL that stands in `iss`' }),
  /** What must stand in `aud`. */
  audience: z.string().min(1).max(500),
  /** Where the keys of the issuer are; https, or http on loopback. */
  jwks: z.url({ protocol: /^https?$/, error: 'must be an https URL' }),
  /** Forward proxy to it. */
  proxy: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  algorithms: z.array(z.enum(tokenAlgorithms)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  clockSkew: duration.prefault('30s'),
  /** Claim that holds one text or a list of them; dots lead into objects: realm_access.roles. */
  roleClaim: z.string().min(1).max(200).default('roles'),
  /** The first whose value the token has decides. */
  roles: z.array(z.strictObject({ value: z.string().min(1).max(200), role })).min(1),
  /** Claim that holds the tag of the devices that the person is kept to; whoever lacks it is refused. */
  groupClaim: z.string().min(1).max(200).optional(),
  /** Shown in the audit beside `sub`. */
  nameClaim: z.string().min(1).max(200).default('preferred_username'),
});

/** Certificates of people and machines, under anchors of their own: docs/access.md. */
const clientCertificates = z.strictObject({
  /** PEM files; each may hold several certificates. */
  anchors: z.array(z.string().min(1)).min(1),
  /** required: the revocation policy must have an entry for the anchor `management`; optional: it may. */
  revocation: z.enum(['required', 'optional']).default('required'),
  /** Subjects as "hems certificate show" prints them (RFC 4514), and what each may do. */
  subjects: z
    .array(z.strictObject({ subject: z.string().min(1).max(1000), role, group: group.optional() }))
    .min(1)
    .max(10_000),
});

/** The management door. Beyond loopback it speaks TLS or does not open. */
export const management = z.strictObject({
  address: z.string().default('127.0.0.1'),
  port: port.default(7548),
  tls: z.strictObject({ chain: z.string().min(1), key: z.string().min(1) }).optional(),
  /** Default: open on loopback, key beyond. */
  metrics: z.enum(['open', 'key']).optional(),
  /** /api/docs and the contract. Default: open on loopback, key beyond. */
  documentation: z.enum(['open', 'key']).optional(),
  /** Of one API key, person or certificate; what exceeds it gets 429. */
  requestsPerMinute: z.int().min(1).max(1_000_000).default(6000),
  oidc: oidc.optional(),
  clientCertificates: clientCertificates.optional(),
});
