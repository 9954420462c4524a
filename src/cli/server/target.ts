import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { processEnvironment } from '../../config/process-environment.ts';
import type { ManagementTarget } from '../../platform/egress/management-exchange.ts';
import { exitCodes, failure } from '../failure.ts';

/** By which a command works over the API of a server, and not beside its database. */
export interface ServerOptions {
  readonly server?: string;
  readonly keyFile?: string;
  readonly certificate?: string;
  readonly certificateKey?: string;
  readonly ca?: string;
}

type Names = { readonly [Key in keyof ServerOptions]-?: string };

const variables: Names = {
  server: 'HEMS_SERVER',
  keyFile: 'HEMS_API_KEY_FILE',
  certificate: 'HEMS_CLIENT_CERTIFICATE',
  certificateKey: 'HEMS_CLIENT_KEY',
  ca: 'HEMS_SERVER_CA',
};

/** The server that options or environment name; undefined: the command works beside the database. */
export function serverTarget(options: ServerOptions): ManagementTarget | undefined {
  const env = processEnvironment();
  const given = (name: keyof ServerOptions): string | undefined => options[name] ?? (env[variables[name]] || undefined);
  const server = given('server');
  if (server === undefined) return undefined;
  const [keyFile, chain, key, ca] = [given('keyFile'), given('certificate'), given('certificateKey'), given('ca')];
  if (keyFile === undefined && chain === undefined)
    throw failure(
      exitCodes.usage,
      `nothing proves to ${server} who asks`,
      'name the file of an API key (--key-file, HEMS_API_KEY_FILE), or a client certificate (--certificate, --certificate-key)',
    );
  if ((chain === undefined) !== (key === undefined))
    throw failure(exitCodes.usage, '--certificate and --certificate-key go together');
  const url = urlOf(server);
  return {
    url,
    ...(keyFile !== undefined && { bearer: keyOf(keyFile) }),
    ...(chain !== undefined && key !== undefined && { certificate: { chain: text(chain), key: text(key) } }),
    ...(ca !== undefined && { ca: text(ca) }),
  };
}

function urlOf(server: string): URL {
  const url = URL.parse(server);
  const fault =
    url === null || !/^https?:$/.test(url.protocol)
      ? 'is no http or https URL'
      : url.username !== '' || url.password !== ''
        ? 'holds a user or password'
        : url.pathname !== '/' || url.search !== '' || url.hash !== ''
          ? 'holds more than scheme, host and port'
          : undefined;
  if (url === null || fault !== undefined)
    throw failure(exitCodes.usage, `--server ${JSON.stringify(server)} ${fault}`, 'such as https://hems.example:7548');
  // A key never crosses a network in the clear.
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw failure(exitCodes.usage, `${server} would get the key in the clear`, 'write https://');
  return url;
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw failure(exitCodes.unavailable, `${path} cannot be read: ${cause}`, 'check the path and who may read it');
  }
}

function keyOf(path: string): string {
  const key = text(path).trim();
  if (/^[\w.~+/=-]{1,8000}$/.test(key)) return key;
  throw failure(
    exitCodes.usage,
    `${path} holds no API key`,
    'put the key that "hems apikey create" showed into it, alone',
  );
}
