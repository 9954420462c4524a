// Loops, not regular expressions: `\s+$` takes quadratic time on long runs of spaces, and `trim` takes more than XML's four.

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Where, at or behind `from`, the text begins that is not XML white space; its length if there is none. */
export function skipSpace(text: string, from = 0): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

/** Without XML white space at both ends. */
export function trimSpace(text: string): string {
  const from = skipSpace(text);
  let to = text.length;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}
