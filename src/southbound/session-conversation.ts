import { decodeEnvelope } from '../cwmp/decode.ts';
import type { Answer, Fact, Input, Reply } from '../cwmp/session.ts';
import { step } from '../cwmp/step.ts';
import type { RpcOutcome } from './door-metrics.ts';
import type { Runner } from './session-deps.ts';
import { end, secondsOf } from './session-ending.ts';
import { storeInform } from './session-inform.ts';
import { requestAnswered } from './session-spans.ts';
import type { Session } from './session-store.ts';
import { nextRequest, recordAnswer, recordSending } from './session-tasks.ts';

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
