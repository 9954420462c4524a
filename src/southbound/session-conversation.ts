import type { Logger } from 'pino';
import type { LimitsConfig } from '../config/schema.ts';
import type { Inform } from '../cwmp/cpe-methods.ts';
import { decodeEnvelope } from '../cwmp/decode.ts';
import type { Answer, Fact, Input, Reply } from '../cwmp/session.ts';
import { step } from '../cwmp/step.ts';
import type { CwmpVersion } from '../cwmp/versions.ts';
import type { SessionServices } from '../fleet/session-services.ts';
import type { Clock } from '../platform/clock.ts';
import type { Gate } from '../trust/admission.ts';
import type { DoorMetrics, RpcOutcome, SessionEnd } from './door-metrics.ts';
import type { Session, SessionStore } from './session-store.ts';
import { requestAnswered, sessionBegan, sessionEnded } from './session-spans.ts';
import { nextRequest, recordAnswer, recordSending } from './session-tasks.ts';

export interface SessionRunnerDeps extends SessionServices {
  readonly limits: LimitsConfig;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
  /** What devices call here. */
  readonly doorUrl: () => string;
}

export interface CwmpRequest {
  /** The session cookie as sent. */
  readonly cookie: string | undefined;
  readonly body: Uint8Array;
  /** The charset parameter of Content-Type. */
  readonly charset: string | undefined;
}

