import type { Socket } from 'node:net';

/** How long a refused client may take to hear that it is refused, and how much it may say meanwhile. */
const time = 1000;
const bytes = 65_536;

/**
 * Ends a connection so that the client can hear it: the last words (over TLS, close_notify) and FIN at once, and no
 * reset for what it still sends, which is thrown away unread.
 */
export function farewell(socket: Socket, lastWords?: Buffer): void {
  if (socket.destroyed) return;
  let heard = 0;
  const deadline = setTimeout(() => socket.destroy(), time);
  socket.once('close', () => clearTimeout(deadline));
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    if (heard > bytes) socket.destroy();
  });
  if (lastWords === undefined) socket.end();
  else socket.end(lastWords);
}
