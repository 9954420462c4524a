import { hash } from 'node:crypto';

/* A device's side of HTTP digest, which shares nothing with the server's. */

export interface SaidDigest {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly qop: string;
  readonly nc: string;
  readonly cnonce: string;
}

export function readDigest(header: string | undefined): SaidDigest | undefined {
  if (header === undefined || !/^Digest /i.test(header)) return undefined;
  const read = (name: string): string =>
    new RegExp(`(?:^|[ ,])${name}=(?:"([^"]*)"|([^ ,]+))`)
      .exec(header)
      ?.slice(1)
      .find((text) => text !== undefined) ?? '';
  return {
    username: read('username'),
    realm: read('realm'),
    nonce: read('nonce'),
    uri: read('uri'),
    response: read('response'),
    qop: read('qop'),
    nc: read('nc'),
    cnonce: read('cnonce'),
  };
}

/** RFC 2617 3.2.2.1, MD5 with qop auth. */
export function digestResponse({ username, realm, nonce, uri, qop, nc, cnonce }: SaidDigest, password: string): string {
  const md5 = (text: string): string => hash('md5', text, 'hex');
  return md5([md5(`${username}:${realm}:${password}`), nonce, nc, cnonce, qop, md5(`GET:${uri}`)].join(':'));
}
