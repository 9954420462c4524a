import { Counter, Histogram, type Registry } from 'prom-client';
import type { CertificateStatus } from '../x509/certificate-status.ts';
import { hostGauge } from '../platform/host-gauge.ts';

export interface OcspMetrics {
  answered(status: CertificateStatus): void;
  took(seconds: number): void;
  /** A question that was under way already. */
  shared(): void;
}

const known = new WeakMap<Registry, { readonly metrics: OcspMetrics; readonly open: (() => number)[] }>();

/** All clients of a process count into the same families. */
export function createOcspMetrics(registry: Registry, open: () => number): OcspMetrics {
  const found = known.get(registry);
  if (found !== undefined) {
    found.open.push(open);
    return found.metrics;
  }
  const all = [open];
  const metrics = build(registry, all);
  known.set(registry, { metrics, open: all });
  return metrics;
}

function build(registry: Registry, open: readonly (() => number)[]): OcspMetrics {
  const answers = new Counter({
    name: 'hems_trust_ocsp_answers_total',
    help: 'What came of asking one OCSP responder: good, revoked, or why it is unknown',
    labelNames: ['status'],
    registers: [registry],
  });
  const shared = new Counter({
    name: 'hems_trust_ocsp_shared_total',
    help: 'Questions that joined one about the same certificate that was under way',
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'hems_trust_ocsp_request_duration_seconds',
    help: 'From the request to the answer of one OCSP responder, or to its failure',
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10],
    registers: [registry],
  });
  hostGauge({
    name: 'hems_trust_ocsp_responders_left_alone',
    help: 'OCSP responders that kept failing and are not asked for a while',
    aggregator: 'max',
    registers: [registry],
    collect() {
      this.set(open.reduce((sum, one) => sum + one(), 0));
    },
  });
  return {
    answered: (status) =>
      answers.inc({ status: status.kind === 'unknown' ? status.cause.replaceAll('-', '_') : status.kind }),
    took: (seconds) => duration.observe(seconds),
    shared: () => shared.inc(),
  };
}
