/** Devices that fetch one file at once, in a process of their own: `file-clients.ts ORDERS.json`. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';

export interface FetchOrders {
  readonly port: number;
  readonly ca: string;
  readonly size: number;
  readonly devices: readonly { readonly cert: string; readonly key: string; readonly path: string }[];
}

export interface Fetches {
  /** Milliseconds of each, from the request to the last byte. */
  readonly durations: readonly number[];
}

function fetchFile({ port, ca, size }: FetchOrders, device: FetchOrders['devices'][number]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca,
      cert: device.cert,
      key: device.key,
    });
    let bytes = 0;
    let started = 0;
    socket.once('secureConnect', () => {
      started = performance.now();
      socket.write(`GET ${device.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
    socket.on('data', (piece: Buffer) => {
      if (bytes === 0 && !piece.toString('latin1', 0, 12).startsWith('HTTP/1.1 200'))
        return reject(new Error(piece.toString('latin1', 0, 60)));
      bytes += piece.length;
      if (bytes < size) return;
      socket.destroy();
      resolve(performance.now() - started);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`closed after ${bytes} bytes`)));
  });
}

const [, , file] = process.argv;
if (file !== undefined && process.send !== undefined) {
  const orders = JSON.parse(readFileSync(file, 'utf8')) as FetchOrders;
  const durations = await Promise.all(orders.devices.map((device) => fetchFile(orders, device)));
  process.send({ durations } satisfies Fetches);
  process.disconnect();
}
