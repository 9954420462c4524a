import { SaxesParser, type SaxesTagNS } from 'saxes';
import type { ReadLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import { skipSpace } from './white-space.ts';

/** Receives a document element by element; throws a Refusal to stop. */
export interface ElementHandler {
  open(element: SaxesTagNS): void;
  text(text: string): void;
  close(): void;
}

// Longer documents are fed in pieces, so that one endless token is noticed before it has grown to the size of the body.
const pieceLength = 256 * 1024;

/**
 * One strict pass over hostile XML; throws a Refusal at the first thing that is not well-formed, not allowed in a SOAP
 * message, or beyond the limits. Entities other than XML's own five cannot be declared, for DOCTYPE is refused.
 */
export function readXml(document: string, limits: ReadLimits, handler: ElementHandler): void {
  // Devices that put white space before the XML declaration mean no harm; XML itself would refuse it.
  const from = skipSpace(document);
  const text = from > 0 ? document.slice(from) : document;
  const progress = { at: 0 };
  const parser = createParser(limits, handler, progress);
  for (let at = 0; at < text.length; at += pieceLength) {
    parser.write(text.slice(at, at + pieceLength));
    if (parser.position - progress.at > limits.token) throw new Refusal('limit', 'text, tag or comment too long');
  }
  parser.close();
}

function createParser(limits: ReadLimits, handler: ElementHandler, progress: { at: number }) {
  // XML 1.1 would let control characters in: a document that declares it is read by the rules of 1.0.
  const parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  let depth = 0;
  let elements = 0;
  let attributes = 0;
  parser.on('opentagstart', () => {
    progress.at = parser.position;
    depth += 1;
    elements += 1;
    attributes = 0;
    if (depth > limits.depth) throw new Refusal('limit', `more than ${limits.depth} elements deep`);
    if (elements > limits.elements) throw new Refusal('limit', `more than ${limits.elements} elements`);
  });
  parser.on('attribute', () => {
    progress.at = parser.position;
    attributes += 1;
    if (attributes > limits.attributesPerElement)
      throw new Refusal('limit', `more than ${limits.attributesPerElement} attributes`);
  });
  parser.on('opentag', (element) => handler.open(element));
  parser.on('text', (text) => handler.text(text));
  parser.on('cdata', (text) => {
    progress.at = parser.position;
    handler.text(text);
  });
  parser.on('closetag', () => {
    progress.at = parser.position;
    depth -= 1;
    handler.close();
  });
  parser.on('comment', () => {
    progress.at = parser.position;
  });
  parser.on('doctype', () => {
    throw new Refusal('forbidden-xml', 'DOCTYPE');
  });
  parser.on('processinginstruction', () => {
    throw new Refusal('forbidden-xml', 'processing instruction');
  });
  parser.on('error', (error) => {
    throw new Refusal('not-xml', error.message);
  });
  return parser;
}
