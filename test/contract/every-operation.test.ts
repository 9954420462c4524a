import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { departure, type Described, described, type JsonSchema } from './contract.ts';
import { type ManagementStage, openManagementStage } from './management-stage.ts';

const api = described.filter(({ path }) => path.startsWith('/api/'));

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', '0', '-1', '1e9', 'null', "' or 1=1--", '\0', '%', '٣', 'a'.repeat(3000), '9'.repeat(40)),
);

/** What a parameter may hold, and now and then what it may not. */
function textFor(schema: JsonSchema, examples: readonly string[]): fc.Arbitrary<string> {
  const good: fc.Arbitrary<string>[] = [fc.constantFrom('x', ...examples)];
  if (schema.enum !== undefined) good.push(fc.constantFrom(...schema.enum.map(String)));
  if (schema.type === 'integer') good.push(fc.integer({ min: 1, max: 1000 }).map(String));
  if (schema.format === 'date-time') good.push(fc.date({ noInvalidDate: true }).map((at) => at.toISOString()));
  if (schema.format === 'uuid') good.push(fc.uuid());
  if (schema.pattern?.includes('[A-Za-z0-9_-]'))
    good.push(fc.json().map((text) => Buffer.from(text).toString('base64url')));
  return fc.oneof({ weight: 4, arbitrary: fc.oneof(...good) }, { weight: 1, arbitrary: hostile });
}

function bodyOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const parts = Object.fromEntries(
    Object.entries(properties).map(([name, part]) => [
      name,
      fc.oneof(
        textFor(part, ['acme', '00a0bc0000ff.hnb.acme.example']),
        fc.jsonValue({ maxDepth: 2 }),
        fc.constantFrom({ kind: 'reboot' }, { kind: 'read-values', paths: ['Device.'] }, ['north']),
      ),
    ]),
  );
  return fc.oneof({ weight: 4, arbitrary: fc.record(parts, { requiredKeys: [] }) }, fc.jsonValue({ maxDepth: 3 }));
}

function requestOf(of: Described, devices: readonly string[]): fc.Arbitrary<{ path: string; init: RequestInit }> {
  const named = (place: string) => of.parameters.filter((one) => one.in === place);
  const values = (place: string, examples: readonly string[] = []) =>
    fc.record(Object.fromEntries(named(place).map(({ name, schema }) => [name, textFor(schema, examples)])), {
      requiredKeys: place === 'path' ? named(place).map(({ name }) => name) : [],
    });
  const schema = Object.values(of.requestBody?.content ?? {})[0]?.schema;
  return fc
    .record({
      path: values('path', devices),
      query: values('query', devices),
      headers: values('header', ['"x"', '*']),
      body: schema === undefined ? fc.constant(undefined) : bodyOf(schema),
    })
    .map(({ path, query, headers, body }) => {
      const filled = of.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(safe(path[name])) || '-');
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]) => [name, safe(value)] as [string, string]),
      );
      const printable = Object.entries(headers).map(([name, value]) => [name, safe(value).replace(/[^ -~]/g, '')]);
      return {
        path: `${filled}?${search}`,
        init: {
          method: of.method,
          headers: {
            ...(Object.fromEntries(printable) as Record<string, string>),
            ...(body !== undefined && { 'Content-Type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        },
      };
    });
}

function safe(value: unknown): string {
  return String(value ?? '').toWellFormed();
}

describe('every operation, asked anything', { timeout: 600_000 }, () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  for (const of of api)
    test(`${of.operationId} answers as its contract says, and never by a fault of its own`, async () => {
      await fc.assert(
        fc.asyncProperty(requestOf(of, stage.devices), async ({ path, init }) => {
          const headers = { ...init.headers, Authorization: `Bearer ${stage.of.administrator}` };
          const answer = await fetch(stage.url + path, { ...init, headers });
          const text = await answer.text();
          const type = answer.headers.get('content-type') ?? '';
          assert.ok(answer.status < 500, `${answer.status} ${of.method} ${path} ${String(init.body)}`);
          const body: unknown = /[/+]json/.test(type) ? JSON.parse(text) : text;
          // A path that cannot be read at all never comes to an operation.
          const wrong = departure(of, answer.status, type, body);
          assert.equal(wrong, undefined, `${of.method} ${path} ${String(init.body)}`);
        }),
        { numRuns: 60, seed: 20_261_126, endOnFailure: true },
      );
    });
});
