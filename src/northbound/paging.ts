import { z } from 'zod';
import type { TimePosition } from '../platform/bounded-search.ts';

/** A page of a list: `next` is given as `cursor` for the one behind it, and absent on the last. */
export const limitQuery = z.coerce.number().int().min(1).max(1000).default(50).describe('How many, at most.');

const cursorText = z
  .string()
  .max(1500)
  .regex(/^[A-Za-z0-9_-]+$/, 'write "next" of the page before')
  .describe('"next" of the page before; opaque.');

/** A cursor that holds texts, e.g. a time and an id; judged as strictly as what a person writes. */
export function cursorQuery<Parts extends readonly z.ZodType<string>[]>(...parts: Parts) {
  return cursorText
    .transform((text, context) => {
      const read = readJson(Buffer.from(text, 'base64url').toString());
      const good =
        Array.isArray(read) &&
        read.length === parts.length &&
        parts.every((part, i) => part.safeParse(read[i]).success) &&
        JSON.stringify(read).includes('\\u0000') === false;
      if (good) return read as { [I in keyof Parts]: string };
      context.addIssue({ code: 'custom', message: 'write "next" of the page before' });
      return z.NEVER;
    })
    .optional();
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function cursorOf(...parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Where a list in the order of time goes on. */
export function timePositionOf(cursor: readonly [string, string] | undefined): TimePosition | undefined {
  return cursor && { at: new Date(cursor[0]), id: cursor[1] };
}

export function timePageOf<Row>(items: readonly Row[], next: TimePosition | undefined) {
  return { items, ...(next !== undefined && { next: cursorOf(next.at.toISOString(), next.id) }) };
}

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().optional().describe('Give it as `cursor` for the next page; absent on the last.'),
  });
}

/** Sparse fields: names parted by commas; each must be one of the item. */
export function fieldsQuery(names: readonly string[]) {
  return z
    .string()
    .max(1000)
    .transform((text, context) => {
      const asked = text.split(',');
      const odd = asked.find((name) => !names.includes(name));
      if (odd === undefined) return asked;
      context.addIssue({ code: 'custom', message: `known are ${names.join(', ')}` });
      return z.NEVER;
    })
    .optional()
    .describe(`Only these fields of each item, parted by commas: ${names.join(', ')}.`);
}

export function sparse(item: object, fields: readonly string[] | undefined): object {
  if (fields === undefined) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => fields.includes(name)));
}
