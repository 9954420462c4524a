import { z } from 'zod';
import type { FileProblem, StoredFile } from '../../fleet/files/files.ts';
import { linkPath } from '../../fleet/files/device-transfers.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { hexFingerprint, instantQuery, line, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'files';
/** Of a body; the configuration (files.fileBytes) says less, and is held to as the bytes come. */
const longest = 1024 ** 4;
const path = '/api/v1/files';
const fileParams = z.strictObject({ fileId: uuid });

const fileSchema = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  fileType: z.string().describe('As TR-069 has it: `1 Firmware Upgrade Image`.'),
  productClass: z.string().nullable().describe('Of the devices it is for; null: any.'),
  version: z.string().nullable(),
  size: z.int(),
  sha256: z.string(),
  note: z.string().nullable(),
  addedAt: time,
  addedBy: z.string(),
});

const holdSchema = z.strictObject({
  kind: z.enum(['transfer', 'link']),
  id: z.uuid(),
  deviceId: z.uuid().nullable(),
  taskId: z.uuid().nullable(),
  expiresAt: time,
});

const linkSchema = z.strictObject({
  id: z.uuid(),
  fileId: z.uuid(),
  productClass: z.string().nullable(),
  deviceId: z.uuid().nullable().optional(),
  expiresAt: time,
  createdAt: time,
});

export function fileOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [
    listFiles(deps),
    addFile(deps),
    getFile(deps),
    getFileContent(deps),
    removeFile(deps),
    linkFile(deps),
    unlinkFile(deps),
  ];
}

function view({ contentId: _, store: __, ...file }: StoredFile): object {
  return file;
}

const statuses: Readonly<Record<FileProblem['kind'], number>> = {
  invalid: 422,
  checksum: 422,
  too_large: 413,
  name_taken: 409,
  in_use: 409,
  file_missing: 404,
  link_missing: 404,
};

function refused({ kind, message }: FileProblem): Answer {
  return refuse(statuses[kind], { code: kind, detail: message });
}

/** The name of one file may be the id of another. */
async function byId(files: ApiDeps['files'], fileId: string): Promise<StoredFile | undefined> {
  return (await files.find(fileId)).find(({ id }) => id === fileId);
}

const missing = (): Answer => refuse(404, { code: 'file_missing', detail: 'there is no such file' });

function listFiles({ files }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listFiles', method: 'GET', path, tag },
    summary: 'The files that devices may be told to fetch, by name',
    permission: 'files:read',
    reach: 'installation',
    query: z.strictObject({ limit: limitQuery, cursor: cursorQuery(line(100)) }),
    answers: { 200: { description: 'A page of files.', schema: pageSchema(fileSchema) } },
    handle: async ({ query: { limit, cursor } }) => {
      const found = await files.list({ after: cursor?.[0], limit: limit + 1 });
      const items = found.slice(0, limit);
      const last = found.length > limit ? items.at(-1) : undefined;
      return { status: 200, body: { items: items.map(view), ...(last && { next: cursorOf(last.name) }) } };
    },
  });
}

function addFile({ files }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'addFile', method: 'POST', path, tag },
    summary: 'Keeps a file; the body is its content',
    permission: 'files:write',
    reach: 'installation',
    query: z.strictObject({
      name: line(100),
      fileType: line(64),
      productClass: line(64).optional(),
      version: line(64).optional(),
      sha256: hexFingerprint.optional().describe('Refuse it unless this is its hash.'),
      note: line(2000).optional(),
      reason: reasonBody.optional(),
    }),
    uploads: ['application/octet-stream'],
    bodyLimit: longest,
    answers: { 201: { description: 'It is kept.', schema: fileSchema, headers: { Location: 'Of the file.' } } },
    problems: [409, 413, 415, 422],
    handle: async ({ query: { reason, ...description }, upload, by }) => {
      if (upload === undefined) return refuse(415, { detail: 'send the file as application/octet-stream' });
      const added = await files.add(description, upload.bytes, { ...by, ...(reason !== undefined && { reason }) });
      if (!added.ok) return refused(added.problem);
      return { status: 201, body: view(added.file), headers: { Location: `${path}/${added.file.id}` } };
    },
  });
}

