/** C1 and DEL, bidi and invisible characters: JSON lets them pass, terminals and editors act on them. */
const unseen = /[\u007f-\u009f\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;

/** The same JSON document in which whatever a stranger wrote is seen rather than obeyed. */
export function visibleJson(json: string): string {
  // Outside of strings JSON is ASCII, so every character found stands where \uXXXX may stand.
  return json.replace(unseen, (c) =>
    Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
