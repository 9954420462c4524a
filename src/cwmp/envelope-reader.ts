import { faultShape } from './fault-shape.ts';
import { headerShape, idleHeaders } from './header-shape.ts';
import type { ReadLimits } from './limits.ts';
import { messageShape } from './message-shapes.ts';
import type { CpeHeaders, CpeMessage, Envelope } from './messages.ts';
import { printable, Refusal } from './refusal.ts';
import type { StructShape } from './shape.ts';
import { createShapeReader, type ShapeReader } from './shape-reader.ts';
import { soapNamespaces } from './soap.ts';
import { inferVersion, isCwmpNamespace } from './versions.ts';
import type { ElementHandler, XmlElement } from './xml-element.ts';

/** The beginning of a message. */
export interface MessageHead {
  readonly kind: 'request' | 'response' | 'fault';
  /** The local name of its element, e.g. `Inform`. */
  readonly name: string;
  readonly namespace: string;
  readonly id?: string | undefined;
}

export interface EnvelopeReader extends ElementHandler {
  /** What is known of the message so far; nothing before its element was opened. */
  head(): MessageHead | undefined;
  /** After the end of the document. Throws a Refusal if it held no message. */
  envelope(): Envelope;
}

/** What is known of an envelope while it is read. */
interface Progress {
  depth: number;
  /** The child of the envelope that is being read. */
  part: string | undefined;
  readonly parts: Set<string>;
  /** What reads the header or the message that is open, and the depth of the element that it stands for. */
  inner: { readonly reader: ElementHandler; readonly depth: number } | undefined;
  header: ShapeReader<CpeHeaders> | undefined;
  message: ShapeReader<CpeMessage> | undefined;
  head: { readonly kind: MessageHead['kind']; readonly name: string } | undefined;
  namespace: string;
  /** The name of a header. */
  notUnderstood: string | undefined;
}

/** Reads SOAP's own elements, and gives the header and the message to readers of their shape; throws a Refusal. */
export function createEnvelopeReader(limits: ReadLimits): EnvelopeReader {
  const progress: Progress = {
    depth: 0,
    part: undefined,
    parts: new Set(),
    inner: undefined,
    header: undefined,
    message: undefined,
    head: undefined,
    namespace: '',
    notUnderstood: undefined,
  };
  return {
    open(element) {
      progress.depth += 1;
      const { depth, inner, part } = progress;
      if (inner !== undefined) openInside(progress, element, inner.reader);
      else if (depth === 1) openEnvelope(element);
      else if (depth === 2) openPart(progress, element, limits);
      else if (depth === 3 && part === 'Body') openMessage(progress, element, limits);
    },
    text(text) {
      progress.inner?.reader.text(text);
    },
    close() {
      progress.inner?.reader.close();
      if (progress.inner?.depth === progress.depth) progress.inner = undefined;
      progress.depth -= 1;
    },
    head: () => headOf(progress),
    envelope: () => envelopeOf(progress),
  };
}

function openEnvelope(element: XmlElement): void {
  if (element.local !== 'Envelope' || element.uri !== soapNamespaces.envelope)
    throw new Refusal('not-soap', `${printable(element.name)} is no envelope of SOAP 1.1`);
}

function openPart(progress: Progress, element: XmlElement, limits: ReadLimits): void {
  const { local, uri } = element;
  progress.part = local;
  // SOAP 1.1 4.1.1: other elements may stand here; they are not ours to read.
  if (local !== 'Header' && local !== 'Body') return;
  if (uri !== soapNamespaces.envelope)
    throw new Refusal('ambiguous', `${printable(element.name)} is not SOAP's ${local}`);
  if (progress.parts.has(local)) throw new Refusal('ambiguous', `two elements ${local}`);
  progress.parts.add(local);
  if (local === 'Body') return;
  progress.header = createShapeReader(headerShape, limits);
  progress.inner = { reader: progress.header, depth: progress.depth };
}

function openMessage(progress: Progress, element: XmlElement, limits: ReadLimits): void {
  // TR-069 3.5: one message in an envelope.
  if (progress.message !== undefined) throw new Refusal('not-soap', 'two messages in one body');
  const { kind, shape } = shapeOf(element, limits);
  if (kind !== 'fault') progress.namespace = element.uri;
  progress.head = { kind, name: element.local };
  progress.message = createShapeReader(shape, limits);
  progress.inner = { reader: progress.message, depth: progress.depth };
  // SOAP 1.1 4.2.3: a header that has to be understood and is not forbids to process the message.
  if (progress.notUnderstood !== undefined)
    throw new Refusal('not-understood', `header ${printable(progress.notUnderstood)}`);
}

function shapeOf(
  element: XmlElement,
  limits: ReadLimits,
): { kind: MessageHead['kind']; shape: StructShape<CpeMessage> } {
  const { local, uri } = element;
  if (uri === soapNamespaces.envelope && local === 'Fault') return { kind: 'fault', shape: faultShape };
  if (!isCwmpNamespace(uri)) throw new Refusal('not-cwmp', `${printable(element.name)} of namespace ${printable(uri)}`);
  if (local === 'Fault') throw new Refusal('not-soap', 'a CWMP fault that is not in a SOAP fault');
  if (local.length > limits.shortText) throw new Refusal('limit', 'the name of a method is too long');
  return messageShape(local);
}

function openInside(progress: Progress, element: XmlElement, reader: ElementHandler): void {
  const isOurs = isCwmpNamespace(element.uri);
  if (progress.part === 'Header' && progress.depth === 3) {
    if (isOurs) progress.namespace = element.uri;
    const known = headerShape.fields.has(element.local) || (isOurs && idleHeaders.includes(element.local));
    if (!known && mustUnderstand(element)) progress.notUnderstood = element.name;
  }
  // The element of a SOAP fault names no version of CWMP; the one in its detail does.
  if (isOurs && progress.head?.kind === 'fault') progress.namespace = element.uri;
  reader.open(element);
}

function mustUnderstand({ attributes }: XmlElement): boolean {
  const asked = attributes.find(({ local, uri }) => local === 'mustUnderstand' && uri === soapNamespaces.envelope);
  return asked?.value === '1' || asked?.value === 'true';
}

function headOf({ head, namespace, header }: Progress): MessageHead | undefined {
  if (head === undefined) return undefined;
  return { ...head, namespace, id: header?.result()?.id };
}

function envelopeOf({ header, message, namespace }: Progress): Envelope {
  const body = message?.result();
  if (body === undefined) throw new Refusal('not-soap', 'no message in a body');
  if (namespace === '') throw new Refusal('not-cwmp', 'a fault of no namespace of CWMP');
  const headers = header?.result() ?? {};
  return { namespace, version: inferVersion(namespace, headers.sessionTimeout !== undefined), headers, body };
}
