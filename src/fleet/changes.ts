import type { Queryable } from '../platform/postgres.ts';
import { insertChange } from './changes-queries.ts';

/** Who did it: a person at a door, a device that spoke, or a rule of the configuration. */
export interface Actor {
  readonly kind: 'cli' | 'rest' | 'operator' | 'key' | 'certificate' | 'device' | 'policy';
  /** e.g. `maria@noc-7`, the name of an API key, the subject of a staff certificate. */
  readonly name: string;
}

export interface Change {
  readonly deviceId: string;
  readonly at: Date;
  readonly actor: Actor;
  readonly action: ChangeAction;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

export type ChangeAction =
  | 'add'
  | 'register'
  | 'link_identity'
  | 'import_serial'
  | 'correct_serial'
  | 'lose_serial'
  | 'learn_serial'
  | 'activate'
  | 'claim_varies'
  | 'hold_key'
  | 'admit_key'
  | 'approve'
  | 'reject'
  | 'block'
  | 'unblock'
  | 'rebind'
  | 'replace'
  | 'take_over'
  | 'retire'
  | 'handover'
  | 'unlink_identity'
  | 'expect_certificate'
  | 'refuse_certificate'
  | 'describe'
  | 'settle_conflict'
  | 'queue_task'
  | 'cancel_task'
  | 'reveal_parameters'
  | 'read_upload'
  | 'wake'
  | 'set_wake_credentials'
  | 'trace';

/** Writes the audit row of a change; call it inside the transaction of the change. */
export async function recordChange(tx: Queryable, change: Change): Promise<void> {
  await tx.query(insertChange(change));
}
