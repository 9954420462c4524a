import type { CpeMessage } from './messages.ts';
import { requestShapes } from './request-shapes.ts';
import { responseShapes } from './response-shapes.ts';
import { type StructShape, struct } from './shape.ts';

type MessageShape = { readonly kind: 'request' | 'response'; readonly shape: StructShape<CpeMessage> };

const shapes: ReadonlyMap<string, MessageShape> = new Map([
  ...Object.entries(requestShapes).map(([name, shape]): [string, MessageShape] => [
    name,
    { kind: 'request', shape: { ...shape, build: (read) => ({ kind: 'request', request: shape.build(read) }) } },
  ]),
  ...Object.entries(responseShapes).map(([name, shape]): [string, MessageShape] => [
    name,
    { kind: 'response', shape: { ...shape, build: (read) => ({ kind: 'response', response: shape.build(read) }) } },
  ]),
]);

/** The shape of the message that an element of CWMP's namespace begins. */
export function messageShape(name: string): MessageShape {
  const known = shapes.get(name);
  if (known !== undefined) return known;
  // TR-069 3.5: a response bears its method's name with `Response` after it.
  if (name.endsWith('Response'))
    return {
      kind: 'response',
      shape: struct({}, () => ({ kind: 'response', response: { method: 'unsupported', name } })),
    };
  return { kind: 'request', shape: struct({}, () => ({ kind: 'request', request: { method: 'unsupported', name } })) };
}
