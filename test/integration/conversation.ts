/** One device's side of a CWMP session, message by message. */
import assert from 'node:assert/strict';
import type { TLSSocket } from 'node:tls';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { type HttpClosed, type HttpReply, httpConnection } from '../../src/simulator/http-client.ts';
import { envelopeXml, informXml, type TransferComplete, transferCompleteXml } from '../../src/simulator/soap-writer.ts';
import { openTlsSocket, wire } from './clients.ts';
import type { Stage } from './stage.ts';

export interface Conversation {
  readonly socket: TLSSocket;
  readonly localPort: number;
  /** Empty for an empty POST. The session cookie goes along once there is one. */
  post(body: string, headers?: readonly (readonly [string, string])[]): Promise<HttpReply | HttpClosed>;
  inform(): Promise<HttpReply | HttpClosed>;
  /** True once the server has hung up. */
  closed(): boolean;
  hangUp(): void;
}

export const informOf = ({ options: { deviceId } }: Femtocell): string => {
  const events = [{ eventCode: '2 PERIODIC', commandKey: '' }];
  const body = informXml({ deviceId, events, currentTime: '0001-01-01T00:00:00Z', retryCount: 0, parameterList: [] });
  return envelopeXml({ version: '1.2', body, id: '1', isInform: true });
};

export const transferOf = (said: Partial<TransferComplete> = {}): string => {
  const times = { startTime: '2026-05-04T08:00:00Z', completeTime: '2026-05-04T08:01:00Z' };
  const body = transferCompleteXml({ commandKey: 'task 9', faultCode: 0, faultString: '', ...times, ...said });
  return envelopeXml({ version: '1.2', body, id: '2' });
};

export async function openConversation(stage: Stage, cell: Femtocell, door = 'main'): Promise<Conversation> {
  const socket = await openTlsSocket(wire(stage, cell, door));
  const localPort = socket.localPort ?? 0;
  const connection = httpConnection(socket, 20_000);
  let cookie: string | undefined;
  const post: Conversation['post'] = async (body, headers = []) => {
    const own = body === '' ? [] : [['Content-Type', 'text/xml'] as const, ['SOAPAction', ''] as const];
    const back = cookie === undefined ? [] : [['Cookie', cookie] as const];
    const reply = await connection.post({
      path: '/cwmp',
      host: 'localhost',
      headers: [...own, ...back, ...headers],
      body,
    });
    if (reply.kind === 'reply') cookie = reply.headers.get('set-cookie')?.[0]?.split(';')[0] ?? cookie;
    return reply;
  };
  return {
    socket,
    localPort,
    post,
    inform: () => post(informOf(cell)),
    closed: connection.closed,
    hangUp: () => void socket.destroy(),
  };
}

/** A reply of this status, with a body that matches. */
export function assertReply(reply: HttpReply | HttpClosed, status: number, body = /^/): HttpReply {
  assert.equal(reply.kind, 'reply', JSON.stringify(reply));
  const { status: seen, body: bytes } = reply as HttpReply;
  assert.equal(seen, status, bytes.toString());
  assert.match(bytes.toString(), body);
  return reply as HttpReply;
}
