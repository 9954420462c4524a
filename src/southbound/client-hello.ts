/** What a client offers in its first message; numbers are code points of the IANA registries. */
export interface ClientHello {
  /** `ssl2`: the SSL 2.0 compatible form (RFC 5246 E.2), which carries no extensions. */
  readonly format: 'tls' | 'ssl2';
  /** Highest version offered: `supported_versions` where present, else the version of the message. */
  readonly maxVersion: number;
  /** Every version offered by name; `maxVersion` alone without the extension. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  /** Undefined: the extension is absent. */
  readonly signatureAlgorithms: readonly number[] | undefined;
  readonly groups: readonly number[] | undefined;
  readonly serverName: string | undefined;
}

/**
 * incomplete: more bytes are needed. not_tls: no TLS record stands here. malformed: TLS records, but no well-formed
 * ClientHello; OpenSSL finds the right alert for it.
 */
export type HelloReading =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not_tls' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'hello'; readonly hello: ClientHello };

export interface HelloReader {
  /** Takes the next bytes of the connection. After any answer but `incomplete` it takes no more. */
  push(chunk: Buffer): HelloReading;
  /** Every byte pushed so far, for the TLS engine; its length is the memory in use, up to a factor of two. */
  flight(): Buffer;
}

const incomplete: HelloReading = { kind: 'incomplete' };
const notTls: HelloReading = { kind: 'not_tls' };
const malformed: HelloReading = { kind: 'malformed' };

/** OpenSSL reads no longer ClientHello either. */
const maxHelloBytes = 131_396;
const maxRecordBytes = 16_384;

/** A cursor over one message; reads past its end answer undefined and everything after them too. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function uint(cursor: Cursor, size: 1 | 2): number | undefined {
  if (cursor.at + size > cursor.bytes.length) return undefined;
  const value = size === 1 ? cursor.bytes[cursor.at] : cursor.bytes.readUInt16BE(cursor.at);
  cursor.at += size;
  return value;
}

/** A vector with a length of `size` bytes before it. */
function vector(cursor: Cursor, size: 1 | 2): Buffer | undefined {
  const length = uint(cursor, size);
  if (length === undefined || cursor.at + length > cursor.bytes.length) return undefined;
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

/** A list of 16-bit values; undefined if its length is odd. */
function uint16List(bytes: Buffer | undefined): number[] | undefined {
  if (bytes === undefined || bytes.length % 2 !== 0) return undefined;
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2));
}

function extensionsOf(cursor: Cursor): ReadonlyMap<number, Buffer> | undefined {
  const found = new Map<number, Buffer>();
  if (cursor.at === cursor.bytes.length) return found;
  const block = vector(cursor, 2);
  if (block === undefined || cursor.at !== cursor.bytes.length) return undefined;
  const inner: Cursor = { bytes: block, at: 0 };
  while (inner.at < block.length) {
    const type = uint(inner, 2);
    const body = vector(inner, 2);
    if (type === undefined || body === undefined) return undefined;
    found.set(type, body);
  }
  return found;
}

/** RFC 6066 3: the first host_name entry. What it holds is a stranger's text. */
function serverNameOf(body: Buffer | undefined): string | undefined {
  if (body === undefined) return undefined;
  const list = vector({ bytes: body, at: 0 }, 2);
  if (list?.[0] !== 0) return undefined;
  return vector({ bytes: list, at: 1 }, 2)?.toString('latin1');
}

function listIn(body: Buffer | undefined, size: 1 | 2): number[] | undefined {
  return body === undefined ? undefined : uint16List(vector({ bytes: body, at: 0 }, size));
}

const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);

/** The body of the handshake message, without its type and length (RFC 8446 4.1.2). */
function parseBody(bytes: Buffer): ClientHello | undefined {
  const cursor: Cursor = { bytes, at: 0 };
  const version = uint(cursor, 2);
  cursor.at += 32;
  const session = vector(cursor, 1);
  const suites = uint16List(vector(cursor, 2));
  const compression = vector(cursor, 1);
  if (version === undefined || session === undefined || suites === undefined || compression === undefined)
    return undefined;
  const extensions = extensionsOf(cursor);
  if (extensions === undefined) return undefined;
  const offered = listIn(extensions.get(43), 1)?.filter((value) => !isGrease(value));
  // RFC 5246 E.1: a version of the message above 1.2 offers 1.2; later ones are offered by the extension alone.
  const versions = offered === undefined || offered.length === 0 ? [Math.min(version, 0x0303)] : offered;
  return {
    format: 'tls',
    maxVersion: Math.max(...versions),
    versions,
    cipherSuites: suites,
    signatureAlgorithms: listIn(extensions.get(13), 2),
    groups: listIn(extensions.get(10), 2),
    serverName: serverNameOf(extensions.get(0)),
  };
}

