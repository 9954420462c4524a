import type { SlotConfig } from '../../config/schema.ts';
import type { Queryable } from '../../platform/postgres.ts';
import type { Content } from './content.ts';
import {
  adoptModelLink,
  isLinkOfAnother,
  type LinkRow,
  linkOfDevice,
  linkOfModel,
  type ModelLinkRow,
} from './door-queries.ts';

/** Why an admitted device does not get a file, or may not send one. */
export const fileRefusals = [
  'link_of_another_device',
  'link_of_another_model',
  'link_expired',
  /** The task that it was made for is over. */
  'link_over',
] as const;

export type FileRefusal = (typeof fileRefusals)[number];

/** What a device may do by the link that it called, judged anew at every request. */
export type Visit =
  | DownloadVisit
  | UploadVisit
  | { readonly kind: 'refused'; readonly detail: FileRefusal; readonly holder?: string }
  | { readonly kind: 'missing' };

export interface DownloadVisit {
  readonly kind: 'download';
  readonly deviceId: string;
  readonly linkId: string;
  readonly name: string;
  readonly content: Content;
}

export interface UploadVisit {
  readonly kind: 'upload';
  readonly deviceId: string;
  /** Exactly one of the two. */
  readonly linkId: string | null;
  readonly slot: string | null;
  readonly name: string;
  readonly fileType: string;
  /** Bytes of one file. */
  readonly most: number;
  /** Files of this slot. */
  readonly keep: number;
}

export interface VisitDeps {
  readonly db: Queryable;
  readonly slots: readonly SlotConfig[];
  readonly uploadBytes: number;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const open = ['queued', 'sent', 'in-progress', 'unknown-outcome'];

/** By (identity of the admission, link, time); the link itself is no secret and gives no right. */
export async function judgeVisit(
  { db, uploadBytes }: VisitDeps,
  deviceId: string,
  linkId: string,
  at: Date,
): Promise<Visit> {
  if (!uuid.test(linkId)) return { kind: 'missing' };
  const [own] = (await db.query<LinkRow>(linkOfDevice(deviceId, linkId))).rows;
  if (own !== undefined && own.taskId !== null) return ofTask(own, deviceId, linkId, uploadBytes, at);
  const [model] = (await db.query<ModelLinkRow>(linkOfModel(deviceId, linkId))).rows;
  if (model !== undefined) return ofModel(db, model, deviceId, linkId, at);
  if (own !== undefined) return own.expiresAt > at ? download(own, deviceId, linkId) : refused('link_expired');
  const [other] = (await db.query<{ deviceId: string }>(isLinkOfAnother(deviceId, linkId))).rows;
  if (other === undefined) return { kind: 'missing' };
  return { kind: 'refused', detail: 'link_of_another_device', holder: other.deviceId };
}

function refused(detail: FileRefusal): Visit {
  return { kind: 'refused', detail };
}

function ofTask(row: LinkRow, deviceId: string, linkId: string, uploadBytes: number, at: Date): Visit {
  if (row.taskState === null || !open.includes(row.taskState)) return refused('link_over');
  if (row.expiresAt <= at) return refused('link_expired');
  if (row.direction === 'download') return download(row, deviceId, linkId);
  const { name, fileType } = row;
  return { kind: 'upload', deviceId, linkId, slot: null, name, fileType, most: uploadBytes, keep: 1 };
}

function download(row: LinkRow, deviceId: string, linkId: string): Visit {
  const { contentId, store, size, sha256, name } = row;
  // The file was removed since.
  if (contentId === null || store === null || size === null || sha256 === null) return { kind: 'missing' };
  return { kind: 'download', deviceId, linkId, name, content: { id: contentId, store, size, sha256 } };
}

async function ofModel(db: Queryable, row: ModelLinkRow, deviceId: string, linkId: string, at: Date): Promise<Visit> {
  if (!row.fits) return refused('link_of_another_model');
  if (row.expiresAt <= at) return refused('link_expired');
  await db.query(adoptModelLink(deviceId, linkId, row, at));
  const { contentId: id, store, size, sha256, name } = row;
  return { kind: 'download', deviceId, linkId, name, content: { id, store, size, sha256 } };
}

/** A slot of the configuration is open to every device, for files of its own. */
export function slotVisit({ slots }: Pick<VisitDeps, 'slots'>, deviceId: string, slot: string, name: string): Visit {
  const found = slots.find((one) => one.name === slot);
  if (found === undefined) return { kind: 'missing' };
  const { fileType, bytes: most, keep } = found;
  return { kind: 'upload', deviceId, linkId: null, slot, name: name === '' ? slot : name, fileType, most, keep };
}
