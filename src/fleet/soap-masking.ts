import { isPersonal, isSecret, masked } from './secret-parameters.ts';

/*
 * SOAP as people may see it. By pattern, not by parser: what is traced is often what no parser reads.
 */

const struct = /<((?:[\w-]{1,32}:)?(?:ParameterValueStruct|ArgStruct))\b[^>]{0,400}>[\s\S]*?(?:<\/\1>|$)/g;
const named = /<(?:[\w-]{1,32}:)?Name\b[^>]{0,400}>\s*([^<]*?)\s*</;
const value = /(<((?:[\w-]{1,32}:)?Value)\b[^>]{0,400}(?<!\/)>)[\s\S]*?(<\/\2>|$)/g;
const credential = /(<((?:[\w-]{1,32}:)?(?:Username|Password))\b[^>]{0,400}(?<!\/)>)[^<]+/g;

/** Values of secret and personal parameters, and the credentials of transfers, are masked; the rest is as it was. */
export function maskedSoap(xml: string): string {
  return xml
    .replace(struct, (whole) => {
      const name = named.exec(whole)?.[1] ?? '';
      return isSecret(name) || isPersonal(name) ? whole.replace(value, `$1${masked}$3`) : whole;
    })
    .replace(credential, `$1${masked}`);
}
