import { SaxesParser } from 'saxes';
import type { ReadLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import { skipSpace } from './white-space.ts';
import type { ElementHandler } from './xml-element.ts';

/** Characters that are read at once; what one token may have is looked at in between. */
const pieceLength = 32 * 1024;

/**
 * One strict pass over hostile XML; throws a Refusal at the first thing that is not well-formed, not allowed in a SOAP
 * message, or beyond the limits. Entities other than XML's own five cannot be declared, for DOCTYPE is refused.
 */
export function readXml(text: string, limits: ReadLimits, handler: ElementHandler): void {
  const progress = { at: 0 };
  const parser = createParser(limits, handler, progress);
  try {
    // Devices that put white space before the XML declaration mean no harm; XML itself would refuse it.
    for (let from = skipSpace(text); from < text.length; from += pieceLength) {
      parser.write(text.slice(from, from + pieceLength));
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
    const attributes = Object.values(element.attributes);
    if (attributes.length > limits.attributesPerElement)
      throw new Refusal('limit', `more than ${limits.attributesPerElement} attributes`);
    const { name, prefix, local, uri } = element;
    handler.open({ name, prefix, local, uri, attributes });
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
