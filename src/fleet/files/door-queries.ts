import type { Query } from '../../platform/postgres.ts';
import { strangersText } from '../strangers-text.ts';
import type { Content } from './content.ts';

export interface LinkRow {
  readonly direction: 'download' | 'upload';
  readonly expiresAt: Date;
  /** Null: no task stands behind it, or it is forgotten. */
  readonly taskId: string | null;
  readonly taskState: string | null;
  readonly name: string;
  readonly fileType: string;
  readonly bytesDone: number;
  readonly contentId: string | null;
  readonly store: Content['store'] | null;
  readonly size: number | null;
  readonly sha256: string | null;
}

/** A link of this device. */
export function linkOfDevice(deviceId: string, id: string): Query {
  return {
    name: 'fleet_link_of_device',
    text: `select t.direction, t.expires_at as "expiresAt", t.task_id as "taskId", k.state as "taskState", t.name,
                  t.file_type as "fileType", t.bytes_done as "bytesDone", c.id as "contentId", c.store, c.size,
                  encode(c.sha256, 'hex') as sha256
             from device_transfers t left join tasks k on k.device_id = t.device_id and k.id = t.task_id
                                     left join file_contents c on c.id = t.content_id
            where t.device_id = $1 and t.id = $2`,
    values: [deviceId, id],
  };
}

export interface ModelLinkRow {
  readonly fits: boolean;
  readonly expiresAt: Date;
  readonly fileId: string;
  readonly name: string;
  readonly fileType: string;
  readonly version: string | null;
  readonly contentId: string;
  readonly store: Content['store'];
  readonly size: number;
  readonly sha256: string;
}

/** A link of a model, and whether this device is one, by the register. */
export function linkOfModel(deviceId: string, id: string): Query {
  return {
    name: 'fleet_link_of_model',
    text: `select coalesce(l.product_class = d.product_class, false) as fits, l.expires_at as "expiresAt",
                  f.id as "fileId", f.name, f.file_type as "fileType", f.version, c.id as "contentId", c.store, c.size,
                  encode(c.sha256, 'hex') as sha256
             from file_links l join files f on f.id = l.file_id join file_contents c on c.id = f.content_id
                  left join devices d on d.id = $1
            where l.id = $2`,
    values: [deviceId, id],
  };
}

export function isLinkOfAnother(deviceId: string, id: string): Query {
  return {
    name: 'fleet_link_of_another',
    text: 'select device_id as "deviceId" from device_transfers where id = $2 and device_id <> $1 limit 1',
    values: [deviceId, id],
  };
}

/** A first visit by the link of a model is a transfer from then on. */
export function adoptModelLink(deviceId: string, id: string, link: ModelLinkRow, at: Date): Query {
  return {
    name: 'fleet_adopt_model_link',
    text: `insert into device_transfers (device_id, id, direction, file_id, content_id, name, file_type, version, size,
                                         sha256, created_at, created_by, expires_at)
           values ($1, $2, 'download', $3, $4, $5, $6, $7, $8, $9, $10, 'link of a model', $11)
           on conflict (device_id, id) do update set expires_at = excluded.expires_at`,
    values: [
      deviceId,
      id,
      link.fileId,
      link.contentId,
      link.name,
      link.fileType,
      link.version,
      link.size,
      Buffer.from(link.sha256, 'hex'),
      at,
      link.expiresAt,
    ],
  };
}

/**
 * A request begins. Whoever names our ETag and goes on behind what was noted, after a request whose end nobody saw (the
 * server was killed), has what lies before: it could not know the ETag otherwise.
 */
export function noteVisit(deviceId: string, id: string, goesOnAt: number, at: Date): Query {
  return {
    name: 'fleet_note_visit',
    text: `update device_transfers set requests = requests + 1, started_at = coalesce(started_at, $4), last_at = $4,
                  bytes_done = case when failure = 'under_way' then greatest(bytes_done, least($3::bigint, size))
                                    else bytes_done end,
                  failure = 'under_way'
            where device_id = $1 and id = $2`,
    values: [deviceId, id, goesOnAt, at],
  };
}

