import { hash } from 'node:crypto';

/* HTTP digest as a client (RFC 7616), for connection requests to devices whose anchor allows it. */

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: 'MD5' | 'SHA-256';
  readonly qop: 'auth' | undefined;
  /** The credentials were right, the nonce was not. */
  readonly stale: boolean;
}

const quoted = String.raw`"((?:[^"\\]|\\.)*)"`;
const parameter = new RegExp(String.raw`\s*([\w-]+)\s*=\s*(?:${quoted}|([^\s,"]+))\s*(?:,|$)`, 'y');

/** The challenge of a WWW-Authenticate field; undefined: none that can be answered. */
export function readChallenge(field: string | undefined): DigestChallenge | undefined {
  const start = /(?:^|,\s*)Digest\s+/i.exec(field ?? '');
  if (field === undefined || start === null) return undefined;
  const found = new Map<string, string>();
  parameter.lastIndex = start.index + start[0].length;
  for (let match = parameter.exec(field); match !== null; match = parameter.exec(field)) {
    const [, name = '', text, token] = match;
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), text?.replace(/\\(.)/g, '$1') ?? token ?? '');
    if (parameter.lastIndex >= field.length) break;
  }
  return challengeOf(found);
}

function challengeOf(found: ReadonlyMap<string, string>): DigestChallenge | undefined {
  const realm = found.get('realm');
  const nonce = found.get('nonce');
  const algorithm = (found.get('algorithm') ?? 'MD5').toUpperCase();
  if (realm === undefined || nonce === undefined || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return undefined;
  const offered = found
    .get('qop')
    ?.split(',')
    .map((one) => one.trim().toLowerCase());
  if (offered !== undefined && !offered.includes('auth')) return undefined;
  return {
    ...{ realm, nonce, algorithm, opaque: found.get('opaque') },
    qop: offered === undefined ? undefined : 'auth',
    stale: found.get('stale')?.toLowerCase() === 'true',
  };
}

export interface DigestCredentials {
  readonly username: string;
  readonly password: string;
}

/** The Authorization field that answers a challenge; `target`: path and query, `cnonce`: random, hexadecimal. */
export function answerChallenge(
  { realm, nonce, opaque, algorithm, qop }: DigestChallenge,
  { username, password }: DigestCredentials,
  target: string,
  cnonce: string,
): string {
  const digest = (text: string): string => hash(algorithm === 'MD5' ? 'md5' : 'sha256', text, 'hex');
  const count = '00000001';
  const secret = digest(`${username}:${realm}:${password}`);
  const asked = digest(`GET:${target}`);
  const proof = qop === undefined ? [secret, nonce, asked] : [secret, nonce, count, cnonce, qop, asked];
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
  return [
    `Digest username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(target)}`,
    `response="${digest(proof.join(':'))}"`,
    `algorithm=${algorithm}`,
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${count}`, `cnonce="${cnonce}"`]),
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
  ].join(', ');
}
