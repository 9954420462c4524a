import type { Admission } from '../trust/admission.ts';
import {
  type CwmpAnswer,
  type CwmpRequest,
  converse,
  end,
  finish,
  type Runner,
  type SessionRunnerDeps,
} from './session-conversation.ts';
import { beginSession, createSessionStore, type Session } from './session-store.ts';
import type { DoorDetail } from './tls-failure.ts';

/** A TLS connection of an admitted client. */
export interface DoorConnection {
  readonly admission: Admission;
  /** The session that it carries, for devices that return no cookie. */
  session: Session | undefined;
  /** A CPE does not pipeline (TR-069 3.4.6); one that does is answered in order. */
  turn: Promise<unknown>;
  waiting: number;
  /** A request is being read or answered. */
  busy: boolean;
}

export interface SessionRunner {
  /**
   * Bytes that the next body on this connection may have: an answer of the device may be long where one is awaited,
   * what it sends of its own accord may not.
   */
  bodyLimit(connection: DoorConnection, cookie: string | undefined): number;
  /** Never rejects. */
  post(connection: DoorConnection, request: CwmpRequest): Promise<CwmpAnswer>;
  /** Ends every session. */
  close(): void;
}

/** Informs that may wait for the database; behind these, waiting would only make it worse. */
const mostInformsInFlight = 512;
/** Requests that one connection may have waiting. */
const mostWaiting = 4;

export function createSessionRunner(deps: SessionRunnerDeps): SessionRunner {
  const runner: Runner = { ...deps, store: createSessionStore(), informsInFlight: 0 };
  const { limits, clock, store } = runner;
  const sweep = (): void => {
    for (const session of store.expired(clock.now().getTime(), limits.sessionTime))
      finish(runner, session, 'timed_out');
  };
  const timer = setInterval(sweep, Math.max(50, Math.min(5000, limits.idleTime / 4))).unref();
  return {
    bodyLimit: ({ session, admission }, cookie) => {
      const found = (cookie === undefined ? undefined : store.find(cookie)) ?? session;
      const awaited = found?.cwmp.state.kind === 'wait-answer' && found.deviceId === admission.deviceId;
      return awaited ? limits.bodyBytes : Math.min(limits.requestBytes, limits.bodyBytes);
    },
    post: (connection, request) => inTurn(connection, () => post(runner, connection, request)),
    close: () => {
      clearInterval(timer);
      for (const session of store.all()) end(runner, session, 'closed');
    },
  };
}

async function inTurn(connection: DoorConnection, run: () => Promise<CwmpAnswer>): Promise<CwmpAnswer> {
  if (connection.waiting >= mostWaiting) return { status: 503, close: true };
  connection.waiting += 1;
  const answer = connection.turn.then(run);
  connection.turn = answer.catch(() => {});
  try {
    return await answer;
  } finally {
    connection.waiting -= 1;
  }
}

async function post(runner: Runner, connection: DoorConnection, request: CwmpRequest): Promise<CwmpAnswer> {
  const found = request.cookie === undefined ? undefined : runner.store.find(request.cookie);
  const stolen = found === undefined ? undefined : mismatch(found, connection.admission);
  if (stolen !== undefined) {
    // TS 33.320 8.3.4: the identity in the certificate authenticates the H(e)NB, so a cookie opens no session of
    // another certificate.
    runner.gate.refuseSession(connection.admission, 'cookie_certificate_mismatch', stolen);
    return { status: 403, close: true };
  }
  const { limits, clock, store, informsInFlight } = runner;
  const bound = connection.session?.ended === undefined ? connection.session : undefined;
  const going = found ?? bound;
  if (going === undefined && (store.size >= limits.sessions || informsInFlight >= mostInformsInFlight)) return busy();
  const now = clock.now().getTime();
  const session = going ?? beginSession(connection.admission, now, limits.idleTime);
  connection.session = session;
  session.admission = connection.admission;
  session.lastAt = now;
  session.requests += 1;
  try {
    return await converse(runner, session, request);
  } catch (error) {
    runner.logger.error({ err: error, admission: session.admission.id }, 'a session broke off');
    end(runner, session, 'failed');
    return { ...busy(), close: true };
  } finally {
    if (session.ended !== undefined) connection.session = undefined;
  }
}

function mismatch(session: Session, { deviceId, fingerprint }: Admission): DoorDetail | undefined {
  if (session.deviceId !== deviceId) return 'cookie_of_another_device';
  return session.fingerprint === fingerprint ? undefined : 'cookie_of_another_certificate';
}

/** Said before any work is done; devices come back spread over a minute. */
function busy(): CwmpAnswer {
  return { status: 503, retryAfter: 30 + Math.floor(Math.random() * 60) };
}
