/*
 * Which parameters nobody reads by the way. By the last part of the name, for vendors put theirs in trees of their own.
 */

/** Passwords and keys. */
const secret = /(?:password|passphrase|presharedkey|sharedsecret|secretkey|privatekey|authkey|psk|wepkey)$/i;
const simSecret = /(?:PIN|PUK)$/;
/** Who the subscribers of a closed cell are. */
const personal = /(?:imsi|imsilist|msisdn|accesscontrollist)$/i;

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.', name.length - 2) + 1);
}

/** Of last parts; a device has the same ones thousands of times. */
const judged = new Map<string, boolean>();
const mostJudged = 10_000;
const longestJudged = 64;

/** Never kept: a device that keeps the rules answers with nothing anyway (TR-069 A.3.2.2). */
export function isSecret(name: string): boolean {
  const part = lastPart(name);
  const known = judged.get(part);
  if (known !== undefined) return known;
  const verdict = secret.test(part) || simSecret.test(part);
  if (judged.size >= mostJudged) judged.clear();
  // A copy: a part of a message would keep all of it.
  if (part.length <= longestJudged) judged.set(Buffer.from(part).toString(), verdict);
  return verdict;
}

/** Kept, and shown only to those who may see it. */
export function isPersonal(name: string): boolean {
  return personal.test(lastPart(name));
}

export const masked = '(masked)';

/** The value, or that there is one. */
export function maskedValue(name: string, value: string): string {
  return value !== '' && (isSecret(name) || isPersonal(name)) ? masked : value;
}