/** Bytes from one to another have gone out; they count where they leave no gap. */
export function noteSent(
  deviceId: string,
  id: string,
  from: number,
  to: number,
  failure: string | null,
  at: Date,
): Query {
  return {
    name: 'fleet_note_sent',
    text: `with now as (
             select case when $3::bigint <= bytes_done then greatest(bytes_done, $4::bigint) else bytes_done end as done
               from device_transfers where device_id = $1 and id = $2
           )
           update device_transfers t set bytes_done = now.done, last_at = $6, failure = $5,
                  fetched_at = case when now.done >= t.size and $5::text is null then coalesce(t.fetched_at, $6) else t.fetched_at end
             from now where t.device_id = $1 and t.id = $2`,
    values: [deviceId, id, from, to, failure, at],
  };
}

/** Of an upload under way. */
export function noteReceiving(deviceId: string, id: string, bytes: number, failure: string | null, at: Date): Query {
  return {
    name: 'fleet_note_receiving',
    text: `update device_transfers set bytes_done = $3, failure = $4, last_at = $5
            where device_id = $1 and id = $2 and fetched_at is null`,
    values: [deviceId, id, bytes, failure, at],
  };
}

export function noteReceived(deviceId: string, id: string, upload: Content, uploadId: string, at: Date): Query {
  return {
    name: 'fleet_note_received',
    text: `update device_transfers set bytes_done = $3, size = $3, sha256 = $4, content_id = $5, upload_id = $6,
                  fetched_at = $7, last_at = $7, failure = null
            where device_id = $1 and id = $2`,
    values: [deviceId, id, upload.size, Buffer.from(upload.sha256, 'hex'), upload.id, uploadId, at],
  };
}

/** What this device has sent so far, but for what the next one takes the place of. */
export function usedByDevice(deviceId: string, transferId: string | null, slot: string | null, keep: number): Query {
  return {
    name: 'fleet_used_by_device',
    text: `select coalesce(sum(size), 0)::bigint as bytes from (
             select u.size, u.transfer_id, u.slot, row_number() over (partition by u.slot order by u.id desc) as place
               from device_uploads u where u.device_id = $1) u
            where u.transfer_id is distinct from $2::uuid or u.transfer_id is null
              and ($3::text is null or u.slot is distinct from $3 or u.place < $4::int)`,
    values: [deviceId, transferId, slot, keep],
  };
}

export function usedByAll(): Query {
  return {
    name: 'fleet_used_by_all',
    text: 'select coalesce(sum(size), 0)::bigint as bytes from device_uploads',
  };
}

/** Makes room: an earlier file of the same transfer, or the oldest of a slot; answers their contents. */
export function replaceUploads(deviceId: string, transferId: string | null, slot: string | null, keep: number): Query {
  return {
    name: 'fleet_replace_uploads',
    text: `delete from device_uploads where device_id = $1 and id in (
             select id from device_uploads where device_id = $1 and transfer_id = $2::uuid
             union all
             (select id from device_uploads where device_id = $1 and slot = $3::text order by id desc offset $4::int))
           returning content_id as id`,
    values: [deviceId, transferId, slot, keep],
  };
}

export interface NewUpload {
  readonly deviceId: string;
  readonly id: string;
  readonly transferId: string | null;
  readonly slot: string | null;
  readonly name: string;
  readonly fileType: string;
  readonly content: Content;
  readonly admissionId: string;
  readonly at: Date;
}

export function insertUpload(upload: NewUpload): Query {
  const { content } = upload;
  return {
    name: 'fleet_insert_upload',
    text: `insert into device_uploads (device_id, id, transfer_id, slot, name, file_type, content_id, size, sha256,
                                       received_at, admission_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      upload.deviceId,
      upload.id,
      upload.transferId,
      upload.slot,
      strangersText(upload.name, 255),
      upload.fileType,
      content.id,
      content.size,
      Buffer.from(content.sha256, 'hex'),
      upload.at,
      upload.admissionId,
    ],
  };
}

export function forgetUploads(before: Date, most: number): Query {
  return {
    text: `delete from device_uploads where (device_id, id) in (
             select device_id, id from device_uploads where received_at < $1 order by received_at limit $2)`,
    values: [before, most],
  };
}

/** Links long over. */
export function forgetTransfers(before: Date, most: number): Query {
  return {
    text: `delete from device_transfers where (device_id, id) in (
             select t.device_id, t.id from device_transfers t
              where t.created_at < $1 and t.expires_at < $1
                and not exists (select from tasks k where k.device_id = t.device_id and k.id = t.task_id)
              order by t.created_at limit $2)`,
    values: [before, most],
  };
}
