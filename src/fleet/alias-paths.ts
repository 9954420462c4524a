/*
 * Alias-based addressing (TR-069 A4 3.6.1): an instance may be named by its alias in brackets, and a device may answer
 * with the number where it was asked by the alias.
 */

const lastAlias = /\[[^\]]*\]\.$/;

/** The table of an object that is to be added: `Device.T.[cpe-1].` and `Device.T.` are of the same. */
export function tableOf(object: string): string {
  return object.replace(lastAlias, '');
}

/** Whether a device that answers for `answered` may mean what was asked for as `asked`. */
export function isAnswerFor(asked: string, answered: string): boolean {
  if (asked === answered) return true;
  if (!asked.includes('[')) return false;
  const [want, got] = [asked.split('.'), answered.split('.')];
  return want.length === got.length && want.every((part, i) => part === got[i] || isSameInstance(part, got[i] ?? ''));
}

function isSameInstance(asked: string, answered: string): boolean {
  return asked.startsWith('[') && /^\d+$/.test(answered);
}
