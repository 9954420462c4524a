/**
 * String preparation of RFC 4518 for case-insensitive matching, as RFC 5280 7.1 asks for names: transcode (done by the
 * reader), map, normalise, handle insignificant space. Prohibited characters are kept, so that two names that hold
 * them match only where they are equal.
 */

const plain = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** RFC 4518 2.2: soft hyphens, joiners, variation selectors and controls without meaning map to nothing. */
const mappedToNothing =
  /[\u00ad\u1806\ufffc\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2063\u206a-\u206f\ufeff\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]|\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]/gu;

/** RFC 4518 2.2: every kind of space, tabulation and line end maps to SPACE. */
const mappedToSpace = /[\u0009-\u000d\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/gu;

const ascii = /^[\x00-\x7f]*$/;

/** Longest value beyond ASCII that is normalised; RFC 5280 allows attributes of names 64 characters, some 128. */
const mostNormalised = 256;

export function prepare(text: string): string {
  if (plain.test(text)) return text.toLowerCase();
  if (ascii.test(text)) return trimmed(mapped(text).toLowerCase());
  // Putting long runs of combining characters in order takes time that grows with their square.
  if (text.length > mostNormalised) return text;
  // Folding twice around NFKC: some compatibility characters become capital letters only there.
  return trimmed(fold(fold(mapped(text)).normalize('NFKC')).normalize('NFKC'));
}

function mapped(text: string): string {
  return text.replace(mappedToNothing, '').replace(mappedToSpace, ' ');
}

/** RFC 4518 2.6.1: leading and trailing space goes, inner runs become one. */
function trimmed(text: string): string {
  return text.replace(/ +/g, ' ').replace(/^ | $/g, '');
}

/** Full case folding as near as the platform has it: upper first, so that sharp s and final sigma meet their pairs. */
function fold(text: string): string {
  return text.toUpperCase().toLowerCase().replaceAll('ς', 'σ');
}
