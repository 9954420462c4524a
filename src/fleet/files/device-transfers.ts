import type { TimeWindowStruct } from '../../cwmp/acs-methods.ts';
import type { Clock } from '../../platform/clock.ts';
import { uuidv7 } from '../../platform/ids.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import type { By } from '../register.ts';
import { keyOf, type Task, type TaskRequest } from '../task.ts';
import { addTask, type TaskOptions, type TaskProblem } from '../tasks.ts';
import type { ContentStore, StoreKind } from './content.ts';
import {
  autonomousTransfers,
  insertTransfer,
  listTransfers,
  listUploads,
  modelOf,
  transferOfDevice,
  transferOfTask,
  uploadOf,
} from './device-transfer-queries.ts';
import { insertFileChange, lockFile } from './file-queries.ts';
import { contentOf, type FileProblem, type StoredFile } from './files.ts';
import { type DeviceTransfer, transferState } from './transfer-state.ts';
import { readUpload } from './upload-reading.ts';

/** What a device has sent, whole. */
export interface DeviceUpload {
  readonly deviceId: string;
  readonly id: string;
  readonly transferId: string | null;
  readonly slot: string | null;
  readonly name: string;
  readonly fileType: string;
  readonly size: number;
  readonly sha256: string;
  readonly receivedAt: Date;
  readonly contentId: string;
  readonly store: StoreKind;
}

/** A transfer that the device made by itself, as it told. */
export interface AutonomousTransfer {
  readonly at: Date;
  readonly notice: Readonly<Record<string, unknown>>;
}

export interface DownloadWish {
  readonly fileId: string;
  readonly delaySeconds?: number | undefined;
  /** ScheduleDownload instead of Download (CWMP 1.2). */
  readonly windows?: readonly TimeWindowStruct[] | undefined;
  /** Also where the file is for another model. */
  readonly anyModel?: boolean | undefined;
}

export interface UploadWish {
  readonly fileType: string;
  readonly delaySeconds?: number | undefined;
}

export interface TransferProblem {
  readonly kind: FileProblem['kind'] | TaskProblem['kind'] | 'other_model';
  readonly message: string;
  readonly remedy?: string | undefined;
}

export type TransferResult =
  | { readonly ok: true; readonly transferId: string; readonly task: Task; readonly created: boolean }
  | { readonly ok: false; readonly problem: TransferProblem };

export interface Transfers {
  /** Queues the task and makes the link that it names, for this device alone. */
  download(deviceId: string, wish: DownloadWish, by: By, options?: TaskOptions): Promise<TransferResult>;
  upload(deviceId: string, wish: UploadWish, by: By, options?: TaskOptions): Promise<TransferResult>;
  /** A link for one device that no task stands behind. */
  link(
    deviceId: string,
    fileId: string,
    expiresAt: Date,
    by: By,
  ): Promise<
    { readonly ok: true; readonly transferId: string } | { readonly ok: false; readonly problem: TransferProblem }
  >;
  /** Newest first. */
  list(deviceId: string, page: { before?: string | undefined; limit: number }): Promise<readonly DeviceTransfer[]>;
  get(deviceId: string, id: string): Promise<DeviceTransfer | undefined>;
  ofTask(deviceId: string, taskId: string): Promise<DeviceTransfer | undefined>;
  /** What the device has sent, newest first. */
  uploads(deviceId: string, page: { before?: string | undefined; limit: number }): Promise<readonly DeviceUpload[]>;
  uploadedFile(deviceId: string, id: string): Promise<DeviceUpload | undefined>;
  /** What a device sends may hold secrets: who reads it is on record before the first byte. */
  read(upload: DeviceUpload, by: By): AsyncIterable<Buffer>;
  /** What it told of transfers by itself, newest first. */
  autonomous(deviceId: string, limit: number): Promise<readonly AutonomousTransfer[]>;
}

export interface TransfersDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly store: ContentStore;
  /** Milliseconds that a link lives. */
  readonly linkLife: number;
}

type Row = Omit<DeviceTransfer, 'state' | 'commandKey'> & { readonly attempts: number };

