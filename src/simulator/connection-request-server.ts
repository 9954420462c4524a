import { randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { runSession } from './cwmp-session.ts';
import { digestResponse, readDigest } from './digest-check.ts';
import type { Femtocell } from './femtocell.ts';
import { setParameter } from './parameter-tree.ts';
import type { SessionReport } from './session-report.ts';

export interface ConnectionRequestOptions {
  /** https: with the device's own certificate, and only for the H(e)MS's. */
  readonly form: 'http' | 'https';
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** Told of every session that a request led to. */
  readonly onSession?: (report: SessionReport) => void;
}

export interface ConnectionRequestServer {
  /** What the device tells as its ConnectionRequestURL. */
  readonly url: string;
  /** Status of every answer so far. */
  readonly answers: readonly number[];
  close(): Promise<void>;
}

/**
 * The device's side of a connection request (TR-069 3.2.2): GET on a path that cannot be guessed, 200, and a session with
 * 6 CONNECTION REQUEST at once. It asks for digest once the ACS has set credentials.
 */
export async function listenForConnectionRequests(
  cell: Femtocell,
  options: ConnectionRequestOptions,
): Promise<ConnectionRequestServer> {
  const path = `/${randomBytes(8).toString('hex')}`;
  const answers: number[] = [];
  const nonces = new Set<string>();
  const sessions = new Set<Promise<void>>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const status = judge(cell, request, { path, nonces, form: options.form });
    answers.push(status);
    response.writeHead(status, status === 401 ? { 'WWW-Authenticate': challenge(nonces) } : {}).end();
    if (status !== 200) return;
    cell.state.pendingEvents.push({ eventCode: '6 CONNECTION REQUEST', commandKey: '' });
    const session = runSession(cell)
      .then((report) => options.onSession?.(report))
      .finally(() => sessions.delete(session));
    sessions.add(session);
  };
  const server = serverOf(cell, options.form, answer);
  server.listen(0, options.address ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `${options.form}://${options.address ?? '127.0.0.1'}:${port}${path}`;
  cell.connectionRequestUrl = url;
  setParameter(cell.state.tree, urlParameter, url);
  return {
    url,
    answers,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await Promise.all(sessions);
    },
  };
}

const object = 'Device.ManagementServer.ConnectionRequest';
const urlParameter = `${object}URL`;

function serverOf(
  cell: Femtocell,
  form: 'http' | 'https',
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (form === 'http') return createServer(answer);
  const { chain = '', key = '' } = cell.options.credentials ?? {};
  return createHttpsServer({ cert: chain, key, requestCert: true, rejectUnauthorized: false }, answer);
}

interface Desk {
  readonly path: string;
  readonly nonces: Set<string>;
  readonly form: 'http' | 'https';
}

function judge(cell: Femtocell, request: IncomingMessage, { path, nonces, form }: Desk): number {
  if (form === 'https' && !isFromAcs(cell, request.socket as TLSSocket)) return 403;
  if (request.method !== 'GET' || request.url !== path) return 404;
  const read = (name: string): string => cell.state.tree.get(`${object}${name}`)?.value ?? '';
  const [username, password] = [read('Username'), read('Password')];
  if (username !== '' && !isKnown(request, username, password, nonces)) return 401;
  return cell.inSession ? 503 : 200;
}

/** The certificate of the H(e)MS, by the CA by which the device trusts it. */
function isFromAcs({ options }: Femtocell, socket: TLSSocket): boolean {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return false;
  const ca = new X509Certificate(options.ca);
  const now = Date.now();
  return (
    shown.checkIssued(ca) &&
    shown.verify(ca.publicKey) &&
    shown.validFromDate.getTime() <= now &&
    shown.validToDate.getTime() > now
  );
}

function challenge(nonces: Set<string>): string {
  const nonce = randomBytes(16).toString('hex');
  nonces.add(nonce);
  return `Digest realm="femtocell", nonce="${nonce}", qop="auth", algorithm=MD5`;
}

/** Each nonce is good for one answer. */
function isKnown({ headers }: IncomingMessage, username: string, password: string, nonces: Set<string>): boolean {
  const said = readDigest(headers.authorization);
  if (said === undefined || said.username !== username || !nonces.delete(said.nonce)) return false;
  const expected = Buffer.from(digestResponse(said, password));
  const got = Buffer.from(said.response);
  return expected.length === got.length && timingSafeEqual(expected, got);
}
