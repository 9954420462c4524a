/** Documents that are kept as they were written; a time in them is text. */
const asWritten = new Set([
  ...['before', 'after', 'document', 'verdict', 'request', 'result', 'fault', 'input', 'impact', 'notice', 'figures'],
]);

/** Members that hold a time, and no text that a device or a person wrote. */
const moments = /^(at|since|until|minute)$|(At|Update|Until|Since|Seen|Before|After)$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** JSON with its times as Dates; an empty answer is undefined. */
export function revived(text: string): unknown {
  return text === '' ? undefined : withTimes(JSON.parse(text));
}

function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, asWritten.has(key) ? part : member(key, part)]),
  );
}

function member(key: string, part: unknown): unknown {
  return typeof part === 'string' && moments.test(key) && time.test(part) ? new Date(part) : withTimes(part);
}
