import type { Input } from '../cwmp/session.ts';
import type { Admission } from '../trust/admission.ts';
import { type CwmpAnswer, type CwmpRequest, converse, deviceInput } from './session-conversation.ts';
import type { Runner, SessionRunnerDeps } from './session-deps.ts';
import { end, finish } from './session-ending.ts';
import { createInformAllowance } from './device-bounds.ts';
import { keepLater, keepNow, reclaim, takeOver } from './session-moves.ts';
import { beginSession, createSessionStore, type Session, sessionIdOf } from './session-store.ts';
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
  /** A file goes over it. */
  transferring?: boolean;
}

export interface SessionRunner {
  /**
   * Bytes that the next body on this connection may have: an answer of the device may be long where one is awaited,
   * what it sends of its own accord may not. `long`: it may be a long one, so that it is worth asking whether another
   * node awaits it.
   */
  bodyLimit(connection: DoorConnection, cookie: string | undefined, long: boolean): number | Promise<number>;
  /** Never rejects. */
  post(connection: DoorConnection, request: CwmpRequest): Promise<CwmpAnswer>;
  /** The connection is gone; its session, if it is open, may go on over another one. */
  disconnected(connection: DoorConnection): void;
  /** Ends every session here; those that are open may go on at another node. */
  close(): Promise<void>;
}

/** Informs that may wait for the database; behind these, waiting would only make it worse. */
const mostInformsInFlight = 512;
/** Requests that one connection may have waiting. */
const mostWaiting = 4;

export function createSessionRunner(deps: SessionRunnerDeps): SessionRunner {
  const allowance = createInformAllowance(deps.limits.informsPerMinute);
  const runner: Runner = { ...deps, store: createSessionStore(), informsInFlight: 0, allowance };
  const { limits, clock, store } = runner;
  const sweep = (): void => {
    for (const session of store.expired(clock.now().getTime(), limits.sessionTime))
      finish(runner, session, 'timed_out');
  };
  const asleep = runner.taskNotices.subscribe((deviceId) => {
    const session = store.ofDevice(deviceId);
    if (session !== undefined) session.tasks = true;
  });
  const timer = setInterval(sweep, Math.max(50, Math.min(5000, limits.idleTime / 4))).unref();
  return {
    bodyLimit: (connection, cookie, long) => bodyLimit(runner, connection, cookie, long),
    post: (connection, request) => inTurn(connection, () => post(runner, connection, request)),
    disconnected: ({ session }) => {
      if (session !== undefined) keepLater(runner, session);
    },
    close: async () => {
      clearInterval(timer);
      asleep();
      await Promise.allSettled(store.all().map((session) => keepNow(runner, session)));
      for (const session of store.all()) end(runner, session, session.archived ? 'moved' : 'closed');
    },
  };
}

function bodyLimit(
  { store, limits, archive }: Runner,
  { session, admission }: DoorConnection,
  cookie: string | undefined,
  long: boolean,
): number | Promise<number> {
  const { deviceId, fingerprint } = admission;
  const usual = Math.min(limits.requestBytes, limits.bodyBytes);
  const found = (cookie === undefined ? undefined : store.find(cookie)) ?? session;
  if (found?.cwmp.state.kind === 'wait-answer' && found.deviceId === deviceId) return limits.bodyBytes;
  const elsewhere = found === undefined && cookie?.length === cookieLength && !store.isBuried(cookie);
  if (!long || !elsewhere) return usual;
  // Its session was open at another node: what was asked for there may be as long as if it were ours.
  return archive.awaits(deviceId, cookie, fingerprint).then((awaited) => (awaited ? limits.bodyBytes : usual));
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
  const here = found ?? bound;
  if (here === undefined && (store.size >= limits.sessions || informsInFlight >= mostInformsInFlight)) return busy();
  const said = deviceInput(runner, request.body, request.charset);
  if (!isAllowed(runner, connection, said)) return { ...busy(), close: true };
  const going = await goingOn(runner, connection, request.cookie, here, said);
  const now = clock.now().getTime();
  const session = going ?? beginSession(connection.admission, now, limits.idleTime);
  if (connection.session !== session) session.carriers += 1;
  connection.session = session;
  session.admission = connection.admission;
  session.lastAt = now;
  session.requests += 1;
  if (session.requests > 2 * limits.requestsPerSession + mostOwnRequests) return tooMany(runner, session);
  try {
    const answer = await converse(runner, session, said);
    if (session.traced) trace(runner, session, request, answer, now);
    return answer;
  } catch (error) {
    runner.logger.error({ err: error, admission: session.admission.id }, 'a session broke off');
    end(runner, session, 'failed');
    return { ...busy(), close: true };
  } finally {
    if (session.ended !== undefined) connection.session = undefined;
  }
}

/** An Inform is a row on disk, and the first of a connection two: no device gets to write them without end. */
function isAllowed({ allowance, clock, gate }: Runner, { admission }: DoorConnection, said: Input): boolean {
  if (said.kind !== 'envelope' || !isInform(said)) return true;
  const allowed = allowance(admission.deviceId, clock.now().getTime());
  if (allowed === 'first') gate.refuseSession(admission, 'rate_limited', 'too_many_sessions');
  return allowed === 'allowed';
}

/** Messages of its own that a device may have for us in one session. */
const mostOwnRequests = 1000;

function tooMany(runner: Runner, session: Session): CwmpAnswer {
  end(runner, session, 'failed');
  return { ...busy(), close: true };
}

/** The session that this message belongs to, here or from another node; none for an Inform that begins one. */
async function goingOn(
  runner: Runner,
  connection: DoorConnection,
  cookie: string | undefined,
  here: Session | undefined,
  said: Input,
): Promise<Session | undefined> {
  if (here !== undefined) {
    if (connection.session === here) return here;
    const ours = await reclaim(runner, here, connection.admission);
    if (ours === here) return here;
    end(runner, here, 'moved');
    if (ours !== undefined) runner.store.add(ours);
    return ours;
  }
  // Devices that keep a cookie for ever send it with every Inform: that begins a session all the same.
  const begins = said.kind === 'envelope' && isInform(said);
  if (cookie === undefined || cookie.length !== cookieLength || begins) return undefined;
  if (runner.store.isBuried(cookie)) return undefined;
  const taken = await takeOver(runner, connection.admission, cookie);
  if (taken !== undefined) runner.store.add(taken);
  return taken;
}

const cookieLength = 32;

function isInform(said: Input & { kind: 'envelope' }): boolean {
  const { body } = said.envelope;
  return body.kind === 'request' && body.request.method === 'Inform';
}

function trace(runner: Runner, session: Session, { body }: CwmpRequest, answer: CwmpAnswer, began: number): void {
  runner.trace({
    deviceId: session.deviceId,
    sessionId: sessionIdOf(session),
    at: new Date(began),
    received: body,
    status: answer.status,
    sent: answer.xml,
    milliseconds: runner.clock.now().getTime() - began,
  });
}

function mismatch(session: Session, { deviceId, fingerprint }: Admission): DoorDetail | undefined {
  if (session.deviceId !== deviceId) return 'cookie_of_another_device';
  return session.fingerprint === fingerprint ? undefined : 'cookie_of_another_certificate';
}

/** Said before any work is done; devices come back spread over a minute. */
function busy(): CwmpAnswer {
  return { status: 503, retryAfter: 30 + Math.floor(Math.random() * 60) };
}
