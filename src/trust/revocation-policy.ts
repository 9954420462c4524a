import { z } from 'zod';

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const written = /^(\d{1,9})(ms|s|m|h|d)$/;

/** A span of time written for people ("5s", "7d"), kept as milliseconds. */
function span(least: number, most: number, range: string) {
  return z
    .string()
    .regex(written, 'write a number and a unit: 500ms, 30s, 5m, 12h or 7d')
    .transform((text) => {
      const [, count, unit] = written.exec(text) ?? [];
      return Number(count) * (units[unit ?? ''] ?? Number.NaN);
    })
    .refine((value) => value >= least && value <= most, `must be ${range}`);
}

const day = 86_400_000;
const mebibyte = 1024 * 1024;

/**
 * Where revocation data comes from (TS 33.320 8.3.2.1: the operator's server, the manufacturer's, or several).
 * `uploaded-crl`: what was imported by hand. `cert-cdp`: the certificate's own distribution points (RFC 5280 4.2.1.13).
 * `cert-aia`: the responders that the certificate names (RFC 5280 4.2.2.1).
 */
export const sourceKinds = [
  'operator-crl',
  'manufacturer-crl',
  'uploaded-crl',
  'cert-cdp',
  'operator-ocsp',
  'manufacturer-ocsp',
  'cert-aia',
] as const;

/** `crl.acme.example`, `crl.acme.example:8080`, `*.acme.example` (one label more, or several), `[2001:db8::1]:80`. */
const host = z
  .string()
  .toLowerCase()
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/,
    'write a host as crl.acme.example, crl.acme.example:8080 or *.acme.example, without scheme and path',
  );

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2048);

const maxAge = z.union([z.literal('next-update'), span(1000, 3650 * day, 'between 1s and 3650d')], {
  error: 'write next-update, or a span such as 12h or 7d',
});
const timeout = span(100, 60_000, 'between 100ms and 60s');
const nonce = z.enum(['off', 'prefer', 'require']);

const source = z.strictObject({
  kind: z.enum(sourceKinds),
  /** Of a CRL or a responder that the operator names; its host may have a private address. */
  url: httpUrl.optional(),
  /** Hosts that pointers of certificates may lead to; absent: any host with a public address. */
  hosts: z.array(host).min(1).optional(),
  /** Forward proxy; with one, `hosts` is mandatory, since the proxy and not we would resolve the name. */
  proxy: httpUrl.optional(),
  /** TS 33.310 6.1.1: SHA-1 shall not be supported; a manufacturer's old CA may need it for this source alone. */
  sha1: z.enum(['refuse', 'allow']).default('refuse'),
  /** PEM of a responder (RFC 6960 4.2.2.2, configured) or of a CRL signer with a key of its own. */
  signer: z.string().includes('-----BEGIN CERTIFICATE-----', { error: 'write a PEM certificate' }).optional(),
  maxAge: maxAge.optional(),
  timeout: timeout.optional(),
  nonce: nonce.optional(),
  /** RFC 6960 A.1; GET goes only without a nonce, and POST where the request is too long for it. */
  method: z.enum(['post', 'get']).optional(),
});

const limits = z.strictObject({
  /** Bytes of one CRL. */
  crlBytes: z
    .int()
    .min(1024)
    .max(1024 * mebibyte)
    .default(64 * mebibyte),
  /** Of pointers found in certificates, for this anchor: distinct URLs kept, */
  pointerUrls: z.int().min(1).max(100_000).default(1000),
  /** bytes stored of them, */
  pointerBytes: z
    .int()
    .min(1024)
    .max(16 * 1024 * mebibyte)
    .default(512 * mebibyte),
  /** and fetches a minute. */
  pointerFetchesPerMinute: z.int().min(1).max(10_000).default(60),
});

const anchorPolicy = z.strictObject({
  /** Name of the trust anchor in the configuration; `*`: every anchor that has no entry of its own. */
  name: z.string().regex(/^(\*|[a-z0-9][a-z0-9-]{0,62})$/, 'write the name of an anchor, or "*" for all others'),
  /** Whose status must be known: of every certificate of the path but the anchor, or of the device's alone. */
  depth: z.enum(['chain', 'end-entity']).default('chain'),
  /** In the order to ask. */
  sources: z.array(source).min(1).max(32),
  combine: z.enum(['all-must-be-good', 'first-answer']).default('all-must-be-good'),
  onUnknown: z.enum(['deny', 'quarantine', 'admit']).default('deny'),
  /** How old an answer may be, counted from thisUpdate; `next-update`: as old as its issuer lets it become. */
  maxAge: maxAge.default('next-update'),
  /** How long an answer that is past its time still stands. */
  grace: span(0, 365 * day, 'at most 365d').prefault('0s'),
  /** Time for one source to answer. */
  timeout: timeout.prefault('5s'),
  /** RFC 9654, of OCSP requests. */
  nonce: nonce.default('require'),
  limits: limits.prefault({}),
});

const share = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,3})?%$/, 'write a share such as 1% or 0.5%')
  .transform((text) => Number(text.slice(0, -1)) / 100)
  .refine((value) => value <= 1, 'must be at most 100%');

export const policySchema = z.strictObject({
  /** An import or a policy that would cut off a larger share of the active devices asks for their number. */
  confirmCutOff: share.prefault('1%'),
  /** An anchor without an entry, and without one for `*`, is not checked. */
  anchors: z.array(anchorPolicy),
});

/** A policy file, read: what `hems policy apply` stores. */
export type PolicyDocument = z.output<typeof policySchema>;
export type RevocationPolicy = PolicyDocument['anchors'][number];
export type RevocationSource = RevocationPolicy['sources'][number];

/** A policy with what holds beside it at the moment; the version appears in every verdict. */
export interface PolicyInForce {
  /** `7` as stored, `file` where it never was. */
  readonly version: string;
  readonly policy: RevocationPolicy;
  /** Until then unknown and stale are tolerated, revoked never: by `hems policy override`, or for one certificate. */
  readonly relaxed?: { readonly until: Date; readonly by: 'override' | 'release' };
}

export function isOcsp({ kind }: Pick<RevocationSource, 'kind'>): boolean {
  return kind === 'operator-ocsp' || kind === 'manufacturer-ocsp' || kind === 'cert-aia';
}

/** Whether it follows pointers that stand in certificates. */
export function isPointer({ kind }: Pick<RevocationSource, 'kind'>): boolean {
  return kind === 'cert-cdp' || kind === 'cert-aia';
}

/** Under which its answers are known; unique within a policy. */
export function sourceName({ kind, url }: Pick<RevocationSource, 'kind' | 'url'>): string {
  return url === undefined ? kind : `${kind} ${url}`;
}

/** Of these anchors those whose devices' certificates are not looked up anywhere. */
export function uncheckedAnchors(document: PolicyDocument | undefined, anchors: readonly string[]): readonly string[] {
  return anchors.filter((name) => document === undefined || policyOf(document, name) === undefined);
}

/** The entry of an anchor, else that of `*`; undefined: revocation is not checked for this anchor. */
export function policyOf(document: PolicyDocument, anchor: string): RevocationPolicy | undefined {
  const named = (name: string) => document.anchors.find((entry) => entry.name === name);
  return named(anchor) ?? named('*');
}
