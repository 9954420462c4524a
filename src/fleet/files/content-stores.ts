import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import { type Content, ContentMissing, type ContentStore } from './content.ts';
import { createDirectoryContent } from './directory-content.ts';
import { createPostgresContent } from './postgres-content.ts';

export interface ContentStoreDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly config: Pick<Config, 'files'>;
}

/** Writes as the configuration says; reads from wherever a content lies, so that the setting may change at any time. */
export function createContentStore({ db, clock, config }: ContentStoreDeps): ContentStore {
  const { store, directory } = config.files;
  const postgres = createPostgresContent({ db, clock });
  const shared = directory === undefined ? undefined : createDirectoryContent({ db, clock, directory });
  const of = ({ store: kind, id }: Pick<Content, 'store' | 'id'>): ContentStore => {
    const found = kind === 'postgres' ? postgres : shared;
    if (found === undefined)
      throw new ContentMissing(`content ${id} lies in a directory that files.directory must name`);
    return found;
  };
  return {
    write: (source) => (store === 'directory' && shared !== undefined ? shared : postgres).write(source),
    read: (content, range, options) => of(content).read(content, range, options),
    discard: async (content) => of(content).discard(content),
  };
}
