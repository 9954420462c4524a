import type { FastifyInstance } from 'fastify';
import { sendProblem } from './answering.ts';
import { openapiInfo } from './openapi.ts';
import type { AnyOperation } from './operation.ts';

/** Of what is there, but not by this method, the methods are told (RFC 9110 15.5.6). */
export function answerWhatIsNotThere(app: FastifyInstance, operations: readonly AnyOperation[]): void {
  const places = placesOf(operations);
  app.setNotFoundHandler((request, reply) => {
    const said = reply.header('Hems-Version', openapiInfo.info.version);
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = places.find(({ pattern }) => pattern.test(path))?.methods.join(', ');
    if (allowed === undefined)
      return sendProblem(said, 404, {
        code: 'no_operation',
        detail: 'there is nothing here; openapi.yaml says what there is',
      });
    return sendProblem(said.header('Allow', allowed), 405, { detail: `it takes ${allowed}` });
  });
}

interface Place {
  readonly pattern: RegExp;
  readonly methods: string[];
}

/** Those without parameters first, as the router has it. */
function placesOf(operations: readonly AnyOperation[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { path, method } of operations) {
    const text = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+');
    const place = places.get(path) ?? { pattern: new RegExp(`^${text}$`), methods: [] };
    place.methods.push(method);
    places.set(path, place);
  }
  return [...places].sort(([a], [b]) => a.split('{').length - b.split('{').length).map(([, place]) => place);
}
