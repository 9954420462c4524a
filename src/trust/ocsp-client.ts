import { randomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { Egress } from '../platform/egress/egress.ts';
import type { EgressPurpose } from '../platform/egress/egress-request.ts';
import type { CertificateStatus } from '../x509/certificate-status.ts';
import { certIdOf } from '../x509/ocsp-cert-id.ts';
import {
  defaultOcspRules,
  judgeOcspResponse,
  type OcspJudgement,
  type OcspRules,
  type OcspSubject,
} from '../x509/ocsp-judgement.ts';
import { nonceOctets, writeOcspRequest } from '../x509/ocsp-request.ts';
import { createOcspBreaker, type OcspBreaker, type OcspBreakerOptions } from './ocsp-breaker.ts';
import { fetchOcsp, type OcspResponder } from './ocsp-exchange.ts';
import { createOcspMetrics, type OcspMetrics } from './ocsp-metrics.ts';

export interface OcspAsk extends OcspSubject, Pick<OcspRules, 'unmarkedDelegates' | 'issuerValidity'> {
  /** In the order to ask; the next one is asked where one has no answer that can be used. */
  readonly responders: readonly OcspResponder[];
  /** Default `ocsp`. */
  readonly purpose?: EgressPurpose;
}

export interface OcspAnswer extends OcspJudgement {
  /** Who gave the answer, and the OCSPResponse itself: judged anew by `judgeOcspResponse` wherever it is kept. */
  readonly responder?: string;
  readonly der?: Uint8Array;
  /** Everybody that was asked, in order, the one of the answer included. */
  readonly attempts: readonly OcspAttempt[];
}

export interface OcspAttempt {
  readonly url: string;
  readonly status: CertificateStatus;
}

export interface OcspClient {
  /** Never throws for what a responder does. One certificate is asked about once at a time; who comes later shares. */
  ask(question: OcspAsk, at: Date): Promise<OcspAnswer>;
}

export interface OcspClientDeps {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly breaker?: OcspBreakerOptions;
  /** Default: the system's. */
  readonly drawNonce?: () => Uint8Array;
}

interface Parts {
  readonly egress: Egress;
  readonly breaker: OcspBreaker;
  readonly metrics: OcspMetrics;
  readonly drawNonce: () => Uint8Array;
}

const defaultBreaker: OcspBreakerOptions = { threshold: 3, pause: 10_000, longest: 300_000 };

export function createOcspClient(deps: OcspClientDeps): OcspClient {
  const breaker = createOcspBreaker(deps.clock, deps.breaker ?? defaultBreaker);
  const parts: Parts = {
    egress: deps.egress,
    breaker,
    metrics: createOcspMetrics(deps.metrics, () => breaker.open()),
    drawNonce: deps.drawNonce ?? (() => randomBytes(nonceOctets)),
  };
  const flights = new Map<string, Promise<OcspAnswer>>();
  return {
    ask: (question, at) => {
      const key = keyOf(question);
      const flight = flights.get(key);
      if (flight !== undefined) {
        parts.metrics.shared();
        return flight;
      }
      const started = askAll(parts, question, at).finally(() => flights.delete(key));
      flights.set(key, started);
      return started;
    },
  };
}

/** Equal for questions whose answers may be shared. */
function keyOf({ certificate, issuer, responders, issuerValidity, unmarkedDelegates, purpose }: OcspAsk): string {
  const asked = responders.map(({ rules, ...responder }) => ({
    ...responder,
    ...rules,
    configured: rules.configured.map(({ fingerprint }) => fingerprint),
  }));
  const delegates = typeof unmarkedDelegates === 'function' ? 'asked' : unmarkedDelegates;
  return JSON.stringify([certificate.fingerprint, issuer.fingerprint, issuerValidity, delegates, purpose, asked]);
}

async function askAll(parts: Parts, question: OcspAsk, at: Date): Promise<OcspAnswer> {
  const attempts: OcspAttempt[] = [];
  let best: Omit<OcspAnswer, 'attempts'> | undefined;
  for (const responder of question.responders) {
    const answer = await askOne(parts, question, responder, at);
    parts.metrics.answered(answer.status);
    attempts.push({ url: responder.url, status: answer.status });
    if (best === undefined || weight(answer.status) > weight(best.status)) best = answer;
    if (answer.status.kind !== 'unknown') break;
  }
  const none: CertificateStatus = { kind: 'unknown', cause: 'no-pointer', detail: 'there is no responder to ask' };
  return { ...(best ?? { status: none }), attempts };
}

/** What a responder signed tells more than that one could not be had. */
function weight(status: CertificateStatus): number {
  if (status.kind !== 'unknown') return 2;
  return status.cause === 'responder-unknown' ? 1 : 0;
}

async function askOne(
  { egress, breaker, metrics, drawNonce }: Parts,
  question: OcspAsk,
  responder: OcspResponder,
  at: Date,
): Promise<Omit<OcspAnswer, 'attempts'>> {
  const { url, nonce: mode } = responder;
  if (!breaker.mayAsk(url))
    return { status: { kind: 'unknown', cause: 'unreachable', detail: 'kept failing, is left alone for a while' } };
  const sent = mode === 'off' ? undefined : drawNonce();
  const certId = certIdOf(question.certificate, question.issuer, responder.certIdHash);
  const started = performance.now();
  const fetched = await fetchOcsp(egress, responder, writeOcspRequest(certId, sent), question.purpose ?? 'ocsp');
  metrics.took((performance.now() - started) / 1000);
  if (fetched.kind === 'nothing') {
    if (fetched.fault) breaker.failed(url);
    return { status: fetched.status };
  }
  const nonce = sent === undefined || mode === 'off' ? undefined : { sent, mode };
  const { unmarkedDelegates, issuerValidity } = question;
  const rules = { ...defaultOcspRules, ...responder.rules, unmarkedDelegates, issuerValidity, nonce };
  const judgement = judgeOcspResponse(fetched.der, question, rules, at);
  // RFC 6960 2.3: these two are about the responder, not about the certificate.
  if (judgement.responseStatus === 'internalError' || judgement.responseStatus === 'tryLater') breaker.failed(url);
  else breaker.succeeded(url);
  return { ...judgement, responder: url, der: fetched.der };
}