export function createTransfers(deps: TransfersDeps): Transfers {
  const { db, clock } = deps;
  const shown = ({ attempts, ...row }: Row): DeviceTransfer => ({
    ...row,
    commandKey: row.taskId === null || attempts === 0 ? null : keyOf(row.taskId, attempts),
    state: transferState(row, clock.now()),
  });
  const one = async (query: ReturnType<typeof transferOfDevice>): Promise<DeviceTransfer | undefined> => {
    const [row] = (await db.query<Row>(query)).rows;
    return row && shown(row);
  };
  return {
    download: (deviceId, wish, by, options) => db.transaction((tx) => download(tx, deps, deviceId, wish, by, options)),
    upload: (deviceId, wish, by, options) => db.transaction((tx) => upload(tx, deps, deviceId, wish, by, options)),
    link: (deviceId, fileId, expiresAt, by) =>
      db.transaction(async (tx) => {
        const file = await fileOf(tx, fileId);
        if (file === undefined) return missing(fileId);
        if ((await tx.query(modelOf(deviceId))).count === 0)
          return { ok: false, problem: { kind: 'device_missing', message: `there is no device ${deviceId}` } };
        const at = clock.now();
        const id = uuidv7(clock);
        await tx.query(
          insertTransfer({ ...ofFile(file), deviceId, id, createdAt: at, createdBy: by.actor.name, expiresAt }),
        );
        const after = { link: id, device: deviceId, expiresAt };
        await tx.query(insertFileChange({ at, action: 'link_created', subject: fileId, after, ...by }));
        return { ok: true, transferId: id };
      }),
    list: async (deviceId, { before, limit }) =>
      (await db.query<Row>(listTransfers(deviceId, before, limit))).rows.map(shown),
    get: (deviceId, id) => one(transferOfDevice(deviceId, id)),
    ofTask: (deviceId, taskId) => one(transferOfTask(deviceId, taskId)),
    uploads: async (deviceId, { before, limit }) =>
      (await db.query<DeviceUpload>(listUploads(deviceId, before, limit))).rows,
    uploadedFile: async (deviceId, id) => (await db.query<DeviceUpload>(uploadOf(deviceId, id))).rows[0],
    read: (sent, by) => readUpload(deps, sent, by),
    autonomous: async (deviceId, limit) =>
      (await db.query<AutonomousTransfer>(autonomousTransfers(deviceId, limit))).rows,
  };
}

function missing(fileId: string): { ok: false; problem: TransferProblem } {
  const message = `there is no file ${fileId}`;
  return { ok: false, problem: { kind: 'file_missing', message, remedy: '"hems file list" shows them' } };
}

async function fileOf(tx: Queryable, fileId: string): Promise<StoredFile | undefined> {
  return (await tx.query<StoredFile>(lockFile(fileId))).rows[0];
}

function ofFile(file: StoredFile) {
  const { id: fileId, name, fileType, version, size, sha256 } = file;
  return {
    direction: 'download',
    fileId,
    contentId: contentOf(file).id,
    name,
    fileType,
    version,
    size,
    sha256,
  } as const;
}

/** Where the door finds it: a path, made a URL of the door that the device is at when it is told. */
export function linkPath(transferId: string, name?: string): string {
  return name === undefined ? `/files/${transferId}` : `/files/${transferId}/${name}`;
}

async function download(
  tx: Queryable,
  deps: TransfersDeps,
  deviceId: string,
  { fileId, delaySeconds, windows, anyModel }: DownloadWish,
  by: By,
  options: TaskOptions = {},
): Promise<TransferResult> {
  const file = await fileOf(tx, fileId);
  if (file === undefined) return missing(fileId);
  const [device] = (await tx.query<{ productClass: string | null }>(modelOf(deviceId))).rows;
  const { productClass, name, fileType, size } = file;
  // A device whose model nobody knows yet is not told to take what may not be for it.
  if (productClass !== null && device?.productClass !== productClass && anyModel !== true && device !== undefined) {
    const message = `${name} is for model ${productClass}, the device is ${device.productClass ?? 'of a model not known yet'}`;
    return {
      ok: false,
      problem: { kind: 'other_model', message, remedy: 'choose another file, or say that any model will do' },
    };
  }
  const id = uuidv7(deps.clock);
  const what = { fileType, url: linkPath(id, name), fileSize: size, targetFileName: name };
  const request: TaskRequest =
    windows === undefined
      ? { kind: 'download', ...what, ...(delaySeconds !== undefined && { delaySeconds }) }
      : { kind: 'schedule-download', ...what, windows };
  return queue(tx, deps, { deviceId, id, ...ofFile(file) }, request, by, options);
}

async function upload(
  tx: Queryable,
  deps: TransfersDeps,
  deviceId: string,
  { fileType, delaySeconds }: UploadWish,
  by: By,
  options: TaskOptions = {},
): Promise<TransferResult> {
  const id = uuidv7(deps.clock);
  const request: TaskRequest = {
    kind: 'upload',
    fileType,
    url: linkPath(id),
    ...(delaySeconds !== undefined && { delaySeconds }),
  };
  const name = fileType.replaceAll(/[^\w.-]+/g, '-').slice(0, 100);
  return queue(tx, deps, { deviceId, id, direction: 'upload', name, fileType }, request, by, options);
}

/** The task and its link in one transaction: none is ever there without the other. */
async function queue(
  tx: Queryable,
  { clock, linkLife }: TransfersDeps,
  transfer: Omit<Parameters<typeof insertTransfer>[0], 'createdAt' | 'createdBy' | 'expiresAt' | 'taskId'>,
  request: TaskRequest,
  by: By,
  options: TaskOptions,
): Promise<TransferResult> {
  const at = clock.now();
  const added = await addTask(tx, { clock }, transfer.deviceId, request, by, options);
  if (!added.ok) return added;
  const { task, created } = added;
  if (!created) {
    const [before] = (await tx.query<Row>(transferOfTask(transfer.deviceId, task.id))).rows;
    return { ok: true, transferId: before?.id ?? transfer.id, task, created };
  }
  const later = Math.max(at.getTime(), (options.expiresAt ?? options.notBefore ?? at).getTime());
  const expiresAt = new Date(later + linkLife);
  await tx.query(insertTransfer({ ...transfer, taskId: task.id, createdAt: at, createdBy: by.actor.name, expiresAt }));
  return { ok: true, transferId: transfer.id, task, created };
}
