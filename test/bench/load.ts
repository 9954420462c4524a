import { connect, type TLSSocket } from 'node:tls';

export interface Cell {
  readonly cert: string;
  readonly key: string;
  readonly inform: string;
  session?: Buffer;
}

export interface LoadOptions {
  readonly port: number;
  readonly ca: string;
  readonly tlsVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly resume: boolean;
  readonly sessions: number;
  readonly concurrency: number;
}

export interface LoadResult {
  readonly sessions: number;
  readonly resumed: number;
  /** Milliseconds, one a session, from connect to the 204. */
  readonly durations: readonly number[];
}

interface Reply {
  readonly status: number;
  readonly cookie: string | undefined;
}

/** Reads one HTTP reply with a Content-Length (or none at all for a 204). */
function readReply(socket: TLSSocket): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let text = '';
    const stop = (): void => {
      socket.off('data', onData);
      socket.off('error', onEnd);
      socket.off('close', onEnd);
    };
    const onEnd = (error?: unknown): void => {
      stop();
      reject(error instanceof Error ? error : new Error(`closed after ${text.length} bytes`));
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      stop();
      const cookie = /\r\nset-cookie: *([^;\r]+)/i.exec(head)?.[1];
      resolve({ status: Number(head.slice(9, 12)), cookie });
    };
    socket.on('data', onData);
    socket.on('error', onEnd);
    socket.on('close', onEnd);
  });
}

function post(path: string, body: string, cookie: string | undefined): string {
  const headers = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(body === '' ? [] : ['Content-Type: text/xml; charset=utf-8', 'SOAPAction: ""']),
    ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
  ];
  return `${headers.join('\r\n')}\r\n\r\n${body}`;
}

function open(cell: Cell, options: LoadOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: options.port,
      servername: 'localhost',
      ca: options.ca,
      cert: cell.cert,
      key: cell.key,
      minVersion: options.tlsVersion,
      maxVersion: options.tlsVersion,
      ...(options.resume && cell.session !== undefined ? { session: cell.session } : {}),
    });
    socket.on('session', (session: Buffer) => {
      cell.session = session;
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** TCP, TLS, Inform, 204, close: the idle session. */
async function idleSession(cell: Cell, options: LoadOptions): Promise<{ resumed: boolean; ms: number }> {
  const start = performance.now();
  const socket = await open(cell, options);
  socket.write(post('/cwmp', cell.inform, undefined));
  const first = await readReply(socket);
  if (first.status !== 200) throw new Error(`Inform was answered ${first.status}`);
  socket.write(post('/cwmp', '', first.cookie));
  const second = await readReply(socket);
  if (second.status !== 204) throw new Error(`the empty POST was answered ${second.status}`);
  const resumed = socket.isSessionReused();
  const ms = performance.now() - start;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.on('error', () => undefined);
    socket.end();
  });
  return { resumed, ms };
}

/** Runs `sessions` sessions of the given cells in turn, `concurrency` at a time; the first failure ends it. */
export async function runLoad(cells: readonly Cell[], options: LoadOptions): Promise<LoadResult> {
  const durations: number[] = [];
  let next = 0;
  let resumed = 0;
  const worker = async (offset: number): Promise<void> => {
    // Each worker has cells of its own, so that no device has two sessions at once.
    const mine = cells.filter((_, i) => i % options.concurrency === offset);
    for (let i = 0; next < options.sessions; i += 1) {
      next += 1;
      const cell = mine[i % mine.length];
      if (cell === undefined) return;
      const result = await idleSession(cell, options);
      durations.push(result.ms);
      if (result.resumed) resumed += 1;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, (_, i) => worker(i)));
  return { sessions: durations.length, resumed, durations };
}
