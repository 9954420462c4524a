import { Counter, Histogram, type Registry } from 'prom-client';
import type { EgressPurpose, EgressResult } from './egress-request.ts';

export interface EgressMetrics {
  done(purpose: EgressPurpose, result: EgressResult, seconds: number): void;
}

export function createEgressMetrics(registry: Registry): EgressMetrics {
  const requests = new Counter({
    name: 'hems_egress_requests_total',
    help: 'Outgoing HTTP requests by purpose and outcome: answered, not_modified, a refusal or a failure by its cause',
    labelNames: ['purpose', 'outcome'],
    registers: [registry],
  });
  const bytes = new Counter({
    name: 'hems_egress_bytes_total',
    help: 'Bytes of bodies received',
    labelNames: ['purpose'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'hems_egress_request_duration_seconds',
    help: 'From the request to the last octet of the answer, waiting and redirects included',
    labelNames: ['purpose'],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    registers: [registry],
  });
  return {
    done: (purpose, result, seconds) => {
      requests.inc({ purpose, outcome: outcomeOf(result) });
      duration.observe({ purpose }, seconds);
      if (result.kind === 'answer') bytes.inc({ purpose }, result.body.length);
    },
  };
}

function outcomeOf(result: EgressResult): string {
  switch (result.kind) {
    case 'answer':
      return result.status >= 200 && result.status < 300 ? 'answered' : 'http_error';
    case 'not-modified':
      return 'not_modified';
    case 'refused':
      return `refused_${result.cause}`;
    case 'failed':
      return `failed_${result.cause.replaceAll('-', '_')}`;
  }
}
