/** What is wrong with the configuration, where, and what to do. */
export interface ConfigFault {
  /** `listeners[0].publicUrl`, `HEMS_CWMP_PORT`, or the file's name when it cannot be read at all. */
  readonly key: string;
  /** Never holds the value of a secret. */
  readonly cause: string;
  readonly remedy: string;
  /** What is configured may be right, but it is not there now: a file, a port. */
  readonly missing?: true;
}

/** A start that cannot succeed: what is wrong, by key of the configuration. */
export class StartError extends Error {
  readonly faults: readonly ConfigFault[];
  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ key, cause }) => `${key}: ${cause}`).join('; '));
    this.name = 'StartError';
    this.faults = faults;
  }
}

/** The known name that was probably meant, if one is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Optimal string alignment: insertions, deletions, substitutions and swapped neighbours cost one each. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : substituted;
      row.push(Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, substituted, swapped));
    }
  }
  return at(a.length, b.length);
}

/** `['listeners', 0, 'publicUrl']` as people read it: `listeners[0].publicUrl`. */
export function keyOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (key, part) =>
      typeof part === 'number' ? `${key}[${part}]` : key === '' ? String(part) : `${key}.${String(part)}`,
    '',
  );
}

export function sentenceList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
