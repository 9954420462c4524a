import { hash } from 'node:crypto';
import type { Notice, TransferComplete } from '../cwmp/cpe-methods.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import { recordNotice } from './notice-queries.ts';
import { strangersText } from './strangers-text.ts';

export type OtherNotice = Exclude<Notice, TransferComplete>;

/** Durable when it resolves; the response may leave then. What is told again is kept once. */
export type NoticeRecorder = (deviceId: string, notice: OtherNotice) => Promise<void>;

const longest = 16 * 1024;

export interface NoticeDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly events?: EventBus;
}

export function createNoticeRecorder({ db, clock, events }: NoticeDeps): NoticeRecorder {
  return async (deviceId, notice) => {
    const told = JSON.stringify(notice);
    const digest = Buffer.from(hash('sha256', told, 'hex'), 'hex');
    // Too long to be kept whole, it is kept as text, cut.
    const kept = told.length <= longest ? told : JSON.stringify({ cut: strangersText(told, longest / 2) });
    const at = clock.now();
    const { rows } = await db.query<{ fresh: boolean }>(recordNotice(deviceId, digest, notice.method, kept, at));
    if (rows[0]?.fresh === true) events?.publish({ kind: 'notice', at, deviceId, notice: notice.method });
  };
}
