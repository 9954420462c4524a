import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { type EgressHeaders, type EgressRequest, type Failed, failed, type Validators } from './egress-request.ts';
import { CertificateNotTaken, judgedConnector } from './judged-tls.ts';
import type { ResolvedAddress } from './resolution.ts';
import type { Target } from './target.ts';

/** One request and its answer, on a connection of its own that is closed behind it. */
export type Exchanged =
  | {
      readonly kind: 'exchanged';
      readonly status: number;
      readonly headers: EgressHeaders;
      readonly location: string | undefined;
      readonly body: Uint8Array;
    }
  | Failed;

/** Octets of an answer's headers. */
const maxHeaderSize = 16 * 1024;
/** Where only the status is wanted. */
const maxStatusHeaderSize = 8 * 1024;

/** How a target is reached: at addresses that were judged, or by a proxy. */
export type Route =
  | { readonly kind: 'direct'; readonly addresses: readonly ResolvedAddress[] }
  | { readonly kind: 'proxy'; readonly proxy: string };

export async function exchange(
  target: Target,
  route: Route,
  request: EgressRequest,
  signal: AbortSignal,
): Promise<Exchanged> {
  const dispatcher = await open(target, route, request, signal);
  try {
    const response = await dispatcher.request({
      origin: target.url.origin,
      path: `${target.url.pathname}${target.url.search}`,
      method: request.method,
      headers: headersOf(request),
      body: request.body === undefined ? null : Buffer.from(request.body.bytes),
      signal,
    });
    return await receive(response, request);
  } catch (error) {
    return failureOf(error, signal, route);
  } finally {
    // Nothing of it is used again; what is still coming is not waited for.
    void dispatcher.destroy().catch(() => {});
  }
}

/** undici takes a tenth of a second to load: at the first call, not at every start of a command. */
async function open(
  target: Target,
  route: Route,
  { tls, statusOnly = false }: EgressRequest,
  signal: AbortSignal,
): Promise<Dispatcher> {
  const { Client, ProxyAgent } = await import('undici');
  const limits = { maxHeaderSize: statusOnly ? maxStatusHeaderSize : maxHeaderSize, pipelining: 1, connections: 1 };
  if (route.kind === 'proxy')
    return new ProxyAgent({ ...limits, uri: route.proxy, proxyTunnel: target.url.protocol === 'https:' });
  const lookup = lookupIn(route.addresses);
  const connect =
    tls !== undefined && target.url.protocol === 'https:' ? judgedConnector(tls, lookup, signal) : { lookup };
  return new Client(target.url.origin, { ...limits, connect });
}

/** Answers a connecting socket with what was resolved and judged before, whatever it asks for. */
function lookupIn(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses;
    if (options.all === true) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family ?? 4);
  };
}

function headersOf({ accept, authorization, body, validators }: EgressRequest): Record<string, string> {
  return {
    // Packed answers could unpack to anything: none is accepted.
    'accept-encoding': 'identity',
    'user-agent': 'hems',
    ...(accept === undefined ? {} : { accept }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(body === undefined ? {} : { 'content-type': body.type }),
    ...(isFieldValue(validators?.etag) ? { 'if-none-match': validators.etag } : {}),
    ...(isFieldValue(validators?.lastModified) ? { 'if-modified-since': validators.lastModified } : {}),
  };
}

/** What a server said once goes back to it only if it can be no second line. */
function isFieldValue(value: string | undefined, most = 256): value is string {
  return value !== undefined && value.length <= most && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value);
}

async function receive(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { maxBytes, statusOnly = false }: EgressRequest,
): Promise<Exchanged> {
  const location = single(headers.location);
  const told = { status: statusCode, headers: readHeaders(headers), location };
  if (statusOnly) {
    body.on('error', () => undefined).destroy();
    return { kind: 'exchanged', ...told, body: new Uint8Array() };
  }
  const encoding = single(headers['content-encoding']);
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    body.destroy();
    return failed('encoding', `the answer is packed (${encoding.slice(0, 40)})`);
  }
  const bytes = await collect(body, Number(single(headers['content-length']) ?? Number.NaN), maxBytes);
  if (bytes === undefined) {
    body.destroy();
    return failed('too-large', `the answer has more than ${maxBytes} bytes`);
  }
  return { kind: 'exchanged', ...told, body: bytes };
}

/**
 * The whole body, undefined if it is larger than allowed. Of an announced length it is kept once, not in pieces and then
 * whole: a CRL may have 40 MB.
 */
async function collect(
  body: AsyncIterable<Buffer>,
  announced: number,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (announced > maxBytes) return undefined;
  const room = Number.isInteger(announced) ? Buffer.allocUnsafeSlow(announced) : undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (size + chunk.length > Math.min(maxBytes, room?.length ?? maxBytes)) return undefined;
    if (room === undefined) chunks.push(chunk);
    else room.set(chunk, size);
    size += chunk.length;
  }
  return room === undefined ? Buffer.concat(chunks) : room.subarray(0, size);
}

type RawHeaders = Dispatcher.ResponseData['headers'];

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function readHeaders(headers: RawHeaders): EgressHeaders {
  const validators: Validators = {
    ...optionalField('etag', single(headers.etag)),
    ...optionalField('lastModified', single(headers['last-modified'])),
  };
  return {
    ...validators,
    ...optionalField('contentType', single(headers['content-type'])?.split(';')[0]?.trim().toLowerCase()),
    ...optionalField('cacheControl', single(headers['cache-control'])),
    ...optionalField('expires', single(headers.expires)),
    ...optionalField('authenticate', single(headers['www-authenticate']), 1024),
  };
}

function optionalField<Key extends string>(
  key: Key,
  value: string | undefined,
  most?: number,
): { readonly [K in Key]?: string } {
  return isFieldValue(value, most) ? ({ [key]: value } as { [K in Key]?: string }) : {};
}

function failureOf(error: unknown, signal: AbortSignal, route: Route): Failed {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  if (error instanceof CertificateNotTaken) return failed('certificate', message.slice(0, 300));
  if (signal.aborted || /TIMEOUT|TIMEDOUT/.test(code)) return failed('timeout', 'no whole answer in time');
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO)/.test(code)) return failed('tls', code);
  if (/HEADERS?_OVERFLOW/.test(code)) return failed('too-large', 'its headers are longer than is borne');
  if (route.kind === 'proxy' && /proxy/i.test(message)) return failed('proxy', message.slice(0, 120));
  if (/^E(CONN|HOST|NET|ADDR|NOT)/.test(code) && code !== 'ECONNRESET') return failed('connection', code);
  return failed('broken', code === '' ? message.slice(0, 120) : code);
}
