import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AuditConfig } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import { uuidv7 } from '../platform/ids.ts';
import { annotate } from '../platform/tracing.ts';
import type { Database } from '../platform/postgres.ts';
import type { ConnectionFacts } from './admission.ts';
import { createAudit } from './audit.ts';
import type { Decision } from './decision.ts';
import { admissionEvent } from './decision-event.ts';
import { createDecisionLines } from './decision-line.ts';
import { createDecisionCounter } from './decision-metrics.ts';
import type { Refused } from './judgement.ts';
import type { Refusal } from './refusal.ts';
import { closedDetail } from './refusal-details.ts';

/** Turns decisions into counters, events and audit rows. Nothing here throws: a decision stands without its record. */
export interface DecisionRecorder {
  refused(facts: ConnectionFacts, refused: Refused): Refusal;
  /** Counter and event; the row comes with the Inform, or by `row`. */
  admitted(decision: Decision): void;
  row(decision: Decision): void;
  complain(error: unknown, message: string): void;
  close(): Promise<void>;
}

export interface RecorderDeps {
  readonly anchorNames: readonly string[];
  readonly audit: AuditConfig;
  readonly db: Database;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
}

export function createDecisionRecorder(deps: RecorderDeps): DecisionRecorder {
  const audit = createAudit({ ...deps, config: deps.audit });
  const count = createDecisionCounter(deps.metrics, deps.anchorNames);
  const { strangerRowsPerMinuteTotal: strangersPerMinute, knownRowsPerMinute: linesPerDevice } = deps.audit;
  const say = createDecisionLines({ ...deps, strangersPerMinute, linesPerDevice });
  const complain = complaints(deps.logger);

  function attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      complain(error, 'a decision could not be recorded');
    }
  }

  /** Before any sampling. */
  function announce(decision: Decision): void {
    attempt(() => {
      count(decision);
      say(decision);
      annotate(wordsOf(decision));
      deps.events.publish(admissionEvent(decision));
    });
  }

  function row(decision: Decision): void {
    attempt(() => audit.record(decision));
  }

  return {
    refused: (facts, { detail: word, ...refused }) => {
      const id = uuidv7(deps.clock);
      const detail = closedDetail(word);
      const decision: Decision = { outcome: 'refused', id, at: deps.clock.now(), facts, ...refused, detail };
      announce(decision);
      row(decision);
      const { leaf: _, anchor: __, ...rest } = refused;
      return { outcome: 'refused', id, detail, ...rest };
    },
    admitted: announce,
    row,
    complain,
    close: () => audit.close(),
  };
}

/** For the span of the connection. */
function wordsOf(decision: Decision): Record<string, string> {
  const { id, outcome, peer } = decision;
  const words = { 'hems.decision.id': id, 'hems.decision.outcome': outcome, 'hems.decision.peer': peer };
  return decision.outcome === 'admitted' ? words : { ...words, 'hems.decision.reason': decision.reason };
}

const complaintEvery = 1000;

/** One line a second at most: a database that is gone must not fill the disk with the news. */
function complaints(logger: Logger): DecisionRecorder['complain'] {
  let silent = 0;
  let timer: NodeJS.Timeout | undefined;
  return (error, message) => {
    if (timer !== undefined) {
      silent += 1;
      return;
    }
    logger.error({ err: error, ...(silent > 0 && { unreported: silent }) }, message);
    silent = 0;
    timer = setTimeout(() => {
      timer = undefined;
    }, complaintEvery);
    timer.unref();
  };
}
