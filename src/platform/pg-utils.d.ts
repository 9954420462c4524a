declare module 'pg/lib/utils.js' {
  /** A value of JavaScript as the text, or the bytes, that the server is sent. */
  export function prepareValue(value: unknown): string | Buffer | null;
}
