import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs of other people that tests hold hems against where they are installed; none is needed to run hems. */
export const peers = {
  openssl: { apt: 'openssl', for: 'certificates, handshakes and OCSP judged by OpenSSL' },
  curl: { apt: 'curl', for: 'a second HTTP and TLS client' },
  xmllint: { apt: 'libxml2-utils', for: 'SOAP judged against the schema by libxml2' },
  sslscan: { apt: 'sslscan', for: 'the TLS profile seen from outside' },
  testssl: { apt: 'testssl.sh', for: 'the TLS profile seen from outside' },
  prometheus: { apt: 'prometheus', for: 'every query of dashboards and alerts' },
  promtool: { apt: 'prometheus', for: 'the rules and their own tests' },
  postgres: { apt: 'postgresql-15', for: 'the oldest database server that is supported' },
} as const;

export type PeerName = keyof typeof peers;

/** Absolute path of the program, if it is installed. `postgres` is that of version 15. */
export function peer(name: PeerName): string | undefined {
  const folders = name === 'postgres' ? postgresFolders() : (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** For the `skip` option of a test: false where the peer is there, else the reason that is printed. */
export function unless(name: PeerName): string | false {
  return peer(name) === undefined && `needs ${name} (apt-get install ${peers[name].apt})`;
}

function postgresFolders(): readonly string[] {
  const parent = '/usr/lib/postgresql';
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((version) => version === '15')
    .map((version) => join(parent, version, 'bin'));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
