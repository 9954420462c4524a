import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { AuditConfig } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import type { Query, Queryable } from '../platform/postgres.ts';
import { type BufferedRow, createRowBuffer, type RowBuffer, type RowKind } from './audit-buffer.ts';
import {
  type DecisionRow,
  decisionRow,
  insertAdmissions,
  insertRefusals,
  insertSummaries,
  summaryRow,
} from './audit-queries.ts';
import { createSampler, type Sampler } from './audit-sampling.ts';
import type { Decision } from './decision.ts';
import { hostGauge } from '../platform/host-gauge.ts';

/** Takes decisions at any rate, writes rows in batches: bounded memory, nobody waits for it. */
export interface Audit {
  /** Gives the decision a row, or a place in the summary of its minute. Never throws. */
  record(decision: Decision): void;
  /** Writes what waits, the summaries of past minutes included. Resolves also when the database does not answer. */
  flush(): Promise<void>;
  /** Writes everything, the summary of the present minute included; bounded by one attempt. */
  close(): Promise<void>;
}

export interface AuditDeps {
  readonly db: Queryable;
  readonly config: AuditConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Rows that may wait in memory (default 20 000, about 20 MB). */
  readonly capacity?: number;
}

type Entry = BufferedRow<Decision | undefined>;

interface State {
  readonly deps: AuditDeps;
  readonly sampler: Sampler;
  readonly buffer: RowBuffer<Decision | undefined>;
  readonly count: ReturnType<typeof auditMetrics>;
}

const batchRows = 500;
const writeAfter = 200;
const summariesAfter = 1000;
const retryAfter = 2000;

export function createAudit(deps: AuditDeps): Audit {
  const buffer = createRowBuffer<Decision | undefined>(deps.capacity ?? 20_000);
  const sampler = createSampler(deps.config);
  const state: State = { deps, sampler, buffer, count: auditMetrics(deps.metrics, buffer.size) };
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<boolean> | undefined;
  let closed = false;

  function schedule(milliseconds: number): void {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void flush();
    }, milliseconds);
    timer.unref();
  }

  async function flush(force = false): Promise<void> {
    while (writing !== undefined) await writing;
    for (const summary of sampler.due(deps.clock.now(), force))
      keep(state, { kind: 'summary', row: summaryRow(summary), origin: undefined });
    writing = writeAll(state);
    const written = await writing.finally(() => {
      writing = undefined;
    });
    if (!written) schedule(retryAfter);
    else if (buffer.size() > 0) schedule(writeAfter);
    else if (sampler.pending()) schedule(summariesAfter);
  }

  return {
    record: (decision) => {
      if (sampler.take(decision)) {
        keep(state, { kind: decision.peer, row: decisionRow(decision), origin: decision });
        schedule(writeAfter);
      } else {
        state.count.suppressed.inc({ peer: decision.peer });
        schedule(summariesAfter);
      }
    },
    flush: () => flush(),
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await flush(true);
    },
  };
}

function keep(state: State, entry: Entry): void {
  for (const gone of state.buffer.push(entry)) giveUp(state, gone);
}

/** No room, or the row cannot be written: it is counted, and its decision appears in a summary. */
function giveUp(state: State, { kind, origin }: Entry): void {
  state.count.dropped.inc({ kind });
  if (origin !== undefined) state.sampler.giveUp(origin);
}

/** Batch by batch until nothing waits; false when the database does not answer. */
async function writeAll(state: State): Promise<boolean> {
  for (let batch = state.buffer.takeBatch(batchRows); batch !== undefined; batch = state.buffer.takeBatch(batchRows)) {
    try {
      await writeBatch(state, batch.kind, batch.entries);
    } catch (error) {
      state.buffer.giveBack(batch.entries);
      state.deps.logger.error({ err: error, waiting: state.buffer.size() }, 'audit rows wait for the database');
      return false;
    }
  }
  return true;
}

async function writeBatch(state: State, kind: RowKind, entries: readonly Entry[]): Promise<void> {
  try {
    await state.deps.db.query(
      insertOf(
        kind,
        entries.map(({ row }) => row),
      ),
    );
    state.count.rows.inc({ kind }, entries.length);
  } catch (error) {
    // One row at fault must not take the others with it; any other error is the database's, and passes.
    if (!isAboutData(error)) throw error;
    const [only] = entries;
    if (entries.length === 1 && only !== undefined) {
      state.deps.logger.error({ err: error, kind }, 'an audit row could not be written');
      return giveUp(state, only);
    }
    const middle = entries.length >> 1;
    await writeBatch(state, kind, entries.slice(0, middle));
    await writeBatch(state, kind, entries.slice(middle));
  }
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity constraint violation). */
function isAboutData(error: unknown): boolean {
  return /^2[23]/.test(String((error as { code?: unknown }).code ?? ''));
}

function insertOf(kind: RowKind, rows: readonly DecisionRow[]): Query {
  switch (kind) {
    case 'known':
      return insertAdmissions(rows);
    case 'stranger':
    case 'trusted-chain':
      return insertRefusals(rows);
    case 'summary':
      return insertSummaries(rows);
  }
}

function auditMetrics(registry: Registry, waiting: () => number) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, label: Label, values: readonly string[]) => {
    const made = new Counter({ name, help, labelNames: [label], registers });
    for (const value of values) made.inc({ [label]: value } as Record<Label, string>, 0);
    return made;
  };
  hostGauge({
    name: 'hems_trust_audit_waiting_rows',
    help: 'Audit rows that wait to be written',
    aggregator: 'sum',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  const kinds: readonly RowKind[] = ['known', 'trusted-chain', 'stranger', 'summary'];
  const peers = kinds.slice(0, 3);
  return {
    rows: counter('hems_trust_audit_rows_total', 'Audit rows written', 'kind', kinds),
    dropped: counter('hems_trust_audit_dropped_total', 'Audit rows given up for want of room', 'kind', kinds),
    suppressed: counter('hems_trust_audit_suppressed_total', 'Decisions counted in a summary row only', 'peer', peers),
  };
}
