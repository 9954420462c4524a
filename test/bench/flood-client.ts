/**
 * Full TLS handshakes without a client certificate at a steady rate, each refused. Started as a process of its own:
 * `node flood-client.ts PORT CA PER_MINUTE`; says "started", and its figures as JSON when it is told to stop.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';

const [port = '', ca = '', perMinute = ''] = process.argv.slice(2);
const options = {
  host: '127.0.0.1',
  port: Number(port),
  servername: 'localhost',
  ca: readFileSync(ca),
  maxVersion: 'TLSv1.2' as const,
};
const interval = 60_000 / Number(perMinute);
const started = performance.now();
let sent = 0;
let closed = 0;
let stopping = false;

function tick(): void {
  for (; !stopping && sent < (performance.now() - started) / interval && sent - closed < 200; sent += 1) {
    const socket = connect(options);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      closed += 1;
    });
  }
  if (!stopping) setTimeout(tick, 5);
}

process.on('SIGTERM', () => {
  stopping = true;
  const minutes = (performance.now() - started) / 60_000;
  process.stdout.write(`${JSON.stringify({ count: closed, perMinute: closed / minutes })}\n`, () => process.exit(0));
});
process.stdout.write('started\n');
tick();
