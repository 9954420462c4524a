import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

/** What each room may import of ours; everything else is an upward or sideways import. */
const allowed: Record<string, readonly string[]> = {
  x509: [],
  cwmp: [],
  config: [],
  platform: ['config'],
  fleet: ['platform', 'x509', 'cwmp', 'config'],
  trust: ['fleet', 'platform', 'x509', 'cwmp', 'config'],
  southbound: ['trust', 'fleet', 'platform', 'x509', 'cwmp', 'config'],
  northbound: ['trust', 'fleet', 'platform', 'x509', 'cwmp', 'config'],
  simulator: ['x509', 'cwmp'],
  app: ['southbound', 'northbound', 'trust', 'fleet', 'platform', 'x509', 'cwmp', 'config'],
  cli: ['app', 'simulator', 'southbound', 'northbound', 'trust', 'fleet', 'platform', 'x509', 'cwmp', 'config'],
};

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly { specifier: string; typeOnly: boolean }[];
}

function roomOf(path: string): string {
  const [first] = relative(src, path).split(sep);
  return (first ?? '').replace(/\.ts$/, '');
}

function importsOf(text: string): Source['imports'] {
  const found = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^import\s+['"]([^'"]+)['"]/gm,
  );
  return [...found].map((m) => ({ specifier: m[2] ?? m[3] ?? m[4] ?? '', typeOnly: m[1] !== undefined }));
}

const sources: readonly Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const path = join(src, name);
    const text = readFileSync(path, 'utf8');
    return { path, room: roomOf(path), text, imports: importsOf(text) };
  });

const name = (source: Source): string => relative(root, source.path);

/** Comments and strings may speak of anything. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

describe('the house', () => {
  test('is not empty, so that the rules below hold of something', () => {
    assert.ok(sources.length > 40, `only ${sources.length} source files found`);
  });

  test('imports run only downward', () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => roomOf(resolve(dirname(source.path), specifier)))
        .filter((room) => room !== source.room && !(allowed[source.room] ?? []).includes(room))
        .map((room) => `${name(source)} imports ${room}`),
    );
    assert.deepEqual(wrong, []);
  });

  test('config lends its types to every room but its loader to cli and app alone', () => {
    const wrong = sources
      .filter(({ room }) => !['config', 'cli', 'app'].includes(room))
      .flatMap((source) =>
        source.imports
          .filter(
            ({ specifier, typeOnly }) =>
              /\/config\//.test(specifier) && !(typeOnly && specifier.endsWith('/schema.ts')),
          )
          .map(({ specifier }) => `${name(source)} imports ${specifier}`),
      );
    assert.deepEqual(wrong, []);
  });

  test('x509 and cwmp are pure: no network, no files, no database, no clock', () => {
    const forbidden = /^(node:(net|tls|https?|http2|fs|fs\/promises|dns|child_process|worker_threads)|pg|fastify)$/;
    const pure = sources.filter(({ room }) => room === 'x509' || room === 'cwmp');
    const imports = pure.flatMap((source) =>
      source.imports.filter(({ specifier }) => forbidden.test(specifier)).map((i) => `${name(source)}: ${i.specifier}`),
    );
    const clocks = pure
      .filter(({ text }) => /Date\.now\(|new Date\(\)|performance\.now|hrtime/.test(code(text)))
      .map(name);
    assert.deepEqual([imports, clocks], [[], []]);
  });

  test('logic in trust and fleet takes the time from a clock it was given', () => {
    const wrong = sources.filter(
      ({ room, text }) =>
        ['trust', 'fleet', 'southbound'].includes(room) && /Date\.now\(|new Date\(\)/.test(code(text)),
    );
    assert.deepEqual(wrong.map(name), []);
  });

  test('SQL stands only in query files', () => {
    const sql =
      /[`'"]\s*(?:select\s[\s\S]*?\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()/i;
    const wrong = sources.filter(
      ({ room, path, text }) => room !== 'platform' && !/(^|[-/])queries\.ts$/.test(path) && sql.test(code(text)),
    );
    assert.deepEqual(wrong.map(name), []);
  });

  test('the doors hold no SQL at all', () => {
    const wrong = sources.filter(
      ({ room, path }) => ['southbound', 'northbound'].includes(room) && /queries\.ts$/.test(path),
    );
    assert.deepEqual(wrong.map(name), []);
  });

  test('fastify is known only to the doors, the environment only to config', () => {
    const fastify = sources.filter(
      ({ room, imports }) =>
        !['southbound', 'northbound'].includes(room) && imports.some((i) => /^(@?fastify)/.test(i.specifier)),
    );
    const environment = sources.filter(({ room, text }) => room !== 'config' && /process\.env\b/.test(code(text)));
    assert.deepEqual([fastify.map(name), environment.map(name)], [[], []]);
  });

  test('HTTP goes out by one place: only platform/egress asks names and servers; the simulator is its own world', () => {
    const outward = /^(undici|node:https|node:dns(\/promises)?|node:http2)$/;
    const wrong = sources
      .filter(({ room, path }) => room !== 'simulator' && !path.includes(join('platform', 'egress')))
      .filter(
        ({ imports, text }) =>
          imports.some(({ specifier }) => outward.test(specifier)) || /(^|[^.\w])fetch\(\s*['"`]http/.test(code(text)),
      );
    assert.deepEqual(wrong.map(name), []);
  });

  test('production cannot reach the development PKI: app imports no simulator, directly or through another room', () => {
    const reached = new Set<string>();
    const visit = (room: string): void => {
      for (const source of sources.filter((s) => s.room === room))
        for (const { specifier } of source.imports.filter((i) => i.specifier.startsWith('.'))) {
          const next = roomOf(resolve(dirname(source.path), specifier));
          if (reached.has(next)) continue;
          reached.add(next);
          visit(next);
        }
    };
    visit('app');
    assert.ok(reached.has('southbound') && reached.has('trust'), 'app wires the rooms');
    assert.ok(!reached.has('simulator'));
  });

  test('a gauge is made in one place, where it must be said what several workers make of it together', () => {
    const wrong = sources.filter(
      ({ path, text }) => !path.endsWith('host-gauge.ts') && /new (Gauge|Summary)\b/.test(code(text)),
    );
    assert.deepEqual(wrong.map(name), []);
  });

  test('nothing is named utils, helpers, common, shared, core, services, models or misc', () => {
    const wrong = sources.filter(({ path }) =>
      /(^|\/)(utils?|helpers?|common|shared|core|misc|services?|models?|managers?)(\.|\/)/i.test(relative(src, path)),
    );
    assert.deepEqual(wrong.map(name), []);
  });

  test('no source file has more than 250 lines, and no test file more than 400', () => {
    const lines = (text: string): number => text.trimEnd().split('\n').length;
    const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join('test', file));
    const wrong = [
      ...sources.filter(({ text }) => lines(text) > 250).map(name),
      ...tests.filter((file) => lines(readFileSync(join(root, file), 'utf8')) > 400),
    ];
    assert.deepEqual(wrong, []);
  });

  test('the map names every room and every room within one, and the README every page of the documentation', () => {
    const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const rooms = readdirSync(src, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
    const missing = [
      ...rooms.map((room) => `${room.name}/`).filter((room) => !map.includes(room)),
      ...pages.map((page) => `(docs/${page})`).filter((link) => !readme.includes(link)),
    ];
    assert.deepEqual(missing, []);
  });
});
