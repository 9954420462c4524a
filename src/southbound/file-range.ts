import type { IncomingHttpHeaders } from 'node:http';
import type { ByteRange } from '../fleet/files/content.ts';

/** What of a file is asked for (RFC 9110 13 and 14). */
export type Wanted =
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' }
  /** The client has it already. */
  | { readonly kind: 'not-modified' }
  /** If-Match names another. */
  | { readonly kind: 'changed' };

/** Several ranges at once, and what is no range, get the whole file: RFC 9110 14.2 allows it, and no CPE asks so. */
export function wantedOf(headers: IncomingHttpHeaders, etag: string, size: number): Wanted {
  const match = headers['if-match'];
  if (match !== undefined && !names(match, etag)) return { kind: 'changed' };
  const none = headers['if-none-match'];
  if (none !== undefined && names(none, etag)) return { kind: 'not-modified' };
  const condition = headers['if-range'];
  // RFC 9110 13.1.5: another validator than ours, a date included, and the client must begin anew.
  if (typeof condition === 'string' && condition.trim() !== etag) return { kind: 'whole' };
  return rangeOf(headers.range, size);
}

function names(header: string, etag: string): boolean {
  return header.split(',').some((one) => {
    const tag = one.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}

function rangeOf(header: string | undefined, size: number): Wanted {
  const [, first, last] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' };
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'range', range: { from: size - length, to: size - 1 } };
  }
  const from = Number(first);
  const to = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < from) return { kind: 'whole' };
  return from >= size ? { kind: 'unsatisfiable' } : { kind: 'range', range: { from, to } };
}
