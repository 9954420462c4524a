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

/**
 * One strict pass over hostile XML; throws a Refusal at the first thing that is not well-formed, not allowed in a SOAP
 * message, or beyond the limits. Entities other than XML's own five cannot be declared, for DOCTYPE is refused.
 */
export function readXml(pieces: Iterable<string>, limits: ReadLimits, handler: ElementHandler): void {
  const progress = { at: 0 };
  const parser = createParser(limits, handler, progress);
  let begun = false;
  try {
    for (const piece of pieces) {
      // Devices that put white space before the XML declaration mean no harm; XML itself would refuse it.
      const from: number = begun ? 0 : skipSpace(piece);
      begun ||= from < piece.length;
      parser.write(from === 0 ? piece : piece.slice(from));
      if (parser.position - progress.at > limits.token) throw new Refusal('limit', 'text, tag or comment too long');
    }
    parser.close();
  } catch (error) {
    // What saxes finds wrong is a plain Error; any other kind is a defect, of it or of ours.
    if (error instanceof Error && error.constructor === Error) throw new Refusal('not-xml', error.message);
    throw error;
  }
}

/**
 * No more than six kinds of events, and none for errors: with a seventh, V8 keeps the parser as a dictionary, and reading
 * takes five times as long.
 */
function createParser(limits: ReadLimits, handler: ElementHandler, progress: { at: number }) {
  // XML 1.1 would let control characters in: a document that declares it is read by the rules of 1.0.
  const parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  let depth = 0;
  let elements = 0;
  parser.on('opentag', (element) => {
    progress.at = parser.position;
    depth += 1;
    elements += 1;
    if (depth > limits.depth) throw new Refusal('limit', `more than ${limits.depth} elements deep`);
    if (elements > limits.elements) throw new Refusal('limit', `more than ${limits.elements} elements`);
    if (countAttributes(element) > limits.attributesPerElement)
      throw new Refusal('limit', `more than ${limits.attributesPerElement} attributes`);
    handler.open(element);
  });
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
  parser.on('doctype', () => {
    throw new Refusal('forbidden-xml', 'DOCTYPE');
  });
  parser.on('processinginstruction', () => {
    throw new Refusal('forbidden-xml', 'processing instruction');
  });
  return parser;
}

function countAttributes(element: SaxesTagNS): number {
  let count = 0;
  for (const _ in element.attributes) count += 1;
  return count;
}
