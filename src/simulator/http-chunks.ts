export interface Dechunked {
  readonly body: Buffer;
  /** What follows on the connection. */
  readonly rest: Buffer;
}

/** Reads a chunked body (RFC 9112 7.1). Undefined while it is not complete. */
export function dechunk(bytes: Buffer): Dechunked | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16);
    const start = line + 2;
    if (Number.isNaN(size)) return { body: Buffer.concat(parts), rest: bytes.subarray(start) };
    if (size === 0) {
      // Trailers end with an empty line, which without trailers is the very next one.
      const end = bytes.indexOf('\r\n\r\n', line);
      return end < 0 ? undefined : { body: Buffer.concat(parts), rest: bytes.subarray(end + 4) };
    }
    if (bytes.length < start + size + 2) return undefined;
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}
