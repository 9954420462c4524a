import type { Query } from '../../platform/postgres.ts';
import { strangersText } from '../strangers-text.ts';

export interface NewTransfer {
  readonly deviceId: string;
  readonly id: string;
  readonly taskId?: string | undefined;
  readonly direction: 'download' | 'upload';
  readonly fileId?: string | undefined;
  readonly contentId?: string | undefined;
  readonly name: string;
  readonly fileType: string;
  readonly version?: string | null | undefined;
  readonly size?: number | undefined;
  /** Hex. */
  readonly sha256?: string | undefined;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date;
}

export function insertTransfer(transfer: NewTransfer): Query {
  return {
    name: 'fleet_insert_transfer',
    text: `insert into device_transfers (device_id, id, task_id, direction, file_id, content_id, name, file_type, version,
                                         size, sha256, created_at, created_by, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      transfer.deviceId,
      transfer.id,
      transfer.taskId ?? null,
      transfer.direction,
      transfer.fileId ?? null,
      transfer.contentId ?? null,
      transfer.name,
      transfer.fileType,
      transfer.version ?? null,
      transfer.size ?? null,
      transfer.sha256 === undefined ? null : Buffer.from(transfer.sha256, 'hex'),
      transfer.createdAt,
      strangersText(transfer.createdBy, 512),
      transfer.expiresAt,
    ],
  };
}

const columns = `t.device_id as "deviceId", t.id, t.task_id as "taskId", k.kind, t.direction, t.file_id as "fileId",
  t.name, t.file_type as "fileType", t.version, t.size, encode(t.sha256, 'hex') as sha256, t.created_at as "createdAt",
  t.created_by as "createdBy", t.expires_at as "expiresAt", t.requests, t.started_at as "startedAt",
  t.last_at as "lastAt", t.bytes_done as "bytesDone", t.fetched_at as "fetchedAt", t.failure,
  t.upload_id as "uploadId", t.applied_at as "appliedAt", c.software_version as runs, k.fault, coalesce(k.attempts, 0) as attempts,
  case when t.task_id is not null then coalesce(k.state, case when t.fetched_at is null then 'expired' else 'done' end) end
    as "taskState"`;

const from = `from device_transfers t left join tasks k on k.device_id = t.device_id and k.id = t.task_id
  left join device_contact c on c.device_id = t.device_id`;

export function listTransfers(deviceId: string, before: string | undefined, limit: number): Query {
  return {
    text: `select ${columns} ${from} where t.device_id = $1 and ($2::uuid is null or t.id < $2) order by t.id desc limit $3`,
    values: [deviceId, before ?? null, limit],
  };
}

export function transferOfDevice(deviceId: string, id: string): Query {
  return {
    text: `select ${columns} ${from} where t.device_id = $1 and t.id = $2`,
    values: [deviceId, id],
  };
}

export function transferOfTask(deviceId: string, taskId: string): Query {
  return {
    text: `select ${columns} ${from} where t.device_id = $1 and t.task_id = $2`,
    values: [deviceId, taskId],
  };
}

export function modelOf(deviceId: string): Query {
  return { text: 'select product_class as "productClass" from devices where id = $1', values: [deviceId] };
}

const uploadColumns = `u.device_id as "deviceId", u.id, u.transfer_id as "transferId", u.slot, u.name,
  u.file_type as "fileType", u.size, encode(u.sha256, 'hex') as sha256, u.received_at as "receivedAt",
  u.content_id as "contentId", c.store`;

export function listUploads(deviceId: string, before: string | undefined, limit: number): Query {
  return {
    text: `select ${uploadColumns} from device_uploads u join file_contents c on c.id = u.content_id
            where u.device_id = $1 and ($2::uuid is null or u.id < $2) order by u.id desc limit $3`,
    values: [deviceId, before ?? null, limit],
  };
}

export function uploadOf(deviceId: string, id: string): Query {
  return {
    text: `select ${uploadColumns} from device_uploads u join file_contents c on c.id = u.content_id
            where u.device_id = $1 and u.id = $2`,
    values: [deviceId, id],
  };
}

/** What the device tells of transfers that nobody asked for (TR-069 A.4.2.2), newest first. */
export function autonomousTransfers(deviceId: string, limit: number): Query {
  return {
    text: `select at, notice from device_notices
            where device_id = $1 and kind = 'AutonomousTransferComplete' order by at desc limit $2`,
    values: [deviceId, limit],
  };
}

/**
 * Completed downloads whose version the device shows by now: in an Inform that came after it was asked. What the door
 * has seen of a link without a task counts as completed once the whole file has gone out.
 */
export function markApplied(deviceId: string, at: Date): Query {
  return {
    name: 'fleet_mark_applied',
    text: `update device_transfers t set applied_at = $2
             from device_contact c
            where t.device_id = $1 and c.device_id = $1 and t.direction = 'download' and t.applied_at is null
              and t.version is not null and c.software_version = t.version
              and case when t.task_id is null then t.fetched_at < c.last_inform_at
                       else exists (select from tasks k where k.device_id = $1 and k.id = t.task_id and k.state = 'done'
                                       and k.sent_at < c.last_inform_at) end`,
    values: [deviceId, at],
  };
}

/** What the file door and the last Inform say of the transfer of a task whose outcome the device has not told. */
export function evidenceOfTask(deviceId: string, taskId: string): Query {
  return {
    name: 'fleet_transfer_evidence',
    text: `select t.direction, t.started_at as "startedAt", t.upload_id as "uploadId",
                  coalesce(t.version = c.software_version and t.fetched_at < c.last_inform_at, false) as runs
             from device_transfers t left join device_contact c on c.device_id = t.device_id
            where t.device_id = $1 and t.task_id = $2`,
    values: [deviceId, taskId],
  };
}
