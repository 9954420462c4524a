import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { LimitsConfig } from '../config/schema.ts';
import type { Gate } from '../trust/admission.ts';
import type { DoorMetrics } from './door-metrics.ts';
import { readBody } from './http-body.ts';
import type { CwmpAnswer } from './session-conversation.ts';
import type { DoorConnection, SessionRunner } from './session-runner.ts';
import type { DoorDetail } from './tls-failure.ts';

/** Where devices call. */
export const cwmpPath = '/cwmp';

const cookieName = 'hems';

/** What all connections of a door share. */
export interface Hall {
  readonly limits: Pick<LimitsConfig, 'bodyTime' | 'requestBytes'>;
  readonly gate: Gate;
  readonly runner: SessionRunner;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
  readonly connections: Map<Socket, DoorConnection>;
  /** Requests that wait for 100 Continue, until their body is wanted. */
  readonly expecting: WeakSet<IncomingMessage>;
  closing: boolean;
}

/** RFC 9112 3.2.2: a client may write the whole URL, as to a proxy; whose it says it is does not matter. */
export function pathOf(request: IncomingMessage): string {
  const path = request.url?.split('?', 1)[0] ?? '';
  return path.startsWith('/') ? path : path.replace(/^https?:\/\/[^/]*/i, '');
}

/** A POST to the CWMP path, which is nearly all that comes: it needs no router. Never throws. */
export async function cwmp(hall: Hall, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const connection = hall.connections.get(request.socket);
  // Cannot be: only sockets with an admission are emitted into this server. If it is, nothing is read.
  if (connection === undefined) return refuse(hall, response, 403);
  if (!authorizationPasses(hall, request)) return refuse(hall, response, 403);
  connection.busy = true;
  try {
    await serve(hall, connection, request, response);
  } catch (error) {
    hall.logger.error({ err: error }, 'a request failed');
    refuse(hall, response, 500);
  } finally {
    connection.busy = connection.waiting > 0;
  }
}

async function serve(
  hall: Hall,
  connection: DoorConnection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers } = request;
  const cookie = cookieOf(headers.cookie);
  const most = await hall.runner.bodyLimit(connection, cookie, mayBeLong(hall, headers));
  const limit = { most, time: hall.limits.bodyTime };
  const read = await readBody(request, limit, () => {
    if (hall.expecting.has(request)) response.writeContinue();
  });
  if (read.ok) {
    const charset = charsetOf(headers['content-type']);
    answer(hall, response, await hall.runner.post(connection, { cookie, body: read.body, charset }));
  } else if (read.status !== 'gone') refuse(hall, response, read.status);
}

/** Longer than a message that nobody asked for; of chunks and of what is packed nobody knows beforehand. */
function mayBeLong({ limits }: Hall, headers: IncomingMessage['headers']): boolean {
  const length = headers['content-length'];
  return length === undefined || headers['content-encoding'] !== undefined || Number(length) > limits.requestBytes;
}

function answer(hall: Hall, response: ServerResponse, { status, xml, cookie, close, retryAfter }: CwmpAnswer): void {
  hall.metrics.request(status);
  const headers: Record<string, string | number> = {};
  if (cookie !== undefined) headers['Set-Cookie'] = `${cookieName}=${cookie}; Path=/; Secure; HttpOnly`;
  if (retryAfter !== undefined) headers['Retry-After'] = retryAfter;
  if (close === true || hall.closing) headers.Connection = 'close';
  if (xml !== undefined) headers['Content-Type'] = 'text/xml; charset=utf-8';
  // TR-069 3.4: some CPEs cannot read chunks. RFC 9110 8.6: a 204 has no length.
  if (status !== 204) headers['Content-Length'] = xml === undefined ? 0 : Buffer.byteLength(xml);
  response.writeHead(status, headers);
  response.end(xml);
}

/** No body, no reason, and never a challenge: TS 33.320 8.3.4 knows no other authentication than the certificate. */
export function refuse({ metrics }: Pick<Hall, 'metrics'>, response: ServerResponse, status: number): void {
  metrics.request(status);
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { Connection: 'close', 'Content-Length': 0 }).end();
}

/** What an admitted client sends in Authorization is neither checked nor kept: only that it sent some. */
export function authorizationPasses(
  { connections, gate, metrics }: Hall,
  { headers, socket }: IncomingMessage,
): boolean {
  if (headers.authorization === undefined) return true;
  const connection = connections.get(socket);
  const detail = schemeOf(headers.authorization);
  delete headers.authorization;
  if (connection?.admission.sharedSecret === 'ignore') {
    metrics.sharedSecretIgnored();
    return true;
  }
  // TS 33.320 8.3.4: shared-secret-based authentication between H(e)NB and H(e)MS shall not be used.
  if (connection !== undefined) gate.refuseSession(connection.admission, 'shared_secret_attempt', detail);
  return false;
}

function schemeOf(header: string): DoorDetail {
  const scheme = /^\s*([a-z]+)/i.exec(header)?.[1]?.toLowerCase();
  if (scheme === 'basic') return 'authorization_basic';
  return scheme === 'digest' ? 'authorization_digest' : 'authorization_other';
}

/** The charset parameter of Content-Type, without quotes. */
function charsetOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined) return undefined;
  return /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType)?.[1];
}

/** RFC 6265, and the quotes of RFC 2965 that older CPEs still write. */
function cookieOf(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /(?:^|[;,]\s*)hems="?([\w-]{1,64})/.exec(header)?.[1];
}
