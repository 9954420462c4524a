import type { ServerResponse } from 'node:http';
import { type OcspDeviation, ocspDeviations } from './revocation-authority.ts';

/** Ways in which a server can fail before anybody looks at what it says. */
const transportMisbehaviours = [
  'down',
  'slow',
  'drip',
  'huge',
  'cut',
  'redirect-inside',
  'server-error',
  'wrong-type',
] as const;
export type TransportMisbehaviour = (typeof transportMisbehaviours)[number];

export const revocationMisbehaviours = [...transportMisbehaviours, ...ocspDeviations] as const;
export type RevocationMisbehaviour = TransportMisbehaviour | OcspDeviation;

export function isTransport(how: RevocationMisbehaviour | undefined): how is TransportMisbehaviour {
  return transportMisbehaviours.some((one) => one === how);
}

export function actUp(how: TransportMisbehaviour, response: ServerResponse): void {
  switch (how) {
    case 'down':
      response.socket?.destroy();
      return;
    case 'slow':
      // Says nothing until the client gives up.
      return;
    case 'drip':
      drip(response);
      return;
    case 'huge':
      flood(response);
      return;
    case 'cut':
      response.writeHead(200, { 'content-length': 1000, 'content-type': 'application/ocsp-response' });
      response.write(Buffer.alloc(100), () => response.destroy());
      return;
    case 'redirect-inside':
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      return;
    case 'server-error':
      response.writeHead(500).end();
      return;
    case 'wrong-type':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome to the guest network</h1>');
  }
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/ocsp-response' });
  const timer = setInterval(() => response.write(Uint8Array.of(0x30)), 50);
  response.on('close', () => clearInterval(timer));
}

function flood(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/ocsp-response' });
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536)));
  };
  response.on('drain', more);
  more();
}
