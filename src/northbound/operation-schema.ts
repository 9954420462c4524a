import { z } from 'zod';
import type { AnyOperation } from './operation.ts';
import { problemTitle } from './problem.ts';

type Json = Readonly<Record<string, unknown>>;

/** The shape of every problem (RFC 9457). */
export const problemSchema = z
  .strictObject({
    type: z.string().meta({ format: 'uri-reference' }),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable; what programs decide by.'),
    detail: z.string().optional(),
    field: z.string().optional().describe('The offending field.'),
    in: z.enum(['path', 'query', 'header', 'body']).optional().describe('The part of the request that it stands in.'),
    faults: z
      .array(z.strictObject({ key: z.string(), cause: z.string(), remedy: z.string() }))
      .optional()
      .describe('All that is wrong, where more than one thing may be.'),
    confirm: z.int().optional().describe('Say it as `confirm` if that is meant.'),
    impact: z.looseObject({}).optional().describe('Who would be refused, as of the check.'),
  })
  .describe('What went wrong (RFC 9457).');

export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    // Classes of Unicode are read by few tools as they are meant; the server judges by them all the same.
    override: ({ jsonSchema: made }) => {
      if (made.pattern?.includes('\\p{') === true || made.pattern?.includes('\\P{') === true) delete made.pattern;
    },
  });
  return rest;
}

/** What @fastify/swagger makes the contract of. Judging is not left to it: the zod schemas do that. */
export function fastifySchema(of: AnyOperation): Json {
  const { params, query, headers, body, example } = of;
  const bodySchema = body === undefined ? undefined : jsonSchema(body, 'input');
  return {
    operationId: of.id,
    summary: of.summary,
    description: descriptionOf(of),
    tags: [of.tag],
    security: [{ apiKey: [] }, { clientCertificate: [] }],
    ...(params !== undefined && { params: jsonSchema(params, 'input') }),
    ...(query !== undefined && { querystring: jsonSchema(query, 'input') }),
    ...(headers !== undefined && { headers: jsonSchema(headers, 'input') }),
    ...(of.uploads !== undefined && { body: { content: mediaTypes(of.uploads) } }),
    ...(bodySchema !== undefined && {
      body: { ...bodySchema, ...(example !== undefined && { examples: [example] }) },
    }),
    response: { ...goodAnswers(of), ...problemAnswers(of) },
  };
}

const reaches: Readonly<Record<AnyOperation['reach'], string>> = {
  device: 'Whoever is kept to a group finds the devices of that group alone.',
  fleet: 'Whoever is kept to a group sees what belongs to that group alone.',
  installation: 'Not for whoever is kept to a group.',
};

function descriptionOf({ description, permission, reach }: AnyOperation): string {
  const needs = `Needs the permission \`${permission}\`. ${reaches[reach]}`;
  return description === undefined ? needs : `${description}\n\n${needs}`;
}

function mediaTypes(types: readonly string[]): Json {
  return Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]));
}

const ownHeaders = { RateLimit: 'What is left of the window (quota, seconds).', 'RateLimit-Policy': 'The window.' };

function goodAnswers({ answers }: AnyOperation): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, media, headers }]) => [
      status,
      {
        description,
        headers: headerSchemas({ ...ownHeaders, ...headers }),
        ...(media !== undefined && { content: mediaTypes(media) }),
        ...(schema === undefined
          ? media === undefined && { type: 'null' }
          : { content: { 'application/json': { schema: jsonSchema(schema, 'output') } } }),
      },
    ]),
  );
}

function problemStatuses(of: AnyOperation): readonly number[] {
  return [
    ...new Set([400, 401, 403, 429, 500, 503, ...(of.body || of.uploads ? [413, 415] : []), ...(of.problems ?? [])]),
  ].sort((a, b) => a - b);
}

function problemAnswers(of: AnyOperation): Json {
  const schema = jsonSchema(problemSchema, 'output');
  return Object.fromEntries(
    problemStatuses(of).map((status) => [
      status,
      {
        description: problemTitle(status),
        ...(status === 429 && { headers: headerSchemas({ 'Retry-After': 'Seconds to wait.' }) }),
        ...(status === 409 && {
          headers: headerSchemas({ 'Retry-After': 'With `in_progress`: seconds to wait for the same request.' }),
        }),
        ...(status === 401 && { headers: headerSchemas({ 'WWW-Authenticate': 'Bearer.' }) }),
        content: { 'application/problem+json': { schema } },
      },
    ]),
  );
}

function headerSchemas(headers: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, type: 'string' }]),
  );
}
