/** What no line of a log may hold, however it came there: private keys, keys of the API, passwords in URLs and headers. */
const secrets: readonly (readonly [found: RegExp, instead: string])[] = [
  [
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
    '[private key hidden]',
  ],
  [/\bhems_([0-9a-f]{16})_[A-Za-z0-9_-]{43}/g, 'hems_$1_[hidden]'],
  [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^:/\s"@]{0,200}):[^@\s"/]{1,500}@/gi, '$1:[hidden]@'],
  [/\b(Basic|Bearer|Digest) +[^\s"\\][^"\\]{5,}/g, '$1 [hidden]'],
];

/** Cheap to say no, which is nearly always the answer. */
const suspect = /PRIVATE KEY|hems_[0-9a-f]{16}_|:\/\/|Basic |Bearer |Digest /;

/** The same line of JSON with secrets hidden. */
export function scrubbed(line: string): string {
  if (!suspect.test(line)) return line;
  return secrets.reduce((text, [found, instead]) => text.replace(found, instead), line);
}
