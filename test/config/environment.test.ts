import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { ConfigFault } from '../../src/config/fault.ts';
import { type LoadOptions, loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { cleanup } from '../support/cleanup.ts';
import { leastConfig as defaults } from './least-config.ts';

function loaded(env: Record<string, string>, options: Partial<LoadOptions> = {}): Config {
  const result = loadConfig({ env, defaults, ...options });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

function faults(env: Record<string, string>, options: Partial<LoadOptions> = {}): readonly ConfigFault[] {
  const result = loadConfig({ env, defaults, ...options });
  assert.ok(!result.ok, 'it was accepted');
  return result.faults;
}

function secretFile(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hems-config-'));
  cleanup(t, () => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, content);
  return file;
}

describe('the environment', () => {
  test('sets what it may, over the file and below flags', () => {
    const env = {
      HEMS_DATA_DIR: 'data',
      DATABASE_URL: 'postgresql://u@h/d',
      HEMS_CWMP_PORT: '0',
      HEMS_MANAGEMENT_PORT: '9000',
      HEMS_LOG_LEVEL: 'debug',
      HEMS_WORKERS: '4',
    };
    const config = loaded(env);
    assert.equal(config.dataDir, resolve('data'));
    assert.equal(config.database.url, 'postgresql://u@h/d');
    assert.equal(config.listeners[0]?.port, 0);
    assert.equal(config.management.port, 9000);
    assert.equal(config.log.level, 'debug');
    assert.equal(config.workers, 4);
    assert.equal(loaded({ HEMS_WORKERS: 'auto' }).workers, 'auto');
    assert.equal(loaded({}).workers, 1);
    const flags = loaded(env, { overrides: { log: { level: 'silent' }, management: { port: 1 } } });
    assert.deepEqual([flags.log.level, flags.management.port], ['silent', 1]);
  });

  test('names the file with HEMS_CONFIG, unless a flag does', (t) => {
    const file = secretFile(t, 'log: { level: warn }\n');
    assert.equal(loaded({ HEMS_CONFIG: file }).log.level, 'warn');
    assert.equal(loaded({ HEMS_CONFIG: '/nowhere' }, { file }).log.level, 'warn');
    assert.equal(faults({ HEMS_CONFIG: '/nowhere' })[0]?.key, '/nowhere');
  });

  test('counts an empty variable as none', () => {
    assert.equal(loaded({ HEMS_LOG_LEVEL: '', HEMS_CWMP_PORT: '' }).log.level, 'info');
  });

  test('is refused with the name of the variable', () => {
    const only = (env: Record<string, string>): string =>
      faults(env)
        .map(({ key }) => key)
        .join();
    for (const port of ['x', '-1', '65536', '1e3', '80 '])
      assert.equal(only({ HEMS_CWMP_PORT: port }), 'HEMS_CWMP_PORT');
    assert.equal(only({ HEMS_LOG_LEVEL: 'loud' }), 'log.level');
    for (const workers of ['two', '-1', '1.5']) assert.equal(only({ HEMS_WORKERS: workers }), 'HEMS_WORKERS');
    for (const workers of ['0', '65']) assert.equal(only({ HEMS_WORKERS: workers }), 'workers');
    const two = { ...defaults, listeners: [...defaults.listeners, { ...defaults.listeners[0]!, name: 'b', port: 1 }] };
    assert.equal(faults({ HEMS_CWMP_PORT: '1' }, { defaults: two })[0]?.key, 'HEMS_CWMP_PORT');
  });

  test('reports HEMS_ variables that it does not know: a likely slip as a fault, another as a warning', () => {
    assert.deepEqual(faults({ HEMS_CWMP_PROT: '1' }), [
      {
        key: 'HEMS_CWMP_PROT',
        cause: 'hems knows no such environment variable',
        remedy: 'did you mean HEMS_CWMP_PORT?',
      },
    ]);
    const result = loadConfig({ env: { HEMS_COLOUR_SCHEME: 'x' }, defaults });
    assert.ok(result.ok);
    assert.deepEqual(
      result.warnings.map(({ key }) => key),
      ['HEMS_COLOUR_SCHEME'],
    );
  });

  test('lets what Kubernetes and the tests set pass', () => {
    const env = {
      HEMS_PORT: 'tcp://10.0.0.1:7547',
      HEMS_PORT_7547_TCP_ADDR: '10.0.0.1',
      HEMS_SERVICE_HOST: '10.0.0.1',
      HEMS_SERVICE_PORT: '7547',
      HEMS_TEST_POSTGRES_URL: 'x',
    };
    const result = loadConfig({ env, defaults });
    assert.ok(result.ok);
    assert.deepEqual(result.warnings, []);
  });

  test('reads the database URL from a file that is mounted as a secret', (t) => {
    const file = secretFile(t, 'postgresql://u:geheim@h/d\n');
    assert.equal(loaded({ DATABASE_URL_FILE: file }).database.url, 'postgresql://u:geheim@h/d');
    assert.match(faults({ DATABASE_URL_FILE: file, DATABASE_URL: 'x' })[0]?.cause ?? '', /DATABASE_URL is set as well/);
    assert.match(faults({ DATABASE_URL_FILE: '/nowhere' })[0]?.cause ?? '', /\/nowhere cannot be read/);
    assert.match(faults({ DATABASE_URL_FILE: secretFile(t, '\n') })[0]?.cause ?? '', /is empty/);
  });
});
