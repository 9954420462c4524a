import { uuidv7At } from '../platform/ids.ts';
import type { Query } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import { strangersText } from './strangers-text.ts';

/** A change of what is no device: who did what to which file, or to which key. */
export interface SubjectChange<Action extends string> {
  readonly at: Date;
  readonly actor: Actor;
  readonly action: Action;
  readonly subject: string;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly reason?: string | undefined;
}

/** The audit row; in the transaction of the change. */
export function insertSubjectChange(
  table: 'file_changes' | 'access_changes',
  { at, actor, action, subject, after, reason }: SubjectChange<string>,
): Query {
  return {
    text: `insert into ${table} (id, at, actor_kind, actor, action, subject, after, reason)
           values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      uuidv7At(at),
      at,
      actor.kind,
      strangersText(actor.name, 512),
      action,
      subject,
      after === undefined ? null : JSON.stringify(after),
      reason === undefined ? null : strangersText(reason, 2000),
    ],
  };
}
