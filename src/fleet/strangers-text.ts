import { hash } from 'node:crypto';

/** Controls, bidi and invisible characters, lone surrogates, and the backslash that the escapes are made of. */
const dangerous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu;

/**
 * What a device or a stranger wrote, fit for SQL, logs and terminals: dangerous characters as `\u{hex}`, at most `most`
 * characters (≥ 32). Two different texts stay different: a text that is cut ends in a digest of the whole.
 */
export function strangersText(text: string, most: number): string {
  // A text far too long is cut before it is escaped: escaping 16 MB would be work for nothing.
  const slice = text.length > most ? text.slice(0, most) : text;
  const escaped = slice.replace(dangerous, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
  if (slice.length === text.length && escaped.length <= most) return escaped;
  return `${beginning(escaped, most - 18)}…#${hash('sha256', text, 'hex').slice(0, 16)}`;
}

/** At most `most` characters, and not half of one at the end: Postgres takes no JSON with halves in it. */
function beginning(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
}

/** JSON that Postgres takes, whatever was cut off of what a device said. */
export function strangersJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? part.toWellFormed() : part));
}

/** Text that is escaped already (x509's names), cut to at most `most` characters. */
export function bounded(text: string, most: number): string {
  return text.length <= most ? text : `${beginning(text, most - 1)}…`;
}
