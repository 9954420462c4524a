import type { Query } from '../../platform/postgres.ts';
import { strangersText } from '../strangers-text.ts';
import { insertSubjectChange, type SubjectChange } from '../subject-changes-queries.ts';
import type { FileLink, StoredFile } from './files.ts';

const columns = `f.id, f.name, f.file_type as "fileType", f.product_class as "productClass", f.version, f.size,
  encode(f.sha256, 'hex') as sha256, f.note, f.added_at as "addedAt", f.added_by as "addedBy",
  f.content_id as "contentId", c.store`;

const from = 'from files f join file_contents c on c.id = f.content_id';

/** Answers no row where the name is taken. */
export function insertFile(file: StoredFile): Query {
  return {
    text: `insert into files (id, name, file_type, product_class, version, content_id, size, sha256, note, added_at,
                              added_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (name) do nothing returning id`,
    values: [
      file.id,
      file.name,
      file.fileType,
      file.productClass,
      file.version,
      file.contentId,
      file.size,
      Buffer.from(file.sha256, 'hex'),
      file.note,
      file.addedAt,
      strangersText(file.addedBy, 512),
    ],
  };
}

export function listFiles(after: string | undefined, limit: number): Query {
  return {
    text: `select ${columns} ${from} where f.name > $1 order by f.name limit $2`,
    values: [after ?? '', limit],
  };
}

/** By name, by id, or by the beginning of the SHA-256 (eight digits at least). */
export function findFiles(text: string): Query {
  const hex = /^[0-9a-f]{8,64}$/i.test(text) ? text.toLowerCase() : null;
  const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : null;
  return {
    text: `select ${columns} ${from}
            where f.name = $1 or f.id = $2::uuid or encode(f.sha256, 'hex') like $3 || '%' order by f.name limit 20`,
    values: [text, id, hex],
  };
}

/** With a lock, so that nobody makes a link to it meanwhile. */
export function lockFile(id: string): Query {
  return { text: `select ${columns} ${from} where f.id = $1 for update of f`, values: [id] };
}

/** By what a file is held: tasks that are open, and links that have not expired. */
export function holdsOf(fileId: string, at: Date): Query {
  return {
    text: `select t.device_id as "deviceId", t.id, t.task_id as "taskId", t.expires_at as "expiresAt", 'transfer' as kind
             from device_transfers t left join tasks k on k.device_id = t.device_id and k.id = t.task_id
            where t.file_id = $1
              and case when t.task_id is null then t.expires_at > $2
                       else k.state in ('queued', 'sent', 'in-progress', 'unknown-outcome') end
           union all
           select null, l.id, null, l.expires_at, 'link' from file_links l where l.file_id = $1 and l.expires_at > $2
           limit 20`,
    values: [fileId, at],
  };
}

export function deleteFile(id: string): Query {
  return { text: 'delete from files where id = $1', values: [id] };
}

export function insertLink(link: FileLink, by: string): Query {
  return {
    text: `insert into file_links (id, file_id, product_class, expires_at, created_at, created_by)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [link.id, link.fileId, link.productClass, link.expiresAt, link.createdAt, strangersText(by, 512)],
  };
}

/** Of a file: those of a model, and those of one device that no task stands behind. */
export function listLinks(fileId: string): Query {
  return {
    text: `select id, file_id as "fileId", product_class as "productClass", null::uuid as "deviceId",
                  expires_at as "expiresAt", created_at as "createdAt"
             from file_links where file_id = $1
           union all
           select id, file_id, null, device_id, expires_at, created_at
             from device_transfers where file_id = $1 and task_id is null
              and not exists (select from file_links l where l.id = device_transfers.id)
           order by "createdAt" desc limit 1000`,
    values: [fileId],
  };
}

/** Ends it; answers the file. A link of a model goes, one of a device expires, so that what it was used for stays told. */
export function endLink(id: string, at: Date): Query {
  return {
    text: `with gone as (
             delete from file_links where id = $1 returning file_id
           ), ended as (
             update device_transfers set expires_at = least(expires_at, $2)
              where id = $1 and task_id is null and expires_at > $2 returning file_id
           )
           select file_id as "fileId" from gone union select file_id from ended`,
    values: [id, at],
  };
}

export type FileChange = SubjectChange<'file_added' | 'file_removed' | 'link_created' | 'link_removed'>;

/** `subject`: the id of the file. */
export function insertFileChange(change: FileChange): Query {
  return insertSubjectChange('file_changes', change);
}
