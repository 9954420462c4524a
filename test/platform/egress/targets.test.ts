import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressFault } from '../../../src/platform/egress/address-ranges.ts';
import type { ResolvedAddress } from '../../../src/platform/egress/resolution.ts';
import { judgeTarget } from '../../../src/platform/egress/target.ts';
import { asking, forwardProxy, outcome, site, text } from './web.ts';

const at = (address: string): ResolvedAddress => ({ address, family: address.includes(':') ? 6 : 4 });

describe('addresses that nobody is led to', () => {
  test('private, loopback, link-local, metadata, shared, multicast, reserved; also inside IPv6', () => {
    const bad =
      '127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 ' +
      '192.0.2.1 198.18.0.1 168.63.129.16 :: ::1 fe80::1 fd00:ec2::254 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ' +
      '64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2001:db8::1 fec0::1 nonsense';
    for (const address of bad.split(' ')) assert.ok(addressFault(address) !== undefined, address);
    for (const address of ['93.184.216.34', '2606:2800:220:1::1', '::ffff:93.184.216.34', '64:ff9b::5db8:d822'])
      assert.equal(addressFault(address), undefined, address);
  });

  test('however they are written in a URL', () => {
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '127.1',
      '[::1]',
      '[::ffff:7f00:1]',
      '127.0.0.1.',
    ]) {
      const verdict = judgeTarget(`http://${host}/`, {});
      assert.ok('kind' in verdict && verdict.cause === 'address', host);
    }
  });
});

describe('URLs', () => {
  const refusal = (url: string, policy = {}): string | undefined => {
    const verdict = judgeTarget(url, policy);
    return 'kind' in verdict ? verdict.cause : undefined;
  };

  test('line ends, tabs and other characters that a parser drops in silence are refused', () => {
    for (const url of [
      'http://a.example/\r\nHost: b',
      'http://a.exa\tmple/',
      ' http://a.example/',
      'http://a.example/ü',
    ])
      assert.equal(refusal(url), 'url', JSON.stringify(url));
  });

  test('only http and https, without user and password, of bounded length', () => {
    for (const url of ['ldap://a.example/', 'file:///etc/passwd', 'gopher://a.example/'])
      assert.equal(refusal(url), 'scheme');
    assert.equal(refusal('http://user@a.example/'), 'url');
    assert.equal(refusal('http://'), 'url');
    assert.equal(refusal(`http://a.example/${'a'.repeat(2048)}`), 'url');
    assert.equal(refusal('http://a.example/crl'), undefined);
  });

  test('ports 80 and 443, others where the policy names them', () => {
    assert.equal(refusal('http://a.example:8080/'), 'port');
    assert.equal(refusal('http://a.example:22/'), 'port');
    assert.equal(refusal('http://a.example:8080/', { ports: [8080] }), undefined);
    assert.equal(refusal('http://a.example:8080/', { hosts: ['a.example:8080'] }), undefined);
    assert.equal(refusal('http://a.example:8080/', { hosts: ['a.example'] }), 'port');
    assert.equal(refusal('https://a.example/', { ports: [80] }), 'port');
  });

  test('a list of hosts bounds whom a pointer may lead to', () => {
    const policy = { hosts: ['crl.acme.example', '*.zenith.example', '[2606:2800:220:1::1]', 'b.example:443'] };
    for (const url of [
      'http://crl.acme.example/',
      'http://CRL.acme.example./',
      'http://a.b.zenith.example/',
      'http://[2606:2800:220:1::1]/',
      'https://b.example/',
    ])
      assert.equal(refusal(url, policy), undefined, url);
    for (const url of [
      'http://acme.example/',
      'http://zenith.example/',
      'http://evilzenith.example/',
      'http://crl.acme.example.evil.example/',
      'http://b.example/',
    ])
      assert.equal(refusal(url, policy), 'host', url);
  });

  test('a host in the list is not thereby inside: only one that the operator named may have a private address', () => {
    assert.equal(refusal('http://10.0.0.5/', { hosts: ['10.0.0.5'] }), 'address');
    assert.equal(refusal('http://10.0.0.5/', { privateHosts: ['10.0.0.5'] }), undefined);
    assert.equal(refusal('http://10.0.0.5:8080/', { privateHosts: ['10.0.0.5:8080'] }), undefined);
    assert.equal(refusal('http://10.0.0.5/', { privateHosts: ['10.0.0.5:8080'] }), 'address');
    assert.equal(refusal('http://10.0.0.6/', { privateHosts: ['10.0.0.5'] }), 'address');
    assert.equal(refusal('http://[::ffff:10.0.0.5]/', { privateHosts: ['10.0.0.5'] }), undefined, 'the same address');
    assert.equal(refusal('http://10.0.0.5/', { privateHosts: ['*.0.0.5'] }), 'address');
  });
});

