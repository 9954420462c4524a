import type { Actor } from './changes.ts';

/** Answers of the device; then what is no answer; see migration 0018. */
export const connectionRequestStates = [
  'waiting',
  'sending',
  'accepted',
  'busy',
  'unauthorized',
  'rejected',
  'no-answer',
  'refused',
  'needless',
  'unsettled',
] as const;

export type ConnectionRequestState = (typeof connectionRequestStates)[number];

/** plain: http, nothing shown. digest: http with the credentials that hems made. certificate: https. */
export type ConnectionRequestForm = 'plain' | 'digest' | 'certificate';

/** One wish that a device call now, and what came of it. */
export interface ConnectionRequest {
  readonly deviceId: string;
  readonly id: string;
  readonly at: Date;
  readonly origin: Actor;
  readonly taskId: string | null;
  readonly state: ConnectionRequestState;
  readonly url: string | null;
  readonly form: ConnectionRequestForm | null;
  readonly status: number | null;
  /** Why it came to nothing: a word of a closed set, what was seen, and what to do. */
  readonly cause: string | null;
  readonly detail: string | null;
  readonly remedy: string | null;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
  /** The device opened a session for it: 6 CONNECTION REQUEST. */
  readonly sessionAt: Date | null;
}

/** What a node needs to carry one out. */
export interface ClaimedRequest {
  readonly deviceId: string;
  readonly id: string;
  readonly deviceState: string | null;
  /** Of the last Inform. */
  readonly url: string | null;
  readonly lastAddress: string | null;
  /** Anchors of the device's identities. */
  readonly anchors: readonly string[];
  readonly taskId: string | null;
  /** Of that task, as it is now. */
  readonly taskState: string | null;
  readonly username: string | null;
  readonly sealed: string | null;
  /** Of the task that sets the credentials. */
  readonly credentialsState: string | null;
}

export interface ConnectionRequestOutcome {
  readonly state: Exclude<ConnectionRequestState, 'waiting' | 'sending'>;
  readonly form?: ConnectionRequestForm | undefined;
  readonly status?: number | undefined;
  readonly cause?: string | undefined;
  readonly detail?: string | undefined;
  readonly remedy?: string | undefined;
}
