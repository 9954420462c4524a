import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type LoadOptions, loadConfig } from '../../src/config/load.ts';
import { durationText, maskSecrets, printConfig } from '../../src/config/mask.ts';
import type { Config, ConfigInput } from '../../src/config/schema.ts';

const defaults = {
  listeners: [{ name: 'a', publicUrl: 'https://x/', certificates: [{ chain: '/c', key: '/k' }], anchors: ['acme'] }],
  anchors: [{ name: 'acme', certificates: ['/a'], realms: ['hnb.acme.example'] }],
} satisfies LoadOptions['defaults'];

function withUrl(url: string): Config {
  const result = loadConfig({ env: { DATABASE_URL: url }, defaults });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

describe('secrets', () => {
  test('do not appear in what is printed, wherever a URL may hold them', () => {
    for (const url of [
      'postgresql://u:geheim@h/d',
      'postgresql://u:g%2Fgeheim%40x@h:5432/d?sslmode=require',
      'postgresql://u@h/d?password=geheim',
      'postgresql://u@h/d?sslpassword=geheim&host=/run',
    ]) {
      const config = withUrl(url);
      for (const printed of [JSON.stringify(maskSecrets(config)), printConfig(config)]) {
        assert.doesNotMatch(printed, /geheim/, url);
        assert.match(printed, /\*\*\*/, url);
      }
      assert.equal(config.database.url, url, 'the configuration itself keeps it');
    }
  });

  test('do not appear in faults', () => {
    for (const url of [
      'geheim',
      'mysql://u:geheim@h/d',
      'postgresql://u:12/geheim@h/d',
      'postgresql://u:geheim@h:x/d',
    ]) {
      const result = loadConfig({ env: { DATABASE_URL: url }, defaults });
      assert.ok(!result.ok, url);
      assert.deepEqual(
        result.faults.map(({ key }) => key),
        ['database.url'],
      );
      assert.doesNotMatch(JSON.stringify(result), /geheim/, url);
    }
    const result = loadConfig({ env: {}, defaults, overrides: { database: { url: ['geheim'] as never } } });
    assert.doesNotMatch(JSON.stringify(result), /geheim/);
  });
});

describe('what `config print` prints', () => {
  test('is a file that loads again and means the same', () => {
    const config = withUrl('postgresql://u@h/d');
    const result = loadConfig({ env: {}, defaults: parse(printConfig(config)) as ConfigInput });
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(result.config, config);
  });

  test('has durations as people write them', () => {
    assert.match(printConfig(withUrl('postgresql://u@h/d')), /^maxResumptionAge: 12h$[\s\S]*^ {2}idleTime: 75s$/m);
    assert.deepEqual([1, 1500, 60_000, 90_000, 86_400_000].map(durationText), ['1ms', '1500ms', '1m', '90s', '1d']);
  });
});
