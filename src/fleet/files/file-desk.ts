import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import { createContentStore } from './content-stores.ts';
import { createTransfers, type Transfers } from './device-transfers.ts';
import { createFiles, type Files } from './files.ts';

export interface FileDesk {
  readonly files: Files;
  readonly transfers: Transfers;
  /** Milliseconds. */
  readonly linkLife: number;
}

/** What people do with files, at whichever door. */
export function fileDesk(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly config: Pick<Config, 'files'>;
}): FileDesk {
  const { fileBytes, linkLife } = deps.config.files;
  const store = createContentStore(deps);
  const files = createFiles({ ...deps, store, fileBytes });
  return { files, transfers: createTransfers({ ...deps, store, linkLife }), linkLife };
}
