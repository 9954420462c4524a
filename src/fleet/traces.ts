import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database } from '../platform/postgres.ts';
import { type Actor, recordChange } from './changes.ts';
import { maskedSoap } from './soap-masking.ts';
import { strangersText } from './strangers-text.ts';
import {
  endTrace,
  insertTrace,
  insertTraceMessage,
  type TraceMessageRow,
  traceMessages,
  traceOf,
} from './trace-queries.ts';

/** One POST of a traced device, and our answer. */
export interface Exchange {
  readonly deviceId: string;
  readonly sessionId: string;
  readonly at: Date;
  readonly received: Uint8Array;
  readonly status: number;
  /** SOAP, if there was any. */
  readonly sent: string | undefined;
  readonly milliseconds: number;
}

/** Never waits, never throws: a trace is no reason for a session to fail. */
export type TraceRecorder = (exchange: Exchange) => void;

/** Characters kept of one message. */
const longest = 64 * 1024;
/** Messages on their way to the database; beyond, the trace has gaps, and the server has not. */
const mostUnderWay = 64;

export function createTraceRecorder(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}): TraceRecorder {
  let underWay = 0;
  const write = (row: TraceMessageRow): void => {
    if (underWay >= mostUnderWay) return;
    underWay += 1;
    deps.db
      .query(insertTraceMessage(row))
      .catch((error: unknown) => deps.logger.warn({ err: error }, 'a trace could not be written'))
      .finally(() => {
        underWay -= 1;
      });
  };
  return ({ deviceId, sessionId, at, received, status, sent, milliseconds }) => {
    const both = { deviceId, sessionId };
    const text = Buffer.from(received.buffer, received.byteOffset, Math.min(received.byteLength, longest)).toString();
    const from = { at, id: uuidv7(deps.clock), direction: 'from-device', bytes: received.byteLength } as const;
    write({ ...both, ...from, status: null, milliseconds: null, body: shown(text) });
    const bytes = Buffer.byteLength(sent ?? '');
    const to = { at: new Date(at.getTime() + milliseconds), id: uuidv7(deps.clock), direction: 'to-device' } as const;
    write({ ...both, ...to, status, milliseconds, bytes, body: shown(sent ?? '') });
  };
}

/** Line feeds and tabs stay: a trace is read by people. */
function shown(text: string): string {
  return maskedSoap(text.slice(0, longest))
    .split('\n')
    .map((line) =>
      line
        .split('\t')
        .map((piece) => strangersText(piece, longest))
        .join('\t'),
    )
    .join('\n')
    .slice(0, longest);
}

export interface RunningTrace {
  readonly id: string;
  readonly until: Date;
  /** Who wanted it. */
  readonly origin: string;
}

export interface Traces {
  /** The device's messages are kept from its next Inform on. */
  begin(deviceId: string, until: Date, by: { readonly actor: Actor; readonly reason?: string }): Promise<void>;
  /** Nothing more is kept from its next Inform on; false: there was no trace. */
  end(deviceId: string, by: { readonly actor: Actor; readonly reason?: string }): Promise<boolean>;
  /** Undefined: its messages are not kept. */
  current(deviceId: string): Promise<RunningTrace | undefined>;
  /** In order, behind the one last seen. */
  read(deviceId: string, since: Date, after: string | undefined, limit: number): Promise<readonly TraceMessageRow[]>;
}

export function createTraces({ db, clock }: { readonly db: Database; readonly clock: Clock }): Traces {
  return {
    begin: (deviceId, until, by) =>
      db.transaction(async (tx) => {
        const at = clock.now();
        await tx.query(insertTrace(deviceId, uuidv7(clock), until, by.actor.name));
        await recordChange(tx, { deviceId, at, action: 'trace', after: { until: until.toISOString() }, ...by });
      }),
    end: (deviceId, by) =>
      db.transaction(async (tx) => {
        const { count } = await tx.query(endTrace(deviceId));
        if (count > 0)
          await recordChange(tx, { deviceId, at: clock.now(), action: 'trace', after: { until: null }, ...by });
        return count > 0;
      }),
    current: async (deviceId) => {
      const [trace] = (await db.query<RunningTrace>(traceOf(deviceId))).rows;
      return trace !== undefined && trace.until > clock.now() ? trace : undefined;
    },
    read: async (deviceId, since, after, limit) => {
      const { rows } = await db.query<TraceMessageRow>(traceMessages(deviceId, since, after, limit));
      return rows;
    },
  };
}
