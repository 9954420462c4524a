import { content, type DerElement, derError, tags } from './der.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of any ASN.1 string type that certificates use, checked against the alphabet of its type. */
export function stringOf(element: DerElement): string {
  const text = decodeString(element.tag, content(element));
  if (text === undefined) throw derError(element, 'value', 'holds what its string type does not allow');
  return text;
}

export function isStringTag(tag: number): boolean {
  return decoders[tag] !== undefined;
}

/** 7-bit text, under an implicit tag. */
export function ia5Of(element: DerElement): string {
  const text = ascii(content(element));
  if (text === undefined) throw derError(element, 'value', 'an IA5String has 7-bit characters only');
  return text;
}

function ascii(bytes: Uint8Array): string | undefined {
  for (const octet of bytes) if (octet > 0x7f) return undefined;
  return latin1(bytes);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function matching(pattern: RegExp): (bytes: Uint8Array) => string | undefined {
  return (bytes) => {
    const text = latin1(bytes);
    return pattern.test(text) ? text : undefined;
  };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  const text = ascii(bytes);
  if (text !== undefined) return text;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Big-endian UCS-2 or UCS-4; surrogates are no characters there. */
function wide(width: 2 | 4): (bytes: Uint8Array) => string | undefined {
  return (bytes) => {
    if (bytes.length % width !== 0) return undefined;
    let text = '';
    for (let i = 0; i < bytes.length; i += width) {
      let point = 0;
      for (let j = 0; j < width; j++) point = point * 256 + (bytes[i + j] ?? 0);
      if (point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
      text += String.fromCodePoint(point);
    }
    return text;
  };
}

const decoders: Readonly<Record<number, (bytes: Uint8Array) => string | undefined>> = {
  [tags.utf8String]: decodeUtf8,
  // "&" and "*" are outside PrintableString; CAs write them there all the same (AT&T), and nothing hangs on it.
  [tags.printableString]: matching(/^[A-Za-z0-9 '()+,\-./:=?&*]*$/),
  [tags.numericString]: matching(/^[0-9 ]*$/),
  [tags.ia5String]: ascii,
  [tags.visibleString]: matching(/^[\x20-\x7e]*$/),
  // T.61 as everyone writes it: Latin-1.
  [tags.teletexString]: latin1,
  [tags.bmpString]: wide(2),
  [tags.universalString]: wide(4),
};

function decodeString(tag: number, bytes: Uint8Array): string | undefined {
  return decoders[tag]?.(bytes);
}
