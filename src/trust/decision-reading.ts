import type { Queryable } from '../platform/postgres.ts';
import { type LogEntry, logSince } from './decision-log.ts';
import { type ExplainedDecision, explainDevice, explainEvent } from './explain.ts';

/** What was decided and why, whichever door people come by. */
export interface DecisionReading {
  /** Newest first. */
  ofDevice(deviceId: string, limit: number): Promise<readonly ExplainedDecision[]>;
  one(id: string): Promise<ExplainedDecision | undefined>;
  /** What was recorded after then, in that order: at most `limit` decisions, and as many counted minutes. */
  since(at: Date, limit: number): Promise<readonly LogEntry[]>;
}

export function createDecisionReading(db: Queryable): DecisionReading {
  return {
    ofDevice: (deviceId, limit) => explainDevice(db, deviceId, limit),
    one: (id) => explainEvent(db, id),
    since: (at, limit) => logSince(db, at, limit),
  };
}
