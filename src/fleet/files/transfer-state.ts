import type { TaskFault, TaskState } from '../task.ts';

export const transferStates = [
  /** The device has not been told yet, or has not answered. */
  'requested',
  /** It has agreed, or has begun to fetch or to send. */
  'started',
  /** The whole file has gone out of the file door. */
  'fetched',
  /** The whole file has come in. */
  'received',
  /** The device says that it is done. */
  'completed',
  /** And its Inform shows the version of the file. */
  'applied',
  'failed',
  'cancelled',
  'expired',
  /** Perhaps carried out, perhaps not; nobody repeats it. */
  'unknown',
  /** A link in force that no task stands behind and nobody has used. */
  'offered',
] as const;

export type TransferState = (typeof transferStates)[number];

/** What is known of a transfer: what the task says, and what the file door and the Informs have seen. */
export interface TransferFacts {
  readonly direction: 'download' | 'upload';
  /** Null: a link without a task. */
  readonly taskState: TaskState | null;
  readonly expiresAt: Date;
  readonly startedAt: Date | null;
  readonly fetchedAt: Date | null;
  readonly appliedAt: Date | null;
}

/** The furthest that is true of it. Total and pure. */
export function transferState(facts: TransferFacts, at: Date): TransferState {
  const { taskState, direction, startedAt, fetchedAt, appliedAt } = facts;
  const seen: TransferState | undefined =
    fetchedAt !== null
      ? direction === 'download'
        ? 'fetched'
        : 'received'
      : startedAt !== null
        ? 'started'
        : undefined;
  switch (taskState) {
    case 'failed':
    case 'cancelled':
    case 'expired':
      return taskState;
    case 'done':
      return appliedAt === null ? 'completed' : 'applied';
    case 'queued':
    case 'sent':
      return seen ?? 'requested';
    case 'in-progress':
      return seen ?? 'started';
    case 'unknown-outcome':
      return fetchedAt === null ? 'unknown' : (seen ?? 'unknown');
    case null:
      return appliedAt !== null ? 'applied' : (seen ?? (facts.expiresAt > at ? 'offered' : 'expired'));
  }
}

/** A transfer as it is shown. */
export interface DeviceTransfer extends TransferFacts {
  readonly deviceId: string;
  /** Stands in the link. */
  readonly id: string;
  readonly taskId: string | null;
  readonly kind: 'download' | 'schedule-download' | 'upload' | null;
  /** Under which the device speaks of it; null: it has not been told. */
  readonly commandKey: string | null;
  readonly fileId: string | null;
  readonly name: string;
  readonly fileType: string;
  readonly version: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly requests: number;
  readonly lastAt: Date | null;
  /** Bytes without a gap. */
  readonly bytesDone: number;
  /** Why the last request at the file door broke off. */
  readonly failure: string | null;
  readonly fault: TaskFault | null;
  /** Of the file that was received. */
  readonly uploadId: string | null;
  /** Of the last Inform; shown where the device completed a file of another version. */
  readonly runs: string | null;
  readonly state: TransferState;
}
