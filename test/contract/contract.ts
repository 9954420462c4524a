/** The committed contract, as the tests read it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { AnyOperation } from '../../src/northbound/operation.ts';
import { apiOperations } from '../../src/northbound/resources/all.ts';
import type { ApiDeps } from '../../src/northbound/resources/deps.ts';

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly [key: string]: unknown;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

interface Answered {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface Described {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<Record<string, Answered>>;
}

interface Document {
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, Answered>>;
  };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Described, 'method' | 'path'>>>>>;
}

const document = parse(readFileSync(join(import.meta.dirname, '../../openapi.yaml'), 'utf8')) as Document;

/** Answers that are the same everywhere stand once. */
function followed(answer: Answered): Answered {
  const name = answer.$ref?.split('/').at(-1);
  if (name === undefined) return answer;
  const { content = {}, ...rest } = document.components.responses[name] ?? {};
  const schemas = Object.entries(content).map(([type, { schema }]) => {
    const of =
      typeof schema.$ref === 'string' ? document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] : schema;
    return [type, { schema: of ?? {} }] as const;
  });
  return { ...rest, content: Object.fromEntries(schemas) };
}

export const described: readonly Described[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, one]) => ({
    ...one,
    parameters: one.parameters ?? [],
    responses: Object.fromEntries(Object.entries(one.responses).map(([status, answer]) => [status, followed(answer)])),
    method: method.toUpperCase(),
    path,
  })),
);

/** What each operation asks of its caller. */
export const operations: ReadonlyMap<string, AnyOperation> = new Map(
  apiOperations(new Proxy({} as ApiDeps, { get: () => () => undefined })).map((of) => [of.id, of]),
);

const validators = new Map<string, z.ZodType>();

/** Undefined: as documented; else what is not. */
export function departure(of: Described, status: number, contentType: string, body: unknown): string | undefined {
  const answer = of.responses[String(status)];
  if (answer === undefined) return `status ${status} is not documented`;
  const [type = ''] = contentType.split(';');
  const schema = answer.content?.[type]?.schema;
  if (schema === undefined) return body === '' ? undefined : `${type} is not documented for ${status}`;
  const key = `${of.operationId} ${status}`;
  const validator = validators.get(key) ?? z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  validators.set(key, validator);
  const judged = validator.safeParse(body);
  return judged.success ? undefined : `${JSON.stringify(judged.error.issues[0])} in ${JSON.stringify(body)}`;
}
