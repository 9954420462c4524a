/** A carriage return is written by number, for a reader takes a plain one for a line feed. */
export function escapeXml(text: string): string {
  return /[&<>"\r]/.test(text) ? text.replace(/[&<>"\r]/g, (c) => `&#${c.charCodeAt(0)};`) : text;
}

/** An element that holds text. */
export function leaf(name: string, value: string | number | boolean): string {
  const text = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** The same, or nothing where there is no value. */
export function optional(name: string, value: string | undefined): string {
  return value === undefined ? '' : leaf(name, value);
}

export function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

/** A SOAP-encoded array; its type and count are required by the schema. */
export function arrayElement(name: string, type: string, items: readonly string[]): string {
  return `<${name} soap-enc:arrayType="${type}[${items.length}]">${items.join('')}</${name}>`;
}

export function strings(name: string, values: readonly string[]): string {
  return arrayElement(
    name,
    'xsd:string',
    values.map((value) => leaf('string', value)),
  );
}
