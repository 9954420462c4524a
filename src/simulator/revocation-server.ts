import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRevocationAuthority, type RevocationAuthority } from './revocation-authority.ts';
import type { DevelopmentPki } from './development-pki.ts';
import { findAuthority } from './development-authorities.ts';
import { actUp, isTransport, type RevocationMisbehaviour } from './revocation-misbehaviour.ts';

/** CRLs and OCSP answers of the development PKI over HTTP on loopback, well-behaved until told otherwise. */
export interface RevocationServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly host: string;
  crlUrl(authority: string): string;
  ocspUrl(authority: string): string;
  authority(name: string): RevocationAuthority;
  /** From now on, towards everybody; undefined: behaves again. */
  misbehave(how: RevocationMisbehaviour | undefined): void;
  /** Requests so far, `GET /crl/acme-issuing.crl` and the like. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export interface RevocationServerOptions {
  readonly pki: Pick<DevelopmentPki, 'authorities'>;
  readonly now: () => Date;
  readonly port?: number;
  /** Awaited before each answer. */
  readonly before?: () => Promise<void>;
}

const mostRequest = 16 * 1024;

interface Office {
  readonly authorities: ReadonlyMap<string, RevocationAuthority>;
  readonly now: () => Date;
  readonly requests: string[];
  how: RevocationMisbehaviour | undefined;
}

export async function startRevocationServer(options: RevocationServerOptions): Promise<RevocationServer> {
  const { pki, now, port = 0 } = options;
  const made = await Promise.all(pki.authorities.map((authority) => createRevocationAuthority(authority, now())));
  const office: Office = {
    authorities: new Map(made.map((one) => [one.name, one])),
    now,
    requests: [],
    how: undefined,
  };
  const server = createServer((request, response) => {
    office.requests.push(`${request.method} ${request.url}`);
    const ready = options.before?.() ?? Promise.resolve();
    ready.then(() => serve(office, request, response)).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  // Rejects with what node:net says (EADDRINUSE, EACCES).
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`,
    host,
    crlUrl: (name) => `http://${host}/crl/${name}.crl`,
    ocspUrl: (name) => `http://${host}/ocsp/${name}`,
    authority: (name) => office.authorities.get(name) ?? unknownAuthority(pki, name),
    misbehave: (how) => {
      office.how = how;
    },
    requests: office.requests,
    close: () => stop(server),
  };
}

function unknownAuthority(pki: RevocationServerOptions['pki'], name: string): never {
  throw new Error(`no revocation authority for ${findAuthority(pki.authorities, name).name}`);
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

async function serve(office: Office, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { how, now } = office;
  const [, kind, name = '', inPath] = /^\/(crl|ocsp)\/([a-z0-9-]+)(?:\.crl)?(?:\/(.*))?$/.exec(request.url ?? '') ?? [];
  const authority = office.authorities.get(name);
  if (isTransport(how)) return actUp(how, response);
  if (authority === undefined) return void response.writeHead(404).end();
  if (kind === 'crl') return send(response, 'application/pkix-crl', await authority.crl(now(), crlDeviation(how)));
  const asked =
    inPath === undefined || inPath === '' ? await bodyOf(request) : Buffer.from(decodeURIComponent(inPath), 'base64');
  const deviation = how === undefined || isTransport(how) ? undefined : how;
  send(response, 'application/ocsp-response', await authority.answer(asked, now(), deviation));
}

function crlDeviation(how: RevocationMisbehaviour | undefined): 'stale' | 'forged' | undefined {
  return how === 'stale' || how === 'forged' ? how : undefined;
}

function send(response: ServerResponse, type: string, der: Uint8Array): void {
  response.writeHead(200, { 'content-type': type, 'content-length': der.length });
  response.end(der);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > mostRequest) throw new Error('a request of this size asks about more than one certificate');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
