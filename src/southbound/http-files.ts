import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FileDoor } from '../fleet/files/file-door.ts';
import type { Visit } from '../fleet/files/file-visit.ts';
import { DatabaseError } from '../platform/database-error.ts';
import type { FileMetrics } from './file-metrics.ts';
import { sendFile } from './file-download.ts';
import { takeFile } from './file-upload.ts';
import { authorizationPasses, type Hall, pathOf, refuse } from './http-cwmp.ts';
import type { DoorConnection } from './session-runner.ts';

/** Where files are fetched and sent. */
export const filesPath = '/files/';

export interface FileHall extends Hall {
  readonly files: FileDoor | undefined;
  readonly fileMetrics: FileMetrics;
}

const directions = { GET: 'download', HEAD: 'download', PUT: 'upload', POST: 'upload' } as const;
type Method = keyof typeof directions;

/** A request at the file door. Never throws. */
export async function serveFiles(hall: FileHall, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const connection = hall.connections.get(request.socket);
  // Cannot be: only sockets with an admission are emitted into this server. If it is, nothing is read.
  if (connection === undefined) return refuse(hall, response, 403);
  if (!authorizationPasses(hall, request)) return refuse(hall, response, 403);
  const { files, fileMetrics } = hall;
  const method = request.method ?? '';
  if (files === undefined) return refuse(hall, response, 404);
  if (!Object.hasOwn(directions, method)) return refuse(hall, response, 405);
  const direction = directions[method as Method];
  // One file at a time on a connection, so many of a device, and so many at a node: whoever comes on top comes again.
  const leave = connection.transferring === true ? undefined : files.enter(connection.admission.deviceId);
  if (leave === undefined) {
    fileMetrics.outcome(direction, 'turned_away');
    return comeAgain(hall, response);
  }
  connection.transferring = true;
  connection.busy = true;
  fileMetrics.began(direction);
  try {
    await serve(hall, files, connection, request, response);
  } catch (error) {
    hall.logger.error({ err: error, admission: connection.admission.id }, 'a request for a file failed');
    if (error instanceof DatabaseError) comeAgain(hall, response);
    else refuse(hall, response, 500);
  } finally {
    connection.transferring = false;
    connection.busy = connection.waiting > 0;
    fileMetrics.ended(direction);
    leave();
  }
}

function comeAgain(hall: Hall, response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Retry-After', 30 + Math.floor(Math.random() * 60));
  refuse(hall, response, 503);
}

async function serve(
  hall: FileHall,
  files: FileDoor,
  connection: DoorConnection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { admission } = connection;
  const direction = directions[request.method as Method];
  const visit = await visited(files, admission, pathOf(request));
  switch (visit.kind) {
    case 'missing':
      hall.fileMetrics.outcome(direction, 'refused');
      return turnAway(hall, request, response, 404);
    case 'refused':
      // TS 33.320 8.3.4: the certificate says who it is, and only whom the file is for gets it.
      hall.gate.refuseSession(admission, 'file_refused', visit.detail);
      hall.fileMetrics.outcome(direction, 'refused');
      return turnAway(hall, request, response, 403);
    case 'download':
      if (direction !== 'download') return turnAway(hall, request, response, 405);
      return hall.metrics.request(await sendFile({ ...hall, files }, visit, request, response));
    case 'upload': {
      if (direction !== 'upload') return turnAway(hall, request, response, 405);
      const begin = (): void => {
        if (hall.expecting.delete(request)) response.writeContinue();
      };
      const taken = await takeFile({ ...hall, files, begin }, visit, admission, request);
      if (taken.status === 'gone') return void response.destroy();
      if (taken.status !== 201) return turnAway(hall, request, response, taken.status);
      hall.metrics.request(201);
      const headers = { ETag: `"${taken.sha256}"`, 'Content-Length': 0, ...(hall.closing && { Connection: 'close' }) };
      response.writeHead(201, headers).end();
    }
  }
}

/** `/files/<link>[/name]`, or `/files/slots/<slot>[/name]`; the name of a link is for people alone. */
async function visited(files: FileDoor, visitor: DoorConnection['admission'], path: string): Promise<Visit> {
  const [link = '', ...rest] = path.slice(filesPath.length).split('/');
  if (link !== 'slots') return files.visit(visitor, link);
  const [slot = '', ...name] = rest;
  return files.slot(visitor, slot, decoded(name.join('/')));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How long, and for how many bytes, a refused client may go on sending until it has read that it is refused. */
const hearing = { time: 1000, bytes: 1024 * 1024 };

/** A client that is still sending must be able to read the answer: what it says meanwhile is thrown away. */
function turnAway(hall: Hall, request: IncomingMessage, response: ServerResponse, status: number): void {
  if (request.complete || response.headersSent || hall.expecting.has(request)) {
    refuse(hall, response, status);
    return;
  }
  hall.metrics.request(status);
  response.writeHead(status, { Connection: 'close', 'Content-Length': 0 });
  response.flushHeaders();
  let heard = 0;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, hearing.time);
  request.on('data', (piece: Buffer) => {
    heard += piece.length;
    if (heard > hearing.bytes) end();
  });
  for (const event of ['end', 'close', 'error']) request.once(event, end);
  request.resume();
}
