import { createSocket } from 'node:dgram';
import { mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';

/** Takes a line out of the house; answers where it lies. Rejects when it does not. */
export type LineExport = (line: string) => Promise<string>;

/** Appends to a file, and has it on the disk before it says so. */
export function toFile(path: string): LineExport {
  return async (line) => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a', 0o640);
    try {
      await file.write(`${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return `file:${path}`;
  };
}

/** RFC 5424: facility log audit (13), severity notice. */
const priority = 13 * 8 + 5;

/** One RFC 5424 message to `udp://host:port`. UDP tells nobody whether it arrived. */
export function toSyslog(url: string, tag: string): LineExport {
  const place = new URL(url);
  return async (line) => {
    const message = Buffer.from(
      `<${priority}>1 ${new Date().toISOString()} ${hostname()} hems ${process.pid} ${tag} - ${line}`,
    );
    await sendUdp(place.hostname, Number(place.port || 514), message);
    return `syslog:${url}`;
  };
}

/** RFC 5426 3.2: what is longer than a datagram of UDP must not be cut in silence. */
const longestDatagram = 65_507;

async function sendUdp(host: string, port: number, message: Buffer): Promise<void> {
  if (message.length > longestDatagram) throw new Error(`${message.length} bytes do not fit one datagram`);
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.send(message, port, host.replace(/^\[|\]$/g, ''), (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    socket.close();
  }
}

/** All of them; none given: undefined. Rejects when one of them fails. */
export function toAll(exports: readonly LineExport[]): LineExport | undefined {
  if (exports.length === 0) return undefined;
  return async (line) => (await Promise.all(exports.map((one) => one(line)))).join(' ');
}
