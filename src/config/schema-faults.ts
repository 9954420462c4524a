import type { z } from 'zod';
import { type ConfigFault, keyOf, nearest, sentenceList } from './fault.ts';

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** What the schema found, in words that name the key and the remedy. `example`: the file that shows how it is done. */
export function schemaFaults(
  schema: Schema,
  issues: readonly Issue[],
  example = 'deploy/hems.example.yaml',
): readonly ConfigFault[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? unknownKeys(schema, issue.path, issue.keys) : [described(issue, example)],
  );
}

function unknownKeys(schema: Schema, path: readonly PropertyKey[], keys: readonly string[]): readonly ConfigFault[] {
  const siblings = knownKeys(schema, path);
  return keys.map((key) => {
    const meant = nearest(key, siblings);
    return {
      key: keyOf([...path, key]),
      cause: 'there is no such key',
      remedy: meant === undefined ? `known here are ${siblings.join(', ')}` : `did you mean ${meant}?`,
    };
  });
}

interface Definition {
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly element?: Schema;
  readonly shape?: Record<string, Schema>;
}

/** The part of a schema below defaults, optionals and transformations. */
export function bare(schema: Schema): Schema {
  const definition = schema._zod.def as Definition;
  const inner = definition.innerType ?? definition.in;
  return inner === undefined ? schema : bare(inner);
}

export function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  return (bare(schema)._zod.def as Definition).shape;
}

export function elementOf(schema: Schema): Schema | undefined {
  return (bare(schema)._zod.def as Definition).element;
}

function knownKeys(schema: Schema, path: readonly PropertyKey[]): readonly string[] {
  let at: Schema | undefined = schema;
  for (const part of path) at = at && (typeof part === 'number' ? elementOf(at) : shapeOf(at)?.[String(part)]);
  return Object.keys((at && shapeOf(at)) ?? {});
}

function described(issue: Issue, example: string): ConfigFault {
  const key = keyOf(issue.path) || '(the whole file)';
  const missing = issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
  if (missing) return { key, cause: 'is missing', remedy: `add it; ${example} shows how` };
  return { key, cause: causeOf(issue), remedy: expectation(issue) };
}

function causeOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${shown(issue.input, isSecret(issue.path))} is not of the right kind`;
    case 'too_small':
    case 'too_big':
      return issue.origin === 'array'
        ? 'the list has too few or too many entries'
        : `${shown(issue.input, isSecret(issue.path))} is out of range`;
    default:
      return `${shown(issue.input, isSecret(issue.path))} is not allowed`;
  }
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `write ${article(issue.expected)}`;
    case 'invalid_value':
      return `write ${sentenceList(issue.values.map(String))}`;
    case 'too_small':
      return issue.origin === 'string' ? 'write something' : `at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `at most ${issue.maximum}${unit(issue.origin)}`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  return origin === 'array' ? ' in the list' : origin === 'string' ? ' characters' : '';
}

function article(kind: string): string {
  const words: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a text (in quotes if it looks like a number)',
    boolean: 'true or false',
    array: 'a list',
    object: 'keys and values',
    record: 'keys and values',
  };
  return words[kind] ?? kind;
}

function isSecret(path: readonly PropertyKey[]): boolean {
  return keyOf(path) === 'database.url';
}

/** A value of the file in a message: short, on one line, and never a URL's password. */
function shown(value: unknown, secret: boolean): string {
  if (secret) return 'the value';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a group of keys';
  const text = JSON.stringify(value) ?? String(value);
  if (/:\/\/[^/]*@/.test(text)) return 'the value';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
