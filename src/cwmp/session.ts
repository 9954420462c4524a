import type { AcsRequest, CpeResponse } from './acs-methods.ts';
import type { Inform, Notice, TransferComplete } from './cpe-methods.ts';
import type { DecodeError } from './decode.ts';
import type { AcsFaultCode, CpeFault } from './faults.ts';
import type { Envelope } from './messages.ts';
import type { CwmpVersion } from './versions.ts';

/*
 * The ACS side of a CWMP session (TR-069 3.7) as plain data and a pure function. The runner feeds every POST of the
 * device, and its own answers to what the session asks of it, through `step`, one at a time, and does in this order
 * what comes back: record the facts durably, do what the reply says.
 */

/** A POST of the device. */
export type DeviceInput =
  /** With an envelope that `decodeEnvelope` could read. */
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  /** With one that it could not. */
  | { readonly kind: 'unreadable'; readonly error: DecodeError }
  /** Without a body, or with white space only. */
  | { readonly kind: 'empty' };

/** What the runner says when the session has asked it something. */
export type RunnerInput =
  /**
   * The runner's answers to `store-inform`. `holdRequests` asks the device to send no requests of its own until an ACS
   * request without it. Fault 8005 makes the device repeat its Inform, any other ends the session.
   */
  | { readonly kind: 'inform-stored'; readonly holdRequests?: boolean | undefined }
  | { readonly kind: 'inform-refused'; readonly faultCode: AcsFaultCode }
  /** The runner's answers to `acs-turn`. `task` comes back in the fact that tells how the request fared. */
  | {
      readonly kind: 'acs-request';
      readonly request: AcsRequest;
      readonly task?: string | undefined;
      readonly holdRequests?: boolean | undefined;
    }
  | { readonly kind: 'no-acs-request' };

export type Input = DeviceInput | RunnerInput;

/** What the runner does next. */
export type Reply =
  /** Store the Inform durably, then step with `inform-stored` or `inform-refused`: nothing is sent before. */
  | { readonly kind: 'store-inform'; readonly inform: Inform; readonly version: CwmpVersion }
  /** Step with the device's next task as `acs-request`, or with `no-acs-request`. */
  | { readonly kind: 'acs-turn' }
  /** Send HTTP 200 with this envelope; the session goes on. */
  | { readonly kind: 'envelope'; readonly xml: string }
  /** Send HTTP 204; the session goes on, for the device may have requests left that were held. */
  | { readonly kind: 'pause' }
  /** Send HTTP 204; the session is over and went well. */
  | { readonly kind: 'end' }
  /** Send this status, with the fault as body if there is one; the session is over. */
  | { readonly kind: 'refuse'; readonly httpStatus: 200 | 400; readonly faultXml?: string };

/** How a request of the ACS fared. */
export type Answer =
  | { readonly kind: 'response'; readonly response: CpeResponse }
  | { readonly kind: 'fault'; readonly fault: CpeFault }
  /** The device answered, but hems could not read it: the request may have been carried out. */
  | { readonly kind: 'unreadable'; readonly error: DecodeError }
  /** The device went on without an answer, or answered something else: the request may have been carried out. */
  | { readonly kind: 'none' }
  /** Never sent: its text cannot be written as XML, or the device's CWMP is older. The runner must not offer it again. */
  | { readonly kind: 'not-sent'; readonly message: string };

/** What is to be recorded before the reply leaves: the device forgets it once it has the reply. */
export type Fact =
  | { readonly kind: 'transfer-complete'; readonly transferComplete: TransferComplete }
  /** What else the device tells; it repeats it until it has the answer. */
  | { readonly kind: 'notice'; readonly notice: Exclude<Notice, TransferComplete> }
  | {
      readonly kind: 'answer';
      readonly request: AcsRequest;
      readonly task?: string | undefined;
      readonly answer: Answer;
    }
  /** A request of the device was answered with a fault. */
  | { readonly kind: 'request-refused'; readonly name: string; readonly faultCode: AcsFaultCode }
  /** A second Inform began a new session in the place of this one. */
  | { readonly kind: 'restarted' }
  /** The session is over without having come to its proper end. */
  | { readonly kind: 'failed'; readonly reason: FailureReason };

export type FailureReason =
  | 'first-message-not-inform'
  | 'version-incompatible'
  | 'inform-refused'
  | 'unreadable'
  | 'unexpected-response'
  /** A POST while the answer to the one before was not out yet, or after the end. */
  | 'out-of-turn';

/** A request of the ACS that the device has not answered yet. */
export interface OutstandingRequest {
  readonly id: string;
  readonly request: AcsRequest;
  readonly task?: string | undefined;
  /** `request` is not as it was sent: secret values were left out when the session was kept. It cannot be sent again. */
  readonly withheld?: boolean | undefined;
}

/** JSON-able: a session may be kept anywhere and go on at another node. */
export interface CwmpSession {
  readonly state: SessionState;
  /** Of the Inform, empty before it; what the ACS asks is sent in it. */
  readonly namespace: string;
  /** Agreed with the Inform, to hold until the end. */
  readonly version?: CwmpVersion;
  /** Seconds without a POST after which the device allows us to give up (CWMP 1.3). */
  readonly sessionTimeout?: number | undefined;
  /** The device was asked to hold its requests back. */
  readonly holding: boolean;
  /** The device has said that it has no more requests of its own. */
  readonly cpeDone: boolean;
  /** How many requests the ACS has sent. */
  readonly acsRequests: number;
}

export type SessionState =
  | { readonly kind: 'wait-inform' }
  /** The runner is storing the Inform. */
  | {
      readonly kind: 'storing-inform';
      readonly informId?: string | undefined;
      readonly useCwmpVersion?: CwmpVersion | undefined;
    }
  /** The device may send its requests, an empty POST ends them. */
  | { readonly kind: 'cpe-requests' }
  /** The runner is looking for the next task. */
  | { readonly kind: 'acs-turn' }
  | { readonly kind: 'wait-answer'; readonly outstanding: OutstandingRequest }
  | { readonly kind: 'ended' };

export interface Step {
  readonly session: CwmpSession;
  readonly reply: Reply;
  readonly facts: readonly Fact[];
}

/** A session before its Inform. */
export function newSession(): CwmpSession {
  return { state: { kind: 'wait-inform' }, namespace: '', holding: false, cpeDone: false, acsRequests: 0 };
}
