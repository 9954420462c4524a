import type { ReadLimits } from './limits.ts';
import { printable, Refusal } from './refusal.ts';
import type { Field, StructShape, TextShape } from './shape.ts';
import { soapNamespaces } from './soap.ts';
import { isCwmpNamespace } from './versions.ts';
import type { ElementHandler, XmlElement } from './xml-element.ts';

/** A struct that is being read. */
interface Frame {
  readonly shape: StructShape<unknown>;
  /** Its place in the struct around it; none for the outermost. */
  readonly field: Field | undefined;
  readonly read: Record<string, unknown>;
}

/** A text element that is being read. */
interface Leaf {
  readonly field: Field;
  readonly shape: TextShape<unknown>;
  readonly type: string | undefined;
  text: string;
}

export interface ShapeReader<T> extends ElementHandler {
  /** The struct, once `close` has been called for its own element. */
  result(): T | undefined;
}

/** Without names of its own. Not null, for objects without a prototype are kept as dictionaries, which are slow. */
const nothingRead: object = Object.freeze(Object.create(null));

/** Reads the content of one element of the given shape; throws a Refusal where it does not fit. */
export function createShapeReader<T>(shape: StructShape<T>, limits: ReadLimits): ShapeReader<T> {
  const outer: Frame[] = [];
  let frame: Frame = { shape, field: undefined, read: Object.create(nothingRead) };
  let leaf: Leaf | undefined;
  let passedOver = 0;
  let result: unknown;
  const typeOf = rememberingTypes();

  function open(element: XmlElement): void {
    const field = passedOver > 0 ? undefined : fieldOf(frame.shape, element.local);
    if (leaf !== undefined) throw new Refusal('invalid-arguments', `${leaf.field.name} holds an element`);
    if (field === undefined) {
      passedOver += 1;
      return;
    }
    refuseUnlessOurs(element, frame.shape);
    refuseUnlessRoom(field, frame.read, limits);
    if (field.shape.kind === 'text') {
      leaf = { field, shape: field.shape, type: typeOf(element), text: '' };
      return;
    }
    outer.push(frame);
    frame = { shape: field.shape, field, read: Object.create(nothingRead) };
  }

  function text(piece: string): void {
    if (leaf === undefined) return;
    if (leaf.text.length + piece.length > limits[leaf.shape.length])
      throw new Refusal('limit', `${leaf.field.name} is longer than ${limits[leaf.shape.length]} characters`);
    leaf.text += piece;
  }

  function close(): void {
    if (passedOver > 0) {
      passedOver -= 1;
      return;
    }
    if (leaf !== undefined) {
      put(frame.read, leaf.field, leaf.shape.parse(leaf.text, leaf.type));
      leaf = undefined;
      return;
    }
    const value = frame.shape.build(frame.read);
    const { field } = frame;
    const around = outer.pop();
    if (around === undefined || field === undefined) result = value;
    else {
      frame = around;
      put(frame.read, field, value);
    }
  }

  return { open, text, close, result: () => result as T | undefined };
}

function fieldOf({ fields, anyCase }: StructShape<unknown>, name: string): Field | undefined {
  return fields.get(name) ?? anyCase.get(name.toLowerCase());
}

function put(read: Record<string, unknown>, field: Field, value: unknown): void {
  if (field.many === undefined) {
    read[field.name] = value;
    return;
  }
  const values = read[field.name];
  if (Array.isArray(values)) values.push(value);
  else read[field.name] = [value];
}

/**
 * TR-069 3.5: arguments are unqualified; those qualified with CWMP's namespace, or by a default namespace that was meant
 * for the envelope, cannot be mistaken either. Any other namespace makes a name somebody else's.
 */
function refuseUnlessOurs(element: XmlElement, shape: StructShape<unknown>): void {
  const { uri } = element;
  if (uri === '' || isCwmpNamespace(uri) || shape.namespaces.includes(uri)) return;
  if (element.prefix === '' && uri === soapNamespaces.envelope) return;
  throw new Refusal('ambiguous', `${printable(element.name)} is of the namespace ${printable(uri)}`);
}

function refuseUnlessRoom(field: Field, read: Readonly<Record<string, unknown>>, limits: ReadLimits): void {
  // An element without a value, such as an empty number, has been given all the same.
  if (!(field.name in read)) return;
  const present = read[field.name];
  if (field.many === undefined) throw new Refusal('ambiguous', `${field.name} is given twice`);
  if (Array.isArray(present) && present.length >= limits[field.many])
    throw new Refusal('limit', `more than ${limits[field.many]} ${field.name} elements`);
}

/** The local part of an element's xsi:type; elements of the same tag are often one object, and are looked at once. */
function rememberingTypes(): (element: XmlElement) => string | undefined {
  let last: XmlElement | undefined;
  let type: string | undefined;
  return (element) => {
    if (element === last) return type;
    last = element;
    const isType = ({ local, uri }: XmlElement['attributes'][number]): boolean =>
      local === 'type' && uri === soapNamespaces.schemaInstance;
    const written = element.attributes.find(isType)?.value;
    type = written?.slice(written.indexOf(':') + 1).trim();
    return type;
  };
}
