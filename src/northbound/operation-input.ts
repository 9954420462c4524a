import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ProblemPlace, ProblemWords } from './problem.ts';
import type { AnyOperation } from './operation.ts';

export type JudgedInput =
  | { readonly ok: true; readonly input: Readonly<Record<'params' | 'query' | 'headers' | 'body', unknown>> }
  | { readonly ok: false; readonly problem: ProblemWords };

/** Path, query, headers and body against the schemas of the operation; the first fault is told. */
export function judgeInput(of: AnyOperation, request: FastifyRequest): JudgedInput {
  const parts: readonly (readonly ['params' | 'query' | 'headers' | 'body', ProblemPlace, unknown])[] = [
    ['params', 'path', request.params],
    ['query', 'query', { ...(request.query as object) }],
    ['headers', 'header', pick(request.headers, of.headers)],
    ['body', 'body', request.body],
  ];
  const input: Record<'params' | 'query' | 'headers' | 'body', unknown> = {
    params: undefined,
    query: undefined,
    headers: undefined,
    body: undefined,
  };
  for (const [part, place, value] of parts) {
    const schema = of[part];
    if (schema === undefined) {
      if (part === 'query' && Object.keys(value as object).length > 0) return unknown(Object.keys(value as object)[0]);
      continue;
    }
    const odd = unstorable(value);
    if (odd !== undefined) return bad(place, odd, 'holds characters that no text may hold');
    const parsed = schema.safeParse(value);
    if (!parsed.success) return fault(place, parsed.error.issues);
    input[part] = parsed.data;
  }
  return { ok: true, input };
}

function pick(headers: FastifyRequest['headers'], schema: AnyOperation['headers']): Record<string, unknown> {
  const names = Object.keys(schema?.shape ?? {});
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

function bad(place: ProblemPlace, field: string, detail: string): JudgedInput {
  return { ok: false, problem: { in: place, ...(field !== '' && { field }), detail } };
}

function unknown(field = ''): JudgedInput {
  return bad('query', field, 'there is no such parameter');
}

function fault(place: ProblemPlace, issues: readonly z.core.$ZodIssue[]): JudgedInput {
  const [issue] = issues;
  const own = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(issue?.path ?? []), ...own].map(String).join('.');
  return bad(place, field.slice(0, 300), (issue?.message ?? 'is not allowed').slice(0, 300));
}

/** Where a text holds NUL or half a surrogate pair, which neither Postgres nor XML keeps; undefined: nowhere. */
function unstorable(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? path : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, part] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    const odd = unstorable(key, at) ?? unstorable(part, at);
    if (odd !== undefined) return odd.replaceAll('\0', '').toWellFormed().slice(0, 300);
  }
  return undefined;
}
