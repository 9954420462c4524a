import type { Femtocell } from './femtocell.ts';
import { type HttpClosed, type HttpConnection, type HttpReply, httpConnection } from './http-client.ts';
import { type Draft, newDraft, type SessionOptions } from './session-report.ts';
import { type AcsEnvelope, readAcsEnvelope } from './soap-reader.ts';
import { openTls } from './tls-client.ts';

/** One session's connection (there may be several in turn), cookies, and what was seen. */
export interface Wire {
  readonly cell: Femtocell;
  readonly options: SessionOptions;
  url: URL;
  connection: HttpConnection | undefined;
  readonly cookies: Map<string, string>;
  readonly report: Draft;
}

/** `nothing`: the session cannot go on. */
export type Answer =
  | { readonly kind: 'envelope'; readonly envelope: AcsEnvelope }
  | { readonly kind: 'end' }
  | { readonly kind: 'nothing' };

export function newWire(cell: Femtocell, options: SessionOptions): Wire {
  const cookies = new Map<string, string>();
  for (const pair of options.cookie?.split(';') ?? []) storeCookie(cookies, pair);
  return { cell, options, url: new URL(cell.options.url), connection: undefined, cookies, report: newDraft() };
}

function storeCookie(cookies: Map<string, string>, header: string): void {
  const [pair = ''] = header.split(';');
  const equals = pair.indexOf('=');
  if (equals > 0) cookies.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
}

export function cookieHeader(wire: Wire): string | undefined {
  return wire.cookies.size === 0 ? undefined : [...wire.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** Sends one message (empty: an empty POST) and reads the answer, on a new connection if the last one is gone. */
export async function exchange(wire: Wire, message: string): Promise<Answer> {
  const reply = await send(wire, message);
  if (reply === undefined) return { kind: 'nothing' };
  wire.report.statuses.push(reply.status);
  wire.report.httpStatus = reply.status;
  for (const header of reply.headers.get('set-cookie') ?? []) storeCookie(wire.cookies, header);
  const cookie = cookieHeader(wire);
  if (cookie !== undefined) wire.report.cookie = cookie;
  checkReply(wire, reply);
  if (keepsOpen(wire, reply)) return readAnswer(wire, reply);
  await closeWire(wire);
  return readAnswer(wire, reply);
}

function keepsOpen(wire: Wire, reply: HttpReply): boolean {
  return wire.options.withoutKeepAlive !== true && !/close/i.test(reply.headers.get('connection')?.join() ?? '');
}

export async function closeWire(wire: Wire): Promise<void> {
  await wire.connection?.close();
  wire.connection = undefined;
}

async function send(wire: Wire, message: string): Promise<HttpReply | undefined> {
  // The session outlives its connection: a device goes on with its cookie on a new one (TR-069 3.4.2).
  const connection = wire.connection?.closed() === false ? wire.connection : await open(wire);
  if (connection === undefined) return undefined;
  const cookie = cookieHeader(wire);
  const { authorization, headers = [], chunked, expectContinue, gzip, withoutKeepAlive } = wire.options;
  const reply = await connection.post({
    path: wire.url.pathname + wire.url.search,
    host: wire.url.host,
    body: message,
    headers: [
      ['User-Agent', 'hems-femtocell'],
      // TR-069 3.4.1: SOAPAction is empty, and absent from an empty POST.
      ...(message === ''
        ? []
        : ([
            ['Content-Type', 'text/xml; charset=utf-8'],
            ['SOAPAction', ''],
          ] as const)),
      ...(cookie === undefined ? [] : [['Cookie', cookie] as const]),
      ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
      ...(withoutKeepAlive === true ? [['Connection', 'close'] as const] : []),
      ...headers,
    ],
    ...(chunked === true ? { chunked } : {}),
    ...(expectContinue === true && message !== '' ? { expectContinue } : {}),
    ...(gzip === true && message !== '' ? { gzip } : {}),
  });
  if (reply.kind === 'reply') return reply;
  noteClosed(wire, reply);
  return undefined;
}

function noteClosed({ report }: Wire, closed: HttpClosed): void {
  if (!closed.timedOut) report.closedBy = 'acs';
  if (closed.alert !== undefined) report.alert = closed.alert;
  report.error = closed.error ?? 'closed without a reply';
}

async function open(wire: Wire): Promise<HttpConnection | undefined> {
  const { cell, report, url } = wire;
  const { ca, credentials, tls = {}, resume = true, timeoutMs = 30_000 } = cell.options;
  const session = resume ? cell.tlsSession : undefined;
  const choices = { ...tls, timeoutMs, ...(session === undefined ? {} : { session }) };
  const opened = await openTls({ url, ca }, credentials, choices, (offered) => {
    cell.tlsSession = offered;
  });
  if (opened.localPort !== undefined) report.localPorts.push(opened.localPort);
  if (opened.kind === 'failed') {
    if (opened.localPort !== undefined) report.closedBy = opened.byDevice ? 'device' : 'acs';
    if (opened.alert !== undefined) report.alert = opened.alert;
    report.error = opened.error;
    return undefined;
  }
  report.closedBy = 'device';
  report.tlsVersion = opened.tlsVersion;
  report.cipherSuite = opened.cipherSuite;
  report.resumed = opened.resumed;
  wire.connection = httpConnection(opened.socket, timeoutMs);
  return wire.connection;
}

/** What no answer of an H(e)MS may do, whatever it says. */
function checkReply({ report }: Wire, reply: HttpReply): void {
  // TS 33.320 8.3.4: no authentication by shared secret, so nobody may ask for one.
  if (reply.status === 401 || reply.headers.has('www-authenticate'))
    report.violations.push(`asks for a shared secret (HTTP ${reply.status})`);
  if (reply.status === 204 && reply.headers.has('content-type'))
    report.violations.push('sends a 204 with a Content-Type');
  const type = reply.headers.get('content-type')?.[0] ?? '';
  if (reply.status === 200 && reply.body.length > 0 && !/^text\/xml\b/i.test(type))
    report.violations.push(`calls an envelope ${JSON.stringify(type)}`);
}

function readAnswer({ report }: Wire, reply: HttpReply): Answer {
  // TR-069 3.4.6: an empty answer is 204; an empty 200 is an old custom, and a violation.
  if (reply.status === 204) return { kind: 'end' };
  if (reply.status !== 200) return { kind: 'nothing' };
  if (reply.body.length === 0) {
    report.violations.push('ends with an empty 200');
    return { kind: 'end' };
  }
  const read = readAcsEnvelope(reply.body.toString('utf8'));
  if (!read.ok) {
    report.violations.push(`sends what cannot be read: ${read.error}`);
    return { kind: 'nothing' };
  }
  report.violations.push(...read.envelope.violations);
  if (read.envelope.body.kind === 'fault') report.faultCode = read.envelope.body.code;
  return { kind: 'envelope', envelope: read.envelope };
}
