/**
 * The floor: a mutual-TLS server on the same Node that does nothing but answer two constant replies. Started as a
 * process of its own: `node bare-server.ts CHAIN KEY CLIENT_CA REPLY`; prints its port.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

const [chain = '', key = '', ca = '', replyFile = ''] = process.argv.slice(2);
const reply = readFileSync(replyFile);

const server = createServer(
  {
    cert: readFileSync(chain),
    key: readFileSync(key),
    ca: readFileSync(ca),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ecdhCurve: 'P-256:P-384:X25519',
    honorCipherOrder: true,
  },
  (request, response) => {
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    request.on('end', () => {
      if (size === 0) response.writeHead(204).end();
      else
        response
          .writeHead(200, { 'content-type': 'text/xml; charset=utf-8', 'content-length': reply.length })
          .end(reply);
    });
  },
);
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.on('SIGTERM', () => process.exit(0));
