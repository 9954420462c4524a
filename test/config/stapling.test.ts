import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkConfig } from '../../src/config/checks.ts';
import { configSchema } from '../../src/config/schema.ts';

function configured(stapling: object) {
  return configSchema.safeParse({
    listeners: [
      {
        name: 'wan',
        publicUrl: 'https://hems.example/cwmp',
        certificates: [{ chain: 'chain.pem', key: 'key.pem' }],
        anchors: ['acme'],
        stapling,
      },
    ],
    anchors: [{ name: 'acme', certificates: ['acme.pem'], realms: ['hnb.acme.example'] }],
  });
}

describe('listeners[].stapling', () => {
  test('is left to the role unless it is said', () => {
    const { data } = configured({});
    assert.deepEqual(data?.listeners[0]?.stapling, { timeout: 10_000 });
  });

  test('takes http and https alone, and no secrets', () => {
    assert.equal(configured({ responder: 'ldap://a.example/' }).success, false);
    assert.equal(configured({ proxy: 'socks5://a.example/' }).success, false);
    const { data } = configured({ responder: 'http://u:p@a.example/', proxy: 'http://u@b.example/' });
    assert.ok(data !== undefined);
    assert.deepEqual(
      checkConfig(data).faults.map(({ key, cause }) => [key, cause]),
      [
        ['listeners[0].stapling.responder', 'holds a user or password'],
        ['listeners[0].stapling.proxy', 'holds a user or password'],
      ],
    );
  });
});
