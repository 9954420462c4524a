import type { Registry } from 'prom-client';
import type { TrustAnchor } from './anchors.ts';
import { hostGauge } from '../platform/host-gauge.ts';

/** When the certificates of each anchor end: the first of them tells. */
export function showAnchors(registry: Registry, anchors: readonly TrustAnchor[]): void {
  const gauge = hostGauge({
    name: 'hems_trust_anchor_not_after_seconds',
    help: 'End of the trust anchor’s certificate that ends first, Unix time',
    aggregator: 'min',
    labelNames: ['anchor'] as const,
    registers: [registry],
  });
  for (const { name, path } of anchors) {
    const ends = path.certificates.map(({ notAfter }) => notAfter.getTime());
    gauge.set({ anchor: name }, Math.min(...ends) / 1000);
  }
}
