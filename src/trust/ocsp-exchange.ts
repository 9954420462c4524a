import type { Egress } from '../platform/egress/egress.ts';
import type { EgressPolicy, EgressPurpose, EgressRequest, EgressResult } from '../platform/egress/egress-request.ts';
import type { CertificateStatus, UnknownCause } from '../x509/certificate-status.ts';
import type { CertIdHash } from '../x509/ocsp-cert-id.ts';
import type { OcspRules } from '../x509/ocsp-judgement.ts';
import { ocspResponseLimits } from '../x509/ocsp-response.ts';

/** One responder, and what is demanded of it. */
export interface OcspResponder {
  readonly url: string;
  readonly egress: EgressPolicy;
  /** Milliseconds for its answer. */
  readonly timeout: number;
  /** GET only goes without a nonce, and for requests that fit into 255 characters with the URL (RFC 5019 5). */
  readonly method: 'POST' | 'GET';
  readonly nonce: 'off' | 'prefer' | 'require';
  /** SHA-1 unless the responder is known to take another (RFC 5019 2.1.1, RFC 9919). */
  readonly certIdHash: CertIdHash;
  readonly rules: Pick<OcspRules, 'sha1' | 'maxAge' | 'grace' | 'configured'>;
}

export type OcspFetched =
  | { readonly kind: 'answer'; readonly der: Uint8Array }
  /** `fault`: the responder failed, rather than that we did not want to ask it. */
  | {
      readonly kind: 'nothing';
      readonly status: Extract<CertificateStatus, { kind: 'unknown' }>;
      readonly fault: boolean;
    };

/** RFC 6960 A.1, A.2. */
export async function fetchOcsp(
  egress: Egress,
  responder: OcspResponder,
  request: Uint8Array,
  purpose: EgressPurpose,
): Promise<OcspFetched> {
  const result = await egress.fetch({
    ...carrier(responder, request),
    purpose,
    policy: responder.egress,
    accept: 'application/ocsp-response',
    maxBytes: ocspResponseLimits.bytes,
    timeout: responder.timeout,
    // The breaker of this room knows better than the memory of one URL how often to ask a responder.
    again: true,
  });
  return readResult(result);
}

const longestGet = 255;

function carrier(
  { url, method, nonce }: OcspResponder,
  request: Uint8Array,
): Pick<EgressRequest, 'url' | 'method' | 'body'> {
  const get = `${url.replace(/\/$/, '')}/${encodeURIComponent(Buffer.from(request).toString('base64'))}`;
  if (method === 'GET' && nonce === 'off' && get.length < longestGet) return { method, url: get };
  return { method: 'POST', url, body: { type: 'application/ocsp-request', bytes: request } };
}

const nothing = (cause: UnknownCause, detail: string, fault = true): OcspFetched => ({
  kind: 'nothing',
  status: { kind: 'unknown', cause, detail },
  fault,
});

function readResult(result: EgressResult): OcspFetched {
  switch (result.kind) {
    case 'answer':
      if (result.status !== 200) return nothing('responder-unavailable', `HTTP status ${result.status}`);
      // RFC 6960 A.2
      if (result.headers.contentType !== 'application/ocsp-response')
        return nothing('malformed', `the answer is ${result.headers.contentType ?? 'of no type'}`);
      return { kind: 'answer', der: result.body };
    case 'not-modified':
      return nothing('malformed', 'HTTP status 304 to no condition');
    case 'refused':
      return nothing('unreachable', `refused: ${result.detail}`, false);
    case 'failed':
      return nothing(
        result.cause === 'too-large' ? 'too-large' : 'unreachable',
        result.detail,
        result.cause !== 'busy',
      );
  }
}
