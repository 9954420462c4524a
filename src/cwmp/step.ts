import type { CwmpSession, DeviceInput, Input, Step } from './session.ts';
import { acsIsDone, sendRequest, takeAnswer } from './step-acs-requests.ts';
import { answerRequest, refuseUnreadable } from './step-cpe-requests.ts';
import { beforeInform, informDecided } from './step-inform.ts';
import { fail, unanswered } from './step-results.ts';

/** One step of a session. Pure and total: every input has an answer in every state. */
export function step(session: CwmpSession, input: Input): Step {
  const { state } = session;
  switch (input.kind) {
    case 'envelope':
    case 'unreadable':
    case 'empty':
      return deviceStep(session, input);
    case 'inform-stored':
    case 'inform-refused':
      return state.kind === 'storing-inform' ? informDecided(session, state, input) : fail(session, 'out-of-turn');
    case 'acs-request':
      return state.kind === 'acs-turn' ? sendRequest(session, input) : fail(session, 'out-of-turn');
    case 'no-acs-request':
      return state.kind === 'acs-turn' ? acsIsDone(session) : fail(session, 'out-of-turn');
  }
}

function deviceStep(session: CwmpSession, input: DeviceInput): Step {
  switch (session.state.kind) {
    case 'wait-inform':
    case 'ended':
      return beforeInform(input);
    case 'cpe-requests':
    case 'wait-answer':
      return withinSession(session, input);
    case 'storing-inform':
    case 'acs-turn':
      // TR-069 3.4.6: a CPE does not pipeline; its next message has to wait for the answer to this one.
      return fail(session, 'out-of-turn');
  }
}

function withinSession(session: CwmpSession, input: DeviceInput): Step {
  switch (input.kind) {
    case 'empty': {
      // TR-069 3.7.1.4: an empty POST ends the CPE's requests, unless it was told to hold them.
      const next = { ...session, state: { kind: 'acs-turn' }, cpeDone: session.cpeDone || !session.holding } as const;
      return { session: next, reply: { kind: 'acs-turn' }, facts: unanswered(session) };
    }
    case 'unreadable':
      return refuseUnreadable(session, input.error);
    case 'envelope': {
      const { body } = input.envelope;
      if (body.kind === 'request') return answerRequest(session, input.envelope, body.request);
      return takeAnswer(session, input.envelope);
    }
  }
}
