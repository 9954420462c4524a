import { isPersonal, isSecret, masked } from './secret-parameters.ts';

/*
 * SOAP as people may see it. By pattern, not by parser: what is traced is often what no parser reads.
 */

const struct = /<((?:[\w-]{1,32}:)?(?:ParameterValueStruct|ArgStruct))\b[^>]{0,400}>[\s\S]*?(?:<\/\1\s*>|$)/g;
const named = /<((?:[\w-]{1,32}:)?Name)\b[^>]{0,400}>([\s\S]{0,2000}?)<\/\1\s*>/;
const value = /(<((?:[\w-]{1,32}:)?Value)\b[^>]{0,400}(?<!\/)>)[\s\S]*?(<\/\2\s*>|$)/g;
const credential = /(<((?:[\w-]{1,32}:)?(?:Username|Password))\b[^>]{0,400}(?<!\/)>)(?!\s*<\/)[\s\S]+?(<\/\2\s*>|$)/g;
/** What stands around or in the letters of a name without being one. */
const markup = /<!\[CDATA\[|\]\]>|<!--[\s\S]*?-->/g;
const reference = /&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi;

/** As the reader of messages would have it; undefined: the message was cut before it. */
function nameIn(struct: string): string | undefined {
  return named
    .exec(struct)?.[2]
    ?.replace(markup, '')
    .replace(reference, (_, hex: string | undefined, decimal: string | undefined) => {
      const code = Number.parseInt(hex ?? decimal ?? '', hex === undefined ? 10 : 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '';
    })
    .trim();
}

/** Values of secret and personal parameters, and the credentials of transfers, are masked; the rest is as it was. */
export function maskedSoap(xml: string): string {
  return xml
    .replace(struct, (whole) => {
      const name = nameIn(whole);
      // Nobody knows what a value without a name is.
      const isCovered = name === undefined || isSecret(name) || isPersonal(name);
      return isCovered ? whole.replace(value, `$1${masked}$3`) : whole;
    })
    .replace(credential, `$1${masked}$3`);
}
