/** What may be asked for, under which rules, and everything that can come of it. */

/** Who asks: a closed set, told in metrics. */
export type EgressPurpose = 'crl' | 'ocsp' | 'staple' | 'jwks' | 'connection-request';

/**
 * What the caller's own configuration allows. Hosts are written `crl.acme.example`, `crl.acme.example:8080`,
 * `*.acme.example` (one label more, or several) or `[2001:db8::1]:80`; one with a port allows that port beyond `ports`.
 */
export interface EgressPolicy {
  /** Who may be called. Undefined: every host, of public address. Mandatory behind a proxy, which resolves for us. */
  readonly hosts?: readonly string[];
  /**
   * Hosts that the operator named: they may be called, and may be at a private, loopback or link-local address. Without
   * wildcards, since whoever owns a domain could point any name of it at the operator's inside.
   */
  readonly privateHosts?: readonly string[];
  /**
   * Judges each address in the place of the general rule: what is wrong with it, or undefined. For callers whose
   * configuration says more of addresses than that they are public.
   */
  readonly judgeAddress?: (address: string) => string | undefined;
  /** Default: 80 and 443. */
  readonly ports?: readonly number[];
  /** Forward proxy, http or https: absolute-form for http, CONNECT for https. */
  readonly proxy?: string;
  /** How many redirects may be followed, within the scheme, each target judged like the first. Default 0, at most 5. */
  readonly redirects?: number;
}

export interface EgressRequest {
  readonly purpose: EgressPurpose;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly policy: EgressPolicy;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  readonly accept?: string;
  /** Of what is at hand already (RFC 9110 13.1): `not-modified` then says that it still stands. */
  readonly validators?: Validators;
  /** Sent as it is; visible ASCII and blanks. */
  readonly authorization?: string;
  /** Https with a certificate of ours, to a server that the caller judges: without it, by this machine's CAs. */
  readonly tls?: EgressTls;
  /** The status is all that is wanted: no octet of a body is waited for, and headers are bounded more narrowly. */
  readonly statusOnly?: boolean;
  /** Bytes of the answer's body. */
  readonly maxBytes: number;
  /** Milliseconds for everything: waiting, resolving, connecting, redirects, the last octet. */
  readonly timeout: number;
  /** Ask although it failed a moment ago. */
  readonly again?: boolean;
  readonly signal?: AbortSignal;
}

export interface EgressTls {
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** The server's chain, DER, leaf first: what is wrong with it, or undefined. Nothing is sent before. */
  readonly judge: (chain: readonly Uint8Array[]) => Promise<string | undefined>;
}

export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
}

export type EgressResult =
  | {
      readonly kind: 'answer';
      /** Any status but a redirect that was followed. */
      readonly status: number;
      readonly headers: EgressHeaders;
      readonly body: Uint8Array;
      /** Where it came from in the end. */
      readonly url: string;
    }
  | { readonly kind: 'not-modified'; readonly headers: EgressHeaders; readonly url: string }
  /** Against our own rules: nothing was sent (or not to that address). */
  | { readonly kind: 'refused'; readonly cause: EgressRefusal; readonly detail: string }
  | { readonly kind: 'failed'; readonly cause: EgressFailure; readonly detail: string };

/** What of an answer's headers anybody looks at. */
export interface EgressHeaders extends Validators {
  /** Lower case, without parameters. */
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  /** WWW-Authenticate, 1024 characters at most. */
  readonly authenticate?: string;
}

const egressRefusals = ['url', 'scheme', 'port', 'host', 'address', 'redirect', 'proxy'] as const;
export type EgressRefusal = (typeof egressRefusals)[number];

const egressFailures = [
  'resolution',
  'connection',
  'tls',
  /** The server's certificate is not what the caller takes. */
  'certificate',
  'proxy',
  'timeout',
  'too-large',
  'encoding',
  'broken',
  'busy',
  'remembered',
] as const;
export type EgressFailure = (typeof egressFailures)[number];

export type Refused = Extract<EgressResult, { kind: 'refused' }>;
export type Failed = Extract<EgressResult, { kind: 'failed' }>;

export const refused = (cause: EgressRefusal, detail: string): Refused => ({ kind: 'refused', cause, detail });
export const failed = (cause: EgressFailure, detail: string): Failed => ({ kind: 'failed', cause, detail });
