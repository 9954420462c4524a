import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** An element with its namespace resolved; `text` is all its own character data joined. */
export interface Element {
  /** Empty for an element in no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** By name as written, prefix included. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  readonly text: string;
}

export type XmlResult = { readonly ok: true; readonly root: Element } | { readonly ok: false; readonly error: string };

type RawNode = Record<string, unknown>;

// Entities are decoded here: the parser's own decoder knows HTML's, which XML does not have.
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  cdataPropName: '#cdata',
});

const predefined: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return predefined[name] ?? whole;
  });
}

/**
 * The simulator's own reader of what the ACS writes, on another parser than the ACS itself uses, so that the wire is
 * always read twice independently. Refuses what is not well-formed and prefixes that nobody declared.
 */
export function readXml(text: string): XmlResult {
  try {
    const verdict = XMLValidator.validate(text);
    if (verdict !== true) return { ok: false, error: `${verdict.err.msg} (line ${verdict.err.line})` };
    const roots = elementsOf(
      parser.parse(text) as RawNode[],
      new Map([['xml', 'http://www.w3.org/XML/1998/namespace']]),
    );
    const [root] = roots;
    return root === undefined || roots.length > 1 ? { ok: false, error: 'not one root element' } : { ok: true, root };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

function elementsOf(nodes: readonly RawNode[], scope: ReadonlyMap<string, string>): Element[] {
  return nodes.flatMap((node) => {
    const tag = Object.keys(node).find((key) => key !== ':@' && !key.startsWith('#'));
    return tag === undefined ? [] : [toElement(tag, node, scope)];
  });
}

function toElement(tag: string, node: RawNode, outer: ReadonlyMap<string, string>): Element {
  const written = Object.entries((node[':@'] ?? {}) as Record<string, string>);
  const attributes = new Map(written.map(([name, value]) => [name, decodeEntities(value)]));
  const scope = new Map(outer);
  for (const [name, value] of attributes) {
    if (name === 'xmlns') scope.set('', value);
    else if (name.startsWith('xmlns:')) scope.set(name.slice(6), value);
  }
  const colon = tag.indexOf(':');
  const prefix = colon < 0 ? '' : tag.slice(0, colon);
  const namespace = scope.get(prefix);
  if (namespace === undefined && prefix !== '') throw new Error(`prefix ${prefix} is not declared`);
  const content = node[tag] as RawNode[];
  return {
    namespace: namespace ?? '',
    name: tag.slice(colon + 1),
    attributes,
    children: elementsOf(content, scope),
    text: content.map(characterData).join(''),
  };
}

function characterData(node: RawNode): string {
  if (typeof node['#text'] === 'string') return decodeEntities(node['#text']);
  const sections = node['#cdata'];
  if (!Array.isArray(sections)) return '';
  return (sections as RawNode[]).map((part) => String(part['#text'] ?? '')).join('');
}

export function child(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((candidate) => candidate.name === name);
}

export function textOf(element: Element | undefined, name: string): string {
  return child(element, name)?.text ?? '';
}
