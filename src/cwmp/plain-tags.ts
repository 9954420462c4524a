import type { XmlAttribute, XmlElement } from './xml-element.ts';

/** What prefixes stand for at one place of a document, and the tags that were read there. */
export interface Scope {
  /** The default namespace under the empty prefix. */
  readonly prefixes: ReadonlyMap<string, string>;
  /** By what stands between `<` and `>`: a list has the same few tags a thousand times. */
  readonly tags: Map<string, Tag>;
}

export interface Tag {
  /** What stands behind `<`, `>` included. */
  readonly written: string;
  readonly element: XmlElement;
  /** `<a/>` */
  readonly isEmpty: boolean;
  /** What holds inside the element. */
  readonly inside: Scope;
  /** Where the tag stands. */
  readonly scope: Scope;
  /** The tag that has followed this one last: in a list it will again. */
  next: Tag | undefined;
}

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';
/** Different tags that are remembered of one scope. */
const mostRemembered = 256;

export function createScope(
  prefixes: ReadonlyMap<string, string> = new Map([
    ['', ''],
    ['xml', xmlNamespace],
    ['xmlns', xmlnsNamespace],
  ]),
): Scope {
  return { prefixes, tags: new Map() };
}

/** The tag between `<` and `>`; undefined where it is not a plain one. */
export function tagOf(written: string, scope: Scope, mostAttributes: number): Tag | undefined {
  const known = scope.tags.get(written);
  if (known !== undefined) return known;
  const tag = readTag(written, scope, mostAttributes);
  if (tag !== undefined && scope.tags.size < mostRemembered) scope.tags.set(written, tag);
  return tag;
}

interface Name {
  readonly name: string;
  readonly prefix: string;
  readonly local: string;
}

type Written = Name & { readonly value: string };

const elementName = /(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)/y;
const nextAttribute =
  /[ \t\n]+((?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*))[ \t\n]*=[ \t\n]*(?:"([^<&"]*)"|'([^<&']*)')/y;
const tagEnd = /[ \t\n]*(\/?)$/y;

function readTag(written: string, scope: Scope, mostAttributes: number): Tag | undefined {
  elementName.lastIndex = 0;
  const match = elementName.exec(written);
  if (match === null) return undefined;
  const [name, prefix = '', local = ''] = match;
  let behind = elementName.lastIndex;
  const attributes: Written[] = [];
  for (;;) {
    nextAttribute.lastIndex = behind;
    const found = nextAttribute.exec(written);
    if (found === null) break;
    behind = nextAttribute.lastIndex;
    // XML 1.0 3.3.3
    const value = (found[4] ?? found[5] ?? '').replace(/[\t\n]/g, ' ');
    attributes.push({ name: found[1] ?? '', prefix: found[2] ?? '', local: found[3] ?? '', value });
    if (attributes.length > mostAttributes) return undefined;
  }
  tagEnd.lastIndex = behind;
  const end = tagEnd.exec(written);
  if (end === null) return undefined;
  return resolved(written, { name, prefix, local }, attributes, end[1] === '/', scope);
}

function resolved(
  written: string,
  name: Name,
  given: readonly Written[],
  isEmpty: boolean,
  scope: Scope,
): Tag | undefined {
  const inside = declared(given, scope);
  const uri = inside?.prefixes.get(name.prefix);
  if (inside === undefined || uri === undefined || name.prefix === 'xmlns') return undefined;
  // Namespaces in XML 1.0 6.3: no two attributes of one name, however it is written.
  const seen = new Set<string>();
  const attributes: XmlAttribute[] = [];
  for (const attribute of given) {
    const { local, value } = attribute;
    const its = namespaceOf(attribute, inside);
    if (its === undefined || seen.has(`${its} ${local}`)) return undefined;
    seen.add(`${its} ${local}`);
    attributes.push({ local, uri: its, value });
  }
  const element = { ...name, uri, attributes };
  return { written: `${written}>`, element, isEmpty, inside, scope, next: undefined };
}

/** Namespaces in XML 1.0 6.2: a default namespace is not that of attributes. */
function namespaceOf({ name, prefix }: Name, { prefixes }: Scope): string | undefined {
  if (name === 'xmlns') return xmlnsNamespace;
  return prefix === '' ? '' : prefixes.get(prefix);
}

/** The scope with what these attributes declare; undefined if they may not, or not so plainly. */
function declared(attributes: readonly Written[], scope: Scope): Scope | undefined {
  const declarations = attributes.filter(({ name, prefix }) => name === 'xmlns' || prefix === 'xmlns');
  if (declarations.length === 0) return scope;
  const prefixes = new Map(scope.prefixes);
  for (const { name, local, value } of declarations) {
    const prefix = name === 'xmlns' ? '' : local;
    const isReserved = prefix === 'xml' || prefix === 'xmlns' || value === xmlNamespace || value === xmlnsNamespace;
    if (isReserved || value !== value.trim() || (value === '' && prefix !== '')) return undefined;
    prefixes.set(prefix, value);
  }
  return createScope(prefixes);
}
