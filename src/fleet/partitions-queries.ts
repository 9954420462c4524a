import type { Query } from '../platform/postgres.ts';

export const ensurePartitionsQuery: Query = { text: 'select ensure_partitions() as made' };