export interface CwmpAnswer {
  readonly status: 200 | 204 | 400 | 403 | 503;
  /** A SOAP envelope. */
  readonly xml?: string;
  /** Value of the session cookie, to be set. */
  readonly cookie?: string;
  /** The connection is of no more use. */
  readonly close?: boolean;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** What all sessions of a listener share. */
export interface Runner extends SessionRunnerDeps {
  readonly store: SessionStore;
  informsInFlight: number;
}

/** TR-069 3.7.2.4: a CPE may take 30 s for its next message. */
const leastIdleTime = 30_000;

/** White space only counts as empty, as some CPEs send it. */
function isEmpty(body: Uint8Array): boolean {
  return body.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

export function deviceInput(runner: Runner, body: Uint8Array, charset: string | undefined): Input {
  if (isEmpty(body)) return { kind: 'empty' };
  const decoded = decodeEnvelope(body, { charset, limits: { bytes: runner.limits.bodyBytes } });
  return decoded.ok ? { kind: 'envelope', envelope: decoded.envelope } : { kind: 'unreadable', error: decoded.error };
}

/** Requests withdrawn between the choice and the sending, in one turn. */
const mostWithdrawn = 20;

/** What one POST says, and everything until its answer. */
export async function converse(runner: Runner, session: Session, said: Input): Promise<CwmpAnswer> {
  let reply = await advance(runner, session, said);
  for (let withdrawn = 0; reply.kind === 'store-inform' || reply.kind === 'acs-turn'; ) {
    const before = session.cwmp;
    const input =
      reply.kind === 'store-inform'
        ? await storeInform(runner, session, reply.inform, reply.version)
        : await nextRequest(runner, session);
    const next = await advance(runner, session, input);
    if (next.kind !== 'envelope' || withdrawn > mostWithdrawn || (await recordSending(runner, session))) {
      reply = next;
      continue;
    }
    // Somebody cancelled it: it was not sent, so the turn is as it was.
    session.cwmp = before;
    withdrawn += 1;
  }
  return answerOf(runner, session, reply);
}

/** The facts of a step are recorded before its reply is carried out. */
async function advance(runner: Runner, session: Session, input: Input): Promise<Reply> {
  const { session: next, reply, facts } = step(session.cwmp, input);
  session.cwmp = next;
  for (const fact of facts) await note(runner, session, fact);
  return reply;
}

async function note(runner: Runner, session: Session, fact: Fact): Promise<void> {
  const about = { admission: session.admission.id, device: session.deviceId };
  switch (fact.kind) {
    case 'failed':
      session.failure = fact.reason;
      break;
    case 'restarted':
      if (session.kept) runner.metrics.sessionEnded('superseded', secondsOf(runner, session));
      session.kept = false;
      break;
    case 'transfer-complete': {
      const { transferComplete } = fact;
      const { commandKey, faultStruct } = transferComplete;
      const { repeated } = await runner.recordTransfer({ connection: session.admission, transferComplete });
      await runner.tasks.transferCompleted(session.deviceId, transferComplete);
      runner.logger.info({ ...about, commandKey, faultCode: faultStruct.faultCode, repeated }, 'transfer complete');
      break;
    }
    case 'notice':
      await runner.recordNotice(session.deviceId, fact.notice);
      if (fact.notice.method === 'DUStateChangeComplete')
        await runner.tasks.duStateChanged(session.deviceId, fact.notice);
      runner.logger.info({ ...about, method: fact.notice.method }, 'told by the device');
      break;
    case 'request-refused':
      runner.metrics.requestRefused(fact.faultCode);
      runner.logger.debug({ ...about, method: fact.name, faultCode: fact.faultCode }, 'request refused');
      break;
    case 'answer':
      requestAnswered(session, fact.answer);
      runner.metrics.rpc(fact.request.method, rpcOutcome(fact.answer));
      await recordAnswer(runner, session, fact);
      runner.logger.debug({ ...about, method: fact.request.method, answer: fact.answer.kind }, 'request answered');
      break;
  }
}

function rpcOutcome(answer: Answer): RpcOutcome {
  switch (answer.kind) {
    case 'response':
      return 'none';
    case 'fault':
      return answer.fault.faultCode;
    case 'unreadable':
      return 'unreadable';
    case 'none':
      return 'no_answer';
    case 'not-sent':
      return 'not_sent';
  }
}

/** TR-069 A.5.2: the device ends its session and begins another one in its time. */
const tooLate = 8002;

/** TR-069 3.7.1.5: InformResponse makes the device forget its events, so it waits until they are on disk. */
async function storeInform(runner: Runner, session: Session, inform: Inform, cwmpVersion: CwmpVersion): Promise<Input> {
  runner.informsInFlight += 1;
  const { admission } = session;
  const outcome = await runner.recordInform({ connection: admission, inform, cwmpVersion }).finally(() => {
    runner.informsInFlight -= 1;
  });
  if (outcome.kind === 'refused') {
    session.refused = true;
    runner.gate.refuseSession(admission, outcome.reason, outcome.detail);
    return { kind: 'inform-refused', faultCode: 8001 };
  }
  const other = runner.store.ofDevice(session.deviceId);
  // TR-069 3.7.1.1: one session a device. This one took so long that the device has begun the next one meanwhile.
  if (other !== undefined && other.beganAt > session.beganAt) return { kind: 'inform-refused', faultCode: tooLate };
  const superseded = runner.store.add(session);
  if (superseded !== undefined) finish(runner, superseded, 'superseded');
  const { sessionTimeout } = session.cwmp;
  const { idleTime, sessionTime } = runner.limits;
  session.idleTime =
    sessionTimeout === undefined ? idleTime : Math.min(Math.max(sessionTimeout * 1000, leastIdleTime), sessionTime);
  session.kept = true;
  session.tasks = outcome.hasTasks;
  session.traced = outcome.traced;
  session.quirks = runner.quirksOf(inform.deviceId);
  runner.metrics.sessionBegan();
  sessionBegan(session);
  return { kind: 'inform-stored' };
}

function answerOf(
  runner: Runner,
  session: Session,
  reply: Exclude<Reply, { kind: 'store-inform' | 'acs-turn' }>,
): CwmpAnswer {
  switch (reply.kind) {
    case 'envelope': {
      const withCookie = session.kept && !session.cookieSent;
      session.cookieSent ||= withCookie;
      return { status: 200, xml: reply.xml, ...(withCookie ? { cookie: session.cookie } : {}) };
    }
    case 'pause':
      return { status: session.quirks.emptyAnswer };
    case 'end':
      end(runner, session, 'completed');
      return { status: session.quirks.emptyAnswer };
    case 'refuse':
      end(runner, session, session.refused ? 'refused' : 'failed');
      return {
        status: reply.httpStatus,
        close: true,
        ...(reply.faultXml === undefined ? {} : { xml: reply.faultXml }),
      };
  }
}

export function end(runner: Runner, session: Session, outcome: SessionEnd): void {
  runner.store.remove(session);
  finish(runner, session, outcome);
  if (outcome !== 'moved' && outcome !== 'closed' && session.kept) runner.store.bury(session.cookie);
  if (session.archived && outcome !== 'moved') forget(runner, session);
}

/** Nobody has to go on with it any more. */
function forget(runner: Runner, { deviceId, cookie }: Session): void {
  runner.archive.drop(deviceId, cookie).catch((error: unknown) => {
    // It is over by itself, a little later.
    runner.logger.debug({ err: error, device: deviceId }, 'a kept session could not be dropped');
  });
}

const secondsOf = ({ clock }: Runner, { beganAt }: Session): number => (clock.now().getTime() - beganAt) / 1000;

/** One line a session; none for an empty POST outside of one. */
export function finish(runner: Runner, session: Session, outcome: SessionEnd): void {
  if (session.ended !== undefined) return;
  session.ended = outcome;
  sessionEnded(session, outcome);
  const seconds = secondsOf(runner, session);
  if (session.kept) runner.metrics.sessionEnded(outcome, seconds);
  else if (outcome === 'completed') return;
  const { admission, deviceId: device, requests, failure, cwmp } = session;
  runner.logger.info(
    {
      admission: admission.id,
      connection: admission.handshake.connectionId,
      device,
      identity: admission.identity.value,
      listener: admission.handshake.listener,
      outcome,
      failure,
      cwmp: cwmp.version,
      requests,
      acsRequests: cwmp.acsRequests,
      seconds,
    },
    'session',
  );
}