describe('names', () => {
  test('are resolved once, and what was judged is what is connected to', async (t) => {
    const { port } = await site(t, (request, response) => response.end(`for ${request.headers.host}`));
    const answers = [at('127.0.0.1'), at('10.0.0.1')];
    const asked: string[] = [];
    const { ask } = asking(t, {
      resolver: async (host) => {
        asked.push(host);
        const next = answers.shift();
        return next === undefined ? [] : [next];
      },
    });
    const result = await ask(`http://ocsp.operator.example:${port}/`, {
      privateHosts: [`ocsp.operator.example:${port}`],
    });
    assert.equal(text(result), `for ocsp.operator.example:${port}`);
    assert.deepEqual(asked, ['ocsp.operator.example']);
  });

  test('that lead inside are refused before a connection is tried, also where only one address of several does', async (t) => {
    const inside = await site(t, (_request, response) => response.end());
    for (const addresses of [
      ['127.0.0.1'],
      ['::ffff:127.0.0.1'],
      ['93.184.216.34', '169.254.169.254'],
      ['::1', '2606:2800:220:1::1'],
    ]) {
      const { ask } = asking(t, { resolver: async () => addresses.map(at) });
      const result = await ask(`http://crl.acme.example:${inside.port}/`, { ports: [inside.port] });
      assert.equal(outcome(result), 'refused: address', String(addresses));
      const wild = await ask(`http://crl.acme.example:${inside.port}/`, {
        ports: [inside.port],
        hosts: ['*.acme.example'],
      });
      assert.equal(outcome(wild), 'refused: address');
    }
    assert.equal(inside.seen.length, 0);
  });

  test('that cannot be resolved, or not in time', async (t) => {
    const { ask } = asking(t, { resolver: () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })) });
    assert.equal(outcome(await ask('http://nowhere.example/')), 'failed: resolution');
    const none = asking(t, { resolver: async () => [] });
    assert.equal(outcome(await none.ask('http://nowhere.example/')), 'failed: resolution');
    const slow = asking(t, { resolver: () => new Promise(() => {}) });
    assert.equal(outcome(await slow.ask('http://slow.example/', {}, { timeout: 100 })), 'failed: timeout');
  });
});

describe('a forward proxy', () => {
  test('gets http in absolute form and https by CONNECT; names are left to it', async (t) => {
    const { port } = await site(t, (_request, response) => response.end());
    const proxy = await forwardProxy(t, port);
    const { ask } = asking(t, { resolver: () => Promise.reject(new Error('not to be asked')) });
    const policy = { proxy: proxy.url, hosts: ['crl.acme.example'] };
    assert.equal(text(await ask('http://crl.acme.example/a.crl', policy)), 'by the proxy');
    assert.equal((await ask('https://crl.acme.example/b.crl', policy)).kind, 'failed', 'no TLS behind this CONNECT');
    assert.deepEqual(proxy.asked, ['GET http://crl.acme.example/a.crl', 'CONNECT crl.acme.example:443']);
  });

  test('needs a list of hosts, since it and not hems resolves the names; addresses are judged all the same', async (t) => {
    const proxy = await forwardProxy(t, 1);
    const { ask } = asking(t);
    assert.equal(outcome(await ask('http://crl.acme.example/', { proxy: proxy.url })), 'refused: host');
    assert.equal(outcome(await ask('http://10.0.0.1/', { proxy: proxy.url, hosts: ['10.0.0.1'] })), 'refused: address');
    assert.equal(
      outcome(await ask('http://a.example/', { proxy: 'socks5://127.0.0.1', hosts: ['a.example'] })),
      'refused: proxy',
    );
    assert.equal(outcome(await ask('http://10.0.0.1/', { proxy: proxy.url, privateHosts: ['10.0.0.1'] })), '200');
  });

  test('that is not there is a failure', async (t) => {
    const { ask } = asking(t);
    const gone = { proxy: 'http://127.0.0.1:1', hosts: ['a.example'] };
    assert.match(outcome(await ask('http://a.example/', gone)), /^failed: (connection|proxy)$/);
    assert.match(outcome(await ask('https://a.example/', gone)), /^failed: (connection|proxy)$/);
  });
});
