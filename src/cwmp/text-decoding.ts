import { printable, Refusal } from './refusal.ts';

type Encoding = 'utf-8' | 'iso-8859-1' | 'us-ascii';

const encodings: ReadonlyMap<string, Encoding> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['iso-8859-1', 'iso-8859-1'],
  ['iso8859-1', 'iso-8859-1'],
  ['iso_8859-1', 'iso-8859-1'],
  ['latin1', 'iso-8859-1'],
  ['us-ascii', 'us-ascii'],
  ['ascii', 'us-ascii'],
]);

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a message, by the charset of its Content-Type, else by its XML declaration, else UTF-8; or a Refusal. */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (encodingOf(buffer, charset)) {
    case 'utf-8':
      try {
        return strictUtf8.decode(bytes);
      } catch {
        throw new Refusal('encoding', 'not UTF-8');
      }
    // Not TextDecoder: by the WHATWG's labels it reads both as windows-1252.
    case 'iso-8859-1':
      return buffer.toString('latin1');
    case 'us-ascii':
      if (buffer.some((byte) => byte > 0x7f)) throw new Refusal('encoding', 'not US-ASCII');
      return buffer.toString('latin1');
  }
}

/** RFC 7303 3: a byte order mark, then the charset parameter, then the XML declaration. */
function encodingOf(buffer: Buffer, charset: string | undefined): Encoding {
  if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) return 'utf-8';
  const label = charset === undefined || charset === '' ? declaredEncoding(buffer) : charset;
  if (label === undefined) return 'utf-8';
  const encoding = encodings.get(label.toLowerCase());
  if (encoding === undefined) throw new Refusal('encoding', `charset ${printable(label)} is not supported`);
  return encoding;
}

function declaredEncoding(buffer: Buffer): string | undefined {
  const start = buffer.toString('latin1', 0, 256);
  const declaration = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]*)["']/.exec(start);
  return declaration?.[1];
}
