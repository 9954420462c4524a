import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import type { DevelopmentPki } from '../../src/simulator/development-pki.ts';

export interface Seen {
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly remotePort: number | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}

export interface FakeAcs {
  readonly url: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

/** A server that answers each request by script; `gate` may destroy a socket before HTTP sees it. */
export async function fakeAcs(
  pki: DevelopmentPki,
  answer: (seen: Seen, index: number) => Reply,
  gate: (socket: TLSSocket) => boolean = () => true,
  tls: TlsOptions = {},
  address = '127.0.0.1',
): Promise<FakeAcs> {
  const seen: Seen[] = [];
  const http = createHttpServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const raw = Buffer.concat(parts);
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString('utf8');
      const entry = { body, headers: request.headers, remotePort: request.socket.remotePort };
      seen.push(entry);
      const reply = answer(entry, seen.length - 1);
      if (reply !== silence) response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  const open = new Set<Socket>();
  const server = createServer(
    {
      cert: readFileSync(pki.server.ec.chain),
      key: readFileSync(pki.server.ec.key),
      ca: pki.anchors.flatMap(({ certificates }) => certificates).map((path) => readFileSync(path)),
      requestCert: true,
      rejectUnauthorized: false,
      sessionIdContext: 'fake',
      ...tls,
    },
    (socket) => {
      if (gate(socket)) http.emit('connection', socket);
      else socket.destroy();
    },
  );
  server.on('connection', (socket: Socket) => {
    open.add(socket.on('close', () => open.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    url: `https://${address}:${(server.address() as AddressInfo).port}/cwmp`,
    seen,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Says nothing at all. */
export const silence: Reply = { status: 0 };

/** The ID a device sent, as the ACS has to echo it. */
export const idOf = (body: string): string | undefined => /:ID [^>]*>([^<]+)</.exec(body)?.[1];

export function acsEnvelope(content: string, id?: string, namespace = 'urn:dslforum-org:cwmp-1-1', more = ''): Reply {
  const header = id === undefined ? '' : `<c:ID soap:mustUnderstand="1">${id}</c:ID>`;
  const body = `<?xml version="1.0"?>\n<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="${namespace}"><soap:Header>${header}${more}</soap:Header><soap:Body>${content}</soap:Body></soap:Envelope>`;
  return { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body };
}

export const informResponse = (body: string, namespace?: string, more?: string): Reply =>
  acsEnvelope('<c:InformResponse><MaxEnvelopes>1</MaxEnvelopes></c:InformResponse>', idOf(body), namespace, more);

export const noContent: Reply = { status: 204 };

/** Answers Inform, then says 204. */
export const idle = ({ body }: Seen): Reply => (body.includes(':Inform>') ? informResponse(body) : noContent);
