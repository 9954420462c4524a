import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import { recordChange } from '../changes.ts';
import type { By } from '../register.ts';
import type { ContentStore } from './content.ts';
import type { DeviceUpload } from './device-transfers.ts';

export interface UploadReadingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly store: Pick<ContentStore, 'read'>;
}

/** Configurations and logs may hold what is secret or personal: whoever reads one is on record before its first byte. */
export async function* readUpload(
  { db, clock, store }: UploadReadingDeps,
  { deviceId, id, name, contentId, store: kind, size, sha256 }: DeviceUpload,
  by: By,
): AsyncGenerator<Buffer> {
  const after = { upload: id, name, sha256 };
  await db.transaction((tx) => recordChange(tx, { deviceId, at: clock.now(), action: 'read_upload', after, ...by }));
  yield* store.read({ id: contentId, store: kind, size, sha256 });
}