function getFile({ files }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getFile', method: 'GET', path: `${path}/{fileId}`, tag, params: fileParams },
    summary: 'One file, and what holds it',
    permission: 'files:read',
    reach: 'installation',
    answers: {
      200: {
        description: 'The file.',
        schema: z.strictObject({ ...fileSchema.shape, holds: z.array(holdSchema), links: z.array(linkSchema) }),
      },
    },
    problems: [404],
    handle: async ({ params: { fileId } }) => {
      const file = await byId(files, fileId);
      return file === undefined
        ? missing()
        : {
            status: 200,
            body: { ...view(file), holds: await files.holds(fileId), links: await files.links(fileId) },
          };
    },
  });
}

function getFileContent({ files }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getFileContent', method: 'GET', path: `${path}/{fileId}/content`, tag, params: fileParams },
    summary: 'The bytes of a file',
    permission: 'files:read',
    reach: 'installation',
    answers: { 200: { description: 'The content.', media: ['application/octet-stream'] } },
    problems: [404],
    handle: async ({ params: { fileId } }) => {
      const file = await byId(files, fileId);
      if (file === undefined) return missing();
      return bytesAnswer(files.read(file), file);
    },
  });
}

/** A file as it is, with its length and its hash. */
export function bytesAnswer(
  stream: AsyncIterable<Buffer>,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
): Answer {
  const headers = { ETag: `"${sha256}"`, 'Content-Length': String(size), 'Content-Disposition': 'attachment' };
  return { status: 200, type: 'application/octet-stream', stream, headers };
}

function removeFile({ files }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'removeFile', method: 'DELETE', path: `${path}/{fileId}`, tag, params: fileParams },
    summary: 'Removes a file that no open task and no link names',
    permission: 'files:write',
    reach: 'installation',
    answers: { 204: { description: 'It is removed.' } },
    problems: [404, 409],
    handle: async ({ params: { fileId }, by }) => {
      const removed = await files.remove(fileId, by);
      return removed.ok ? { status: 204 } : refused(removed.problem);
    },
  });
}

function linkFile({ files, transfers, clock, linkLife }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'linkFile', method: 'POST', path: `${path}/{fileId}/links`, tag, params: fileParams },
    summary: 'A link for one device, or for all of a model, until it expires',
    description:
      'Give `deviceId` or `productClass`. The link is no secret: it opens to those devices alone, by certificate.',
    permission: 'files:write',
    reach: 'installation',
    body: z.strictObject({
      deviceId: uuid.optional(),
      productClass: line(64).optional(),
      expiresAt: instantQuery.optional(),
      reason: reasonBody.optional(),
    }),
    example: { productClass: 'FAP' },
    answers: {
      201: {
        description: 'It is in force.',
        schema: z.strictObject({
          id: z.uuid(),
          path: z.string().describe('Below the URL that devices call.'),
          expiresAt: time,
        }),
      },
    },
    problems: [404, 422],
    handle: async ({ params: { fileId }, body, by }) => {
      const { deviceId, productClass, reason } = body;
      if ((deviceId === undefined) === (productClass === undefined))
        return refuse(422, { in: 'body', field: 'deviceId', detail: 'give deviceId or productClass' });
      const expiresAt = body.expiresAt ?? new Date(clock.now().getTime() + linkLife);
      const whose = { ...by, ...(reason !== undefined && { reason }) };
      const made =
        deviceId === undefined
          ? await files.linkModel(fileId, productClass ?? '', expiresAt, whose)
          : await transfers.link(deviceId, fileId, expiresAt, whose);
      if (!made.ok) return refuse(404, { code: made.problem.kind, detail: made.problem.message });
      const id = 'link' in made ? made.link.id : made.transferId;
      return { status: 201, body: { id, path: linkPath(id), expiresAt } };
    },
  });
}

function unlinkFile({ files }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'unlinkFile', method: 'DELETE', path: '/api/v1/file-links/{linkId}', tag },
    params: z.strictObject({ linkId: uuid }),
    summary: 'Ends a link before its time',
    permission: 'files:write',
    reach: 'installation',
    answers: { 204: { description: 'It opens nothing any more.' } },
    problems: [404],
    handle: async ({ params: { linkId }, by }) => {
      const ended = await files.unlink(linkId, by);
      return ended.ok ? { status: 204 } : refused(ended.problem);
    },
  });
}
