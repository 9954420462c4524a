import type { ReadLimits } from './limits.ts';
import { createScope, type Scope, type Tag, tagOf } from './plain-tags.ts';
import { skipSpace } from './white-space.ts';
import type { ElementHandler } from './xml-element.ts';

/** XML 1.0 2.2: what no document may hold; `]]>` stands in none that is plain. */
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const declaration = /<\?xml[ \t\n]+version="1\.0"(?:[ \t\n]+encoding="[A-Za-z][\w.-]*")?[ \t\n]*\?>/y;

const lineFeed = '\n';
const less = 0x3c;
const slash = 0x2f;
const greater = 0x3e;

/**
 * Reads a document that is as plain as nearly all that devices write: tags of ASCII names, text, the five entities of
 * XML; no comment, no CDATA, no numeric reference. It takes a fifth of the time that the strict reader takes for it.
 *
 * Space between elements is not told.
 *
 * False: it is not plain, or not XML, or beyond a limit. What the handler was told until then is void, and the strict
 * reader has to judge; so nothing is accepted here that it would refuse, and nothing is refused here at all.
 */
export function readPlainXml(document: string, limits: ReadLimits, handler: ElementHandler): boolean {
  if (forbidden.test(document) || document.includes(']]>')) return false;
  // XML 1.0 2.11
  const text = document.includes('\r') ? document.replace(/\r\n?/g, lineFeed) : document;
  const hasReferences = text.includes('&');
  const open: Tag[] = [];
  const outermost = createScope();
  let scope = outermost;
  let last: Tag | undefined;
  let elements = 0;
  /** Nothing but text stands behind the tag that was opened last. */
  let isOpen = false;
  for (let at = beginning(text); ; ) {
    const to = nextTag(text, at);
    if (to < 0) return open.length === 0 && elements > 0 && skipSpace(text, at) === text.length;
    const isClosing = text.charCodeAt(to + 1) === slash;
    // Most of the text of a message is space between its elements, and means nothing.
    const isBetween = !(isClosing && isOpen) && skipSpace(text, at) === to;
    if (to - at > limits.token || (to > at && !isBetween && open.length === 0)) return false;
    if (to > at && !isBetween && !readText(text.slice(at, to), hasReferences, handler)) return false;
    isOpen = false;
    if (isClosing) {
      const tag = open.pop();
      at = tag === undefined ? -1 : endOfClosing(text, to + 2, tag.element.name);
      if (at < 0) return false;
      handler.close();
      scope = open[open.length - 1]?.inside ?? outermost;
      continue;
    }
    const tag = tagAt(text, to + 1, scope, last, limits);
    const isSecondRoot = open.length === 0 && elements > 0;
    elements += 1;
    if (tag === undefined || isSecondRoot || elements > limits.elements || open.length >= limits.depth) return false;
    handler.open(tag.element);
    at = to + 1 + tag.written.length;
    last = tag;
    if (tag.isEmpty) handler.close();
    else {
      open.push(tag);
      scope = tag.inside;
      isOpen = true;
    }
  }
}

/** Where the next tag begins; -1: nowhere. */
function nextTag(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text.charCodeAt(at) === less ? at : text.indexOf('<', at);
}

/** The tag whose `<` stands before `at`; undefined where it is none, or no plain one. */
function tagAt(text: string, at: number, scope: Scope, last: Tag | undefined, limits: ReadLimits): Tag | undefined {
  const expected = last?.next;
  if (expected?.scope === scope && text.startsWith(expected.written, at)) return expected;
  const end = text.indexOf('>', at);
  if (end < 0 || end - at > limits.token) return undefined;
  const tag = tagOf(text.slice(at, end), scope, limits.attributesPerElement);
  if (last !== undefined) last.next = tag;
  return tag;
}

/** Behind white space, a byte order mark and an XML declaration. */
function beginning(text: string): number {
  const space = skipSpace(text);
  const from = text.charCodeAt(space) === 0xfeff ? space + 1 : space;
  declaration.lastIndex = from;
  return declaration.test(text) ? declaration.lastIndex : from;
}

/** Behind `name>`; -1: that is not what stands there. */
function endOfClosing(text: string, from: number, name: string): number {
  if (!text.startsWith(name, from)) return -1;
  const end = skipSpace(text, from + name.length);
  return text.charCodeAt(end) === greater ? end + 1 : -1;
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
};
const entity = /&(?:amp|lt|gt|quot|apos);/g;
const otherReference = /&(?!(?:amp|lt|gt|quot|apos);)/;

function readText(piece: string, hasReferences: boolean, handler: ElementHandler): boolean {
  if (!hasReferences || !piece.includes('&')) {
    handler.text(piece);
    return true;
  }
  if (otherReference.test(piece)) return false;
  handler.text(piece.replace(entity, (reference) => entities[reference] ?? ''));
  return true;
}
