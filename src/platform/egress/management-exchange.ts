import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Readable } from 'node:stream';

/** The management door of a hems, as a tool on another machine calls it. */
export interface ManagementTarget {
  /** Scheme, host and port. */
  readonly url: URL;
  /** API key or token. */
  readonly bearer?: string | undefined;
  /** PEM. */
  readonly certificate?: { readonly chain: string; readonly key: string } | undefined;
  /** PEM of the CA that the server's certificate comes from; absent: those that Node trusts. */
  readonly ca?: string | undefined;
}

export interface ManagementRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
  readonly signal?: AbortSignal;
}

export interface ManagementAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: Readable;
}

/** Milliseconds until the first octet of the answer; weighing a policy for a large fleet takes its time. */
const patience = 300_000;

/**
 * One exchange with the operator's own server, named on the command line: no list of hosts, no proxy, no redirect.
 * Rejects with what Node says of the network or of the server's certificate.
 */
export function askManagement(target: ManagementTarget, asked: ManagementRequest): Promise<ManagementAnswer> {
  const { url, bearer, certificate, ca } = target;
  const { method, path, headers, body, signal } = asked;
  const options: RequestOptions = {
    method,
    agent: false,
    headers: {
      ...headers,
      Accept: 'application/json, application/problem+json',
      ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }),
      ...(typeof body === 'string' && { 'Content-Length': String(Buffer.byteLength(body)) }),
    },
    timeout: patience,
    ...(signal !== undefined && { signal }),
  };
  const tls = {
    ...(certificate !== undefined && { cert: certificate.chain, key: certificate.key }),
    ...(ca !== undefined && { ca }),
    minVersion: 'TLSv1.2' as const,
  };
  return new Promise((resolve, reject) => {
    const on = (answer: IncomingMessage): void =>
      resolve({
        status: answer.statusCode ?? 0,
        header: (name) => {
          const value = answer.headers[name.toLowerCase()];
          return Array.isArray(value) ? value[0] : value;
        },
        body: answer,
      });
    const to = new URL(path, url);
    const sent = url.protocol === 'https:' ? tlsRequest(to, { ...options, ...tls }, on) : plainRequest(to, options, on);
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })));
    sent.on('error', reject);
    if (body === undefined || typeof body === 'string') sent.end(body);
    else {
      body.on('error', (error: Error) => sent.destroy(error));
      body.pipe(sent);
    }
  });
}
