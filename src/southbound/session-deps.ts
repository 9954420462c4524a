import type { Logger } from 'pino';
import type { LimitsConfig } from '../config/schema.ts';
import type { SessionServices } from '../fleet/session-services.ts';
import type { Clock } from '../platform/clock.ts';
import type { Gate } from '../trust/admission.ts';
import type { DoorMetrics } from './door-metrics.ts';
import type { InformAllowance } from './device-bounds.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionRunnerDeps extends SessionServices {
  readonly limits: LimitsConfig;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
  /** What devices call here. */
  readonly doorUrl: () => string;
}

/** What all sessions of a listener share. */
export interface Runner extends SessionRunnerDeps {
  readonly store: SessionStore;
  informsInFlight: number;
  readonly allowance: InformAllowance;
}