/** RFC 5246 E.2: three bytes a suite; those that start with 0 are suites of SSL 3 and TLS. */
function parseSsl2(bytes: Buffer): ClientHello | undefined {
  if (bytes.length < 11) return undefined;
  const version = bytes.readUInt16BE(3);
  const length = bytes.readUInt16BE(5);
  if (length % 3 !== 0 || 11 + length > bytes.length) return undefined;
  const suites: number[] = [];
  for (let at = 11; at < 11 + length; at += 3) if (bytes[at] === 0) suites.push(bytes.readUInt16BE(at + 1));
  return {
    format: 'ssl2',
    maxVersion: version,
    versions: [version],
    cipherSuites: suites,
    signatureAlgorithms: undefined,
    groups: undefined,
    serverName: undefined,
  };
}

const answer = (hello: ClientHello | undefined): HelloReading =>
  hello === undefined ? malformed : { kind: 'hello', hello };

/** RFC 8446 5.1, RFC 6520: change_cipher_spec to heartbeat. */
const isRecordType = (type: number): boolean => type >= 0x14 && type <= 0x18;

/**
 * Decides from the first bytes which protocol speaks; undefined while they are too few. What it says of some bytes it
 * says of all that begin with them.
 */
function protocolOf(first: Buffer): 'tls' | 'ssl2' | 'none' | undefined {
  const [type, second] = first;
  if (type === undefined) return undefined;
  if (!isRecordType(type) && type < 0x80) return 'none';
  if (second === undefined) return undefined;
  if (isRecordType(type)) return second === 3 ? 'tls' : 'none';
  if (first.length < 5) return first.length > 2 && first[2] !== 1 ? 'none' : undefined;
  return first[2] === 1 && (first[3] === 3 || first.readUInt16BE(3) === 2) ? 'ssl2' : 'none';
}

/** Bytes that grow at the end; a first chunk that says everything is kept as it came, uncopied. */
interface Gathered {
  bytes: Buffer;
  length: number;
}

function gather(into: Gathered, chunk: Buffer): void {
  if (into.length === 0) {
    into.bytes = chunk;
  } else {
    const needed = into.length + chunk.length;
    if (needed > into.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, into.bytes.length * 2));
      into.bytes.copy(larger, 0, 0, into.length);
      into.bytes = larger;
    }
    chunk.copy(into.bytes, into.length);
  }
  into.length += chunk.length;
}

const gathered = (from: Gathered): Buffer => from.bytes.subarray(0, from.length);

/** The message once its records are together; undefined while they are not. */
function messageIn(message: Gathered): HelloReading | undefined {
  if (message.length < 4) return undefined;
  const length = message.bytes.readUIntBE(1, 3);
  if (message.bytes[0] !== 1 || length > maxHelloBytes) return malformed;
  return message.length < 4 + length ? undefined : answer(parseBody(message.bytes.subarray(4, 4 + length)));
}

/** Moves whole records of the flight, from `at` on, to the message. */
function takeRecords(flight: Gathered, at: number, message: Gathered): { reading: HelloReading; at: number } {
  const bytes = gathered(flight);
  let next = at;
  while (bytes.length - next >= 5) {
    const length = bytes.readUInt16BE(next + 3);
    const wellFormed = bytes[next] === 0x16 && bytes[next + 1] === 3 && length > 0 && length <= maxRecordBytes;
    if (!wellFormed) return { reading: malformed, at: next };
    if (bytes.length - next - 5 < length) break;
    gather(message, bytes.subarray(next + 5, next + 5 + length));
    next += 5 + length;
    const reading = messageIn(message);
    if (reading !== undefined) return { reading, at: next };
  }
  return { reading: incomplete, at: next };
}

function readSsl2(bytes: Buffer): HelloReading {
  const length = (bytes.readUInt16BE(0) & 0x7fff) + 2;
  return bytes.length < length ? incomplete : answer(parseSsl2(bytes.subarray(0, length)));
}

/**
 * Reads the first message of a connection, however it is cut into records and segments. Its memory is bounded by the
 * longest ClientHello and its work is linear in the bytes; time is the caller's to bound.
 */
export function createHelloReader(): HelloReader {
  const flight: Gathered = { bytes: Buffer.alloc(0), length: 0 };
  const message: Gathered = { bytes: Buffer.alloc(0), length: 0 };
  let protocol: 'tls' | 'ssl2' | undefined;
  let at = 0;
  return {
    push: (chunk) => {
      gather(flight, chunk);
      if (protocol === undefined) {
        const found = protocolOf(gathered(flight));
        if (found === 'none') return notTls;
        if (found === undefined) return incomplete;
        protocol = found;
      }
      if (protocol === 'ssl2') return readSsl2(gathered(flight));
      const taken = takeRecords(flight, at, message);
      at = taken.at;
      return taken.reading;
    },
    flight: () => gathered(flight),
  };
}
