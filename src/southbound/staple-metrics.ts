import { Counter, type Registry } from 'prom-client';
import { hostGauge } from '../platform/host-gauge.ts';

/** What one listener counts of its staples; the label `listener` is bound. */
export interface StapleMetrics {
  /** Undefined: there is none. */
  stapleUntil(keyType: string, validUntil: Date | undefined): void;
  mustStaple(keyType: string, demanded: boolean): void;
  refreshed(outcome: 'stapled' | 'failed' | 'revoked'): void;
}

const ofCertificate = ['listener', 'key_type'] as const;

function build(registry: Registry) {
  const registers = [registry];
  return {
    notAfter: hostGauge({
      name: 'hems_southbound_staple_not_after_seconds',
      help: 'Until when the OCSP answer at hand for the served certificate counts, Unix time; 0 if there is none',
      aggregator: 'min',
      labelNames: ofCertificate,
      registers,
    }),
    demanded: hostGauge({
      name: 'hems_southbound_certificate_must_staple',
      help: '1 if the served certificate demands a staple (RFC 7633)',
      aggregator: 'max',
      labelNames: ofCertificate,
      registers,
    }),
    refreshes: new Counter({
      name: 'hems_southbound_staple_refreshes_total',
      help: 'Times that an OCSP answer for the own certificate was asked for, by what came of it',
      labelNames: ['listener', 'outcome'] as const,
      registers,
    }),
  };
}

const known = new WeakMap<Registry, ReturnType<typeof build>>();

export function createStapleMetrics(registry: Registry, listener: string): StapleMetrics {
  const families = known.get(registry) ?? build(registry);
  known.set(registry, families);
  return {
    stapleUntil: (keyType, validUntil) =>
      families.notAfter.set({ listener, key_type: keyType }, (validUntil?.getTime() ?? 0) / 1000),
    mustStaple: (keyType, demanded) => families.demanded.set({ listener, key_type: keyType }, demanded ? 1 : 0),
    refreshed: (outcome) => families.refreshes.inc({ listener, outcome }),
  };
}
