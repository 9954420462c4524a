import { Refusal } from './refusal.ts';
import { soapNamespaces } from './soap.ts';

/*
 * The shape of a message, told once: which elements it has, how each is read, what they are put together to. `as`
 * appears where a table of shapes of many types is walked by one reader; the types of a message come from its builder.
 */

export type LengthLimit = 'shortText' | 'longText';
export type CountLimit = 'events' | 'parameters' | 'methods' | 'items' | 'parameterFaults';

/** An element that holds text. */
export interface TextShape<T> {
  readonly kind: 'text';
  readonly length: LengthLimit;
  /** `type`: the local part of the element's xsi:type. */
  parse(text: string, type: string | undefined): T;
}

/** An element that holds other elements, in any order; those it does not name are passed over (TR-069 3.5). */
export interface StructShape<T> {
  readonly kind: 'struct';
  readonly fields: ReadonlyMap<string, Field>;
  /** The same by lower-case name: what differs from ours by case alone (`DeviceID`) is not meant to be something else. */
  readonly anyCase: ReadonlyMap<string, Field>;
  /** Namespaces besides none and CWMP's own that its elements may be in. */
  readonly namespaces: readonly string[];
  build(read: Readonly<Record<string, unknown>>): T;
}

export type Shape<T> = TextShape<T> | StructShape<T>;

/** An element that may be given any number of times up to a limit. */
export interface Many<T> {
  readonly kind: 'many';
  readonly shape: Shape<T>;
  readonly count: CountLimit;
}

export interface Field {
  readonly name: string;
  readonly shape: Shape<unknown>;
  readonly many: CountLimit | undefined;
}

type FieldShapes = Readonly<Record<string, Shape<unknown> | Many<unknown>>>;

type Read<F extends FieldShapes> = {
  readonly [Name in keyof F]?: F[Name] extends Many<infer T>
    ? readonly T[]
    : F[Name] extends Shape<infer T>
      ? T
      : never;
};

export function text<T>(length: LengthLimit, parse: (text: string, type: string | undefined) => T): TextShape<T> {
  return { kind: 'text', length, parse };
}

export function struct<F extends FieldShapes, T>(
  fields: F,
  build: (read: Read<F>) => T,
  namespaces: readonly string[] = [],
): StructShape<T> {
  const entries = Object.entries(fields).map(([name, field]): [string, Field] => [
    name,
    field.kind === 'many' ? { name, shape: field.shape, many: field.count } : { name, shape: field, many: undefined },
  ]);
  return {
    kind: 'struct',
    fields: new Map(entries),
    anyCase: new Map(entries.map(([name, field]) => [name.toLowerCase(), field])),
    namespaces,
    build: (read) => build(read as Read<F>),
  };
}

export function many<T>(shape: Shape<T>, count: CountLimit): Many<T> {
  return { kind: 'many', shape, count };
}

/** A SOAP-encoded array. Its arrayType is not looked at: devices leave it out, or count wrongly. */
export function array<T>(item: string, shape: Shape<T>, count: CountLimit): StructShape<readonly T[]> {
  return struct({ [item]: many(shape, count) }, (read) => read[item] ?? [], arrayItemNamespaces);
}

// SOAP 1.1 5.4.2: an item may bear the name of its type, as in <xsd:string>.
const arrayItemNamespaces = [soapNamespaces.schema, soapNamespaces.encoding];

export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Refusal('invalid-arguments', `${name} is missing`);
  return value;
}
