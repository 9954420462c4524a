import type { Query } from '../../platform/postgres.ts';
import type { StoreKind } from './content.ts';

export function beginContent(id: string, store: StoreKind, at: Date): Query {
  return {
    name: 'fleet_begin_content',
    text: 'insert into file_contents (id, store, written_at) values ($1, $2, $3)',
    values: [id, store, at],
  };
}

export function insertChunk(id: string, n: number, bytes: Uint8Array): Query {
  return {
    name: 'fleet_insert_chunk',
    text: 'insert into file_chunks (content_id, n, bytes) values ($1, $2, $3)',
    values: [id, n, bytes],
  };
}

/** It is still being written; no row: somebody has swept it away. */
export function touchContent(id: string, at: Date): Query {
  return {
    name: 'fleet_touch_content',
    text: 'update file_contents set written_at = $2 where id = $1 and size is null',
    values: [id, at],
  };
}

export function completeContent(id: string, size: number, sha256: Buffer, at: Date): Query {
  return {
    name: 'fleet_complete_content',
    text: 'update file_contents set size = $2, sha256 = $3, written_at = $4 where id = $1 and size is null',
    values: [id, size, sha256, at],
  };
}

/** As base64, a third shorter than what Postgres writes by itself. */
export function chunkOf(id: string, n: number): Query {
  return {
    name: 'fleet_chunk',
    text: `select encode(bytes, 'base64') as bytes from file_chunks where content_id = $1 and n = $2`,
    values: [id, n],
  };
}

export function deleteContent(id: string): Query {
  return {
    name: 'fleet_delete_content',
    text: 'delete from file_contents where id = $1',
    values: [id],
  };
}

/** Contents that nobody has written to since, and nobody names; some at a time. */
export function sweepContents(before: Date, most: number): Query {
  return {
    name: 'fleet_sweep_contents',
    text: `delete from file_contents where id in (
             select c.id from file_contents c
              where c.written_at < $1
                and not exists (select from files f where f.content_id = c.id)
                and not exists (select from device_uploads u where u.content_id = c.id)
              order by c.written_at limit $2)
           returning id, store, size is not null as complete`,
    values: [before, most],
  };
}

/** Which of these ids are contents of the shared directory. */
export function contentsInDirectory(ids: readonly string[]): Query {
  return {
    text: `select id from file_contents where id = any($1::uuid[]) and store = 'directory'`,
    values: [ids],
  };
}
