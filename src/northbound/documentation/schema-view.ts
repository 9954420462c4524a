import { escaped, prose } from './html.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const deepest = 6;

/** A JSON Schema as nested lists: name, type, what it means. */
export function schemaView(schema: unknown, depth = 0): string {
  if (!isJson(schema) || depth > deepest) return '';
  const choices = choicesOf(schema);
  if (choices.length > 1)
    return `<ul class="choices">${choices.map((one) => `<li>${oneOf(one, depth)}</li>`).join('')}</ul>`;
  if (isJson(schema.items)) return schemaView(schema.items, depth + 1);
  if (!isJson(schema.properties)) return '';
  const required = Array.isArray(schema.required) ? schema.required : [];
  const members = Object.entries(schema.properties).map(([name, part]) => {
    const mark = required.includes(name) ? '' : ' <i>optional</i>';
    const words = isJson(part) && typeof part.description === 'string' ? prose(part.description) : '';
    return `<li><b>${escaped(name)}</b> <span class="type">${escaped(typeText(part))}</span>${mark}${words}${schemaView(part, depth + 1)}</li>`;
  });
  return `<ul class="members">${members.join('')}</ul>`;
}

function oneOf(schema: Json, depth: number): string {
  return `<span class="type">${escaped(typeText(schema))}</span>${schemaView(schema, depth + 1)}`;
}

/** Null is said by the type. */
function choicesOf(schema: Json): readonly Json[] {
  const all = [schema.anyOf, schema.oneOf].find(Array.isArray) ?? [];
  return all.filter(isJson).filter(({ type }) => type !== 'null');
}

const longestEnum = 8;

export function typeText(schema: unknown): string {
  if (!isJson(schema)) return 'anything';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return enumText(schema.enum);
  const any = [schema.anyOf, schema.oneOf].find(Array.isArray);
  if (any !== undefined) return [...new Set(any.map(typeText))].join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'anything');
  return `${typeof schema.format === 'string' ? schema.format : type}${boundsText(schema)}`;
}

function enumText(values: readonly unknown[]): string {
  const shown = values.slice(0, longestEnum).map((one) => JSON.stringify(one));
  return values.length > longestEnum ? `${shown.join(' | ')} | …` : shown.join(' | ');
}

function boundsText({ minimum, maximum, default: preset }: Json): string {
  const unbounded = Number.MAX_SAFE_INTEGER;
  const bounds =
    typeof minimum === 'number' && typeof maximum === 'number' && maximum < unbounded
      ? `, ${minimum} to ${maximum}`
      : '';
  return `${bounds}${preset === undefined || preset === '' ? '' : `, default ${JSON.stringify(preset)}`}`;
}
