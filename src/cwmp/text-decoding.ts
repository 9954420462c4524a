import { isAscii } from 'node:buffer';
import { printable, Refusal } from './refusal.ts';

type Encoding = 'utf-8' | 'iso-8859-1' | 'us-ascii';

/** In these, bytes of ASCII mean ASCII: where a message has no others, what else the charset has does not matter. */
const holdsAscii = /^(?:iso-?8859-\d{1,2}|iso_8859-\d{1,2}|windows-125\d|gb2312|gbk|gb18030|big5|euc-(?:kr|cn|tw|jp))$/;

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

// A byte order mark is left in, for readers take it away at the start, and at the start alone.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a message, by the charset of its Content-Type, else by its XML declaration, else UTF-8. Throws a Refusal at
 * bytes that are not of that charset.
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPlain = isAscii(buffer);
  const encoding = encodingOf(buffer, charset, isPlain);
  // ASCII alone is the same in all of them, and copied at once.
  if (isPlain) return buffer.toString('latin1');
  switch (encoding) {
    case 'utf-8':
      try {
        return strictUtf8.decode(buffer);
      } catch {
        throw new Refusal('encoding', 'not UTF-8');
      }
    // Not by TextDecoder: the WHATWG has it read both labels as windows-1252.
    case 'iso-8859-1':
      return buffer.toString('latin1');
    case 'us-ascii':
      throw new Refusal('encoding', 'not US-ASCII');
  }
}

/** RFC 7303 3: a byte order mark, then the charset parameter, then the XML declaration. */
function encodingOf(buffer: Buffer, charset: string | undefined, isPlain: boolean): Encoding {
  if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) return 'utf-8';
  const label = charset === undefined || charset === '' ? declaredEncoding(buffer) : charset;
  if (label === undefined) return 'utf-8';
  const lower = label.toLowerCase();
  const encoding = encodings.get(lower) ?? (isPlain && holdsAscii.test(lower) ? 'us-ascii' : undefined);
  if (encoding === undefined) throw new Refusal('encoding', `charset ${printable(label)} is not supported`);
  return encoding;
}

function declaredEncoding(buffer: Buffer): string | undefined {
  const start = buffer.toString('latin1', 0, 256);
  return /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]*)["']/.exec(start)?.[1];
}
