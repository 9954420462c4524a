/** The contract as @fastify/swagger makes it, with what stands everywhere written once. */

type Json = Readonly<Record<string, unknown>>;

const problemType = 'application/problem+json';

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Not Found` → `NotFound`. */
function nameOf({ description }: Json): string {
  return String(description).replace(/[^A-Za-z]/g, '');
}

interface Hoisted {
  readonly schemas: Record<string, unknown>;
  readonly responses: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
}

/** A problem is the same at every operation. */
function hoistResponse(response: Json, hoisted: Hoisted): unknown {
  const content = isJson(response.content) ? response.content : {};
  const problem = content[problemType];
  if (!isJson(problem)) return { ...response, ...(isJson(response.headers) && hoistHeaders(response, hoisted)) };
  const name = nameOf(response);
  hoisted.schemas.Problem ??= problem.schema;
  hoisted.responses[name] ??= {
    ...response,
    content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return { $ref: `#/components/responses/${name}` };
}

const everywhere = ['RateLimit', 'RateLimit-Policy', 'Idempotency-Replayed'];

function hoistHeaders({ headers }: Json, hoisted: Hoisted): Json {
  if (!isJson(headers)) return {};
  const rest = Object.entries(headers).map(([name, header]): [string, unknown] => {
    if (!everywhere.includes(name)) return [name, header];
    hoisted.headers[name] ??= header;
    return [name, { $ref: `#/components/headers/${name}` }];
  });
  return { headers: Object.fromEntries(rest) };
}

function hoistOperation(operation: unknown, hoisted: Hoisted): unknown {
  if (!isJson(operation) || !isJson(operation.responses)) return operation;
  const responses = Object.entries(operation.responses).map(([status, response]): [string, unknown] => [
    status,
    isJson(response) ? hoistResponse(response, hoisted) : response,
  ]);
  return { ...operation, responses: Object.fromEntries(responses) };
}

export function contractDocument(swagger: object): Json {
  const { paths = {}, components = {}, ...rest } = swagger as { paths?: Json; components?: Json };
  const hoisted: Hoisted = { schemas: {}, responses: {}, headers: {} };
  const written = Object.entries(paths).map(([path, methods]): [string, unknown] => {
    const operations = Object.entries(isJson(methods) ? methods : {});
    return [path, Object.fromEntries(operations.map(([method, one]) => [method, hoistOperation(one, hoisted)]))];
  });
  return { ...rest, components: { ...components, ...hoisted }, paths: Object.fromEntries(written) };
}
