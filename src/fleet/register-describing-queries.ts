import type { Query } from '../platform/postgres.ts';
import { strangersText } from './strangers-text.ts';

export interface Described {
  readonly tags: readonly string[];
  readonly site: string | null;
  readonly note: string | null;
}

export function describeDevice(deviceId: string, { tags, site, note }: Described): Query {
  return {
    text: 'update devices set tags = $2, site = $3, note = $4 where id = $1 returning tags, site, note',
    values: [
      deviceId,
      tags,
      site === null ? null : strangersText(site, 200),
      note === null ? null : strangersText(note, 2000),
    ],
  };
}
