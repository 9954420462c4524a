import type { TransferComplete } from '../cwmp/cpe-methods.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import type { AdmittedConnection } from './informs.ts';
import { recordTransferQuery, type TransferRow } from './transfer-queries.ts';

export interface TransferReport {
  readonly connection: Pick<AdmittedConnection, 'id' | 'deviceId'>;
  readonly transferComplete: TransferComplete;
}

export interface TransferOutcome {
  /** The device had said the very same before; nothing new was stored. */
  readonly repeated: boolean;
}

export interface TransferRecorder {
  /**
   * Durable when it resolves; TransferCompleteResponse may leave then. One round trip. Rejects when the database does,
   * and nothing is stored.
   */
  recordTransfer(report: TransferReport): Promise<TransferOutcome>;
}

export function createTransferRecorder({ db, clock }: { db: Database; clock: Clock }): TransferRecorder {
  return {
    recordTransfer: async (report) => {
      const { rows } = await db.query<TransferRow>(recordTransferQuery(report, clock.now()));
      const [row] = rows;
      if (row === undefined) throw new Error(`no verdict on a TransferComplete of ${report.connection.deviceId}`);
      return { repeated: row.times_said > 1 };
    },
  };
}
