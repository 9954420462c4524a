import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { loadPolicyFile } from '../../src/cli/policy-file.ts';
import { type PolicyDocument, policyOf, policySchema, uncheckedAnchors } from '../../src/trust/revocation-policy.ts';
import { cleanup } from '../support/cleanup.ts';

const example = resolve(import.meta.dirname, '../../deploy/revocation-policy.example.yaml');

function load(t: TestContext, content: unknown, anchors?: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'hems-policy-'));
  cleanup(t, () => rmSync(folder, { recursive: true }));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, typeof content === 'string' ? content : stringify(content));
  return loadPolicyFile(file, anchors);
}

function read(t: TestContext, content: unknown): PolicyDocument {
  const result = load(t, content);
  assert.ok(result.ok, JSON.stringify(result));
  return result.document;
}

/** `key: cause; remedy` of every fault, without the place in the file. */
function faults(t: TestContext, content: unknown, anchors?: readonly string[]): readonly string[] {
  const result = load(t, content, anchors);
  assert.ok(!result.ok, 'it was accepted');
  return result.faults.map(({ key, cause, remedy }) => `${key}: ${cause.replace(/ \(.*line \d+\)$/, '')}; ${remedy}`);
}

const one = (source: Record<string, unknown>, more: Record<string, unknown> = {}): unknown => ({
  anchors: [{ name: 'acme', sources: [source], ...more }],
});

describe('the policy file', () => {
  test('the sample is in order, and shows every key', () => {
    const result = loadPolicyFile(example, ['acme', 'operator']);
    assert.ok(result.ok, JSON.stringify(result));
    const [acme] = result.document.anchors;
    assert.deepEqual(
      acme?.sources.map(({ kind }) => kind),
      ['operator-ocsp', 'uploaded-crl', 'manufacturer-crl', 'cert-cdp'],
    );
    const written = result.content as { anchors: Record<string, unknown>[] };
    const shown = new Set(Object.keys(written.anchors[0] ?? {}));
    assert.deepEqual(
      Object.keys(policySchema.shape.anchors.element.shape).filter((key) => !shown.has(key)),
      [],
    );
  });

  test('what it does not say is the strictest choice', (t) => {
    const [policy] = read(t, one({ kind: 'uploaded-crl' })).anchors;
    assert.deepEqual(policy, {
      name: 'acme',
      depth: 'chain',
      sources: [{ kind: 'uploaded-crl', sha1: 'refuse' }],
      combine: 'all-must-be-good',
      onUnknown: 'deny',
      maxAge: 'next-update',
      grace: 0,
      timeout: 5000,
      nonce: 'require',
      limits: { crlBytes: 67_108_864, pointerUrls: 1000, pointerBytes: 536_870_912, pointerFetchesPerMinute: 60 },
    });
  });

  test('a policy without entries is one: nothing is checked, and that is said', (t) => {
    assert.deepEqual(uncheckedAnchors(read(t, { anchors: [] }), ['acme']), ['acme']);
    assert.deepEqual(uncheckedAnchors(read(t, one({ kind: 'uploaded-crl' })), ['acme', 'zenith']), ['zenith']);
    assert.deepEqual(uncheckedAnchors(undefined, ['acme']), ['acme']);
  });

  test('an anchor has its own entry, else that of "*", else none', (t) => {
    const document = read(t, {
      anchors: [
        { name: '*', sources: [{ kind: 'cert-cdp' }] },
        { name: 'acme', sources: [{ kind: 'uploaded-crl' }] },
      ],
    });
    assert.equal(policyOf(document, 'acme')?.sources[0]?.kind, 'uploaded-crl');
    assert.equal(policyOf(document, 'other')?.sources[0]?.kind, 'cert-cdp');
    const only = read(t, one({ kind: 'uploaded-crl' }));
    assert.equal(policyOf(only, 'other'), undefined);
  });
});

describe('a fault of the policy names its key, and what to do', () => {
  const cases: readonly (readonly [what: string, content: unknown, fault: RegExp])[] = [
    ['nothing at all', {}, /^anchors: is missing; add it; deploy\/revocation-policy\.example\.yaml/],
    ['an unknown key', one({ kind: 'uploaded-crl' }, { onUnkown: 'deny' }), /onUnkown: .*did you mean onUnknown\?/],
    [
      'an unknown key of a source',
      one({ kind: 'uploaded-crl', sha: 'allow' }),
      /sources\[0\]\.sha: .*did you mean sha1/,
    ],
    [
      'an unknown choice',
      one({ kind: 'uploaded-crl' }, { onUnknown: 'ask' }),
      /onUnknown: "ask".*deny, quarantine or admit/,
    ],
    ['an unknown source', one({ kind: 'ldap' }), /sources\[0\]\.kind: "ldap".*operator-crl, manufacturer-crl/],
    ['no sources', { anchors: [{ name: 'acme', sources: [] }] }, /anchors\[0\]\.sources: .*at least 1/],
    [
      'a source without URL',
      one({ kind: 'operator-crl' }),
      /sources\[0\]\.url: is missing; say where the operator-crl is/,
    ],
    ['a URL that is none', one({ kind: 'operator-ocsp', url: 'ocsp' }), /sources\[0\]\.url: "ocsp".*http or https URL/],
    ['an ldap URL', one({ kind: 'operator-crl', url: 'ldap://x/y' }), /sources\[0\]\.url: "ldap.*http or https URL/],
    ['a file URL', one({ kind: 'operator-crl', url: 'file:///etc/passwd' }), /sources\[0\]\.url: .*http or https URL/],
    [
      'a URL for a pointer',
      one({ kind: 'cert-aia', url: 'http://x.example/' }),
      /url: cert-aia has none of its own.*operator-ocsp/,
    ],
    [
      'hosts for a URL',
      one({ kind: 'operator-crl', url: 'http://x.example/', hosts: ['x'] }),
      /hosts: .*follows no pointers/,
    ],
    [
      'a proxy without hosts',
      one({ kind: 'cert-cdp', proxy: 'http://p.example:3128' }),
      /hosts: is missing, and behind a proxy it is mandatory/,
    ],
    [
      'a host with a scheme',
      one({ kind: 'cert-cdp', hosts: ['http://x.example'] }),
      /hosts\[0\]: .*without scheme and path/,
    ],
    [
      'a password in a URL',
      one({ kind: 'operator-crl', url: 'http://a:secret@x.example/' }),
      /url: holds a user or password/,
    ],
    [
      'a password in a proxy',
      one({ kind: 'operator-crl', url: 'http://x.example/', proxy: 'http://a:b@p.example' }),
      /proxy: holds a user/,
    ],
    ['a nonce for a CRL', one({ kind: 'uploaded-crl', nonce: 'off' }), /nonce: CRLs have no nonce/],
    ['a method for a CRL', one({ kind: 'uploaded-crl', method: 'get' }), /method: CRLs are fetched by GET alone/],
    ['GET with a nonce', one({ kind: 'cert-aia', method: 'get' }), /method: GET goes only without a nonce/],
    [
      'a broken signer',
      one({ kind: 'cert-aia', signer: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' }),
      /signer: .*PEM certificate/,
    ],
    [
      'a signer that is no PEM',
      one({ kind: 'cert-aia', signer: '/etc/ocsp.pem' }),
      /signer: .*write a PEM certificate/,
    ],
    ['a span without unit', one({ kind: 'uploaded-crl' }, { grace: '10' }), /grace: "10".*a number and a unit/],
    ['a grace beyond all', one({ kind: 'uploaded-crl' }, { grace: '400d' }), /grace: .*at most 365d/],
    [
      'a grace of many ages',
      one({ kind: 'uploaded-crl' }, { maxAge: '1h', grace: '2d' }),
      /grace: is more than ten times maxAge/,
    ],
    ['a timeout beyond all', one({ kind: 'uploaded-crl' }, { timeout: '10m' }), /timeout: .*between 100ms and 60s/],
    [
      'a maxAge in words',
      one({ kind: 'uploaded-crl' }, { maxAge: 'forever' }),
      /maxAge: "forever".*next-update, or a span/,
    ],
    [
      'a share that is none',
      { confirmCutOff: '5', ...(one({ kind: 'uploaded-crl' }) as object) },
      /confirmCutOff: "5".*1% or 0\.5%/,
    ],
    [
      'a size beyond all',
      one({ kind: 'uploaded-crl' }, { limits: { crlBytes: 2 ** 40 } }),
      /limits\.crlBytes: .*at most/,
    ],
    [
      'an anchor twice',
      {
        anchors: [
          { name: 'a', sources: [{ kind: 'cert-cdp' }] },
          { name: 'a', sources: [{ kind: 'cert-cdp' }] },
        ],
      },
      /anchors\[1\]\.name: anchors\[0\] is for a too/,
    ],
    [
      'a source twice',
      { anchors: [{ name: 'a', sources: [{ kind: 'cert-cdp' }, { kind: 'cert-cdp' }] }] },
      /sources\[1\]: sources\[0\] is the same/,
    ],
  ];
  for (const [what, content, fault] of cases)
    test(what, (t) => {
      const found = faults(t, content);
      assert.ok(
        found.some((line) => fault.test(line)),
        found.join('\n'),
      );
      assert.ok(!found.join('\n').includes('secret'));
    });

  test('an anchor that the configuration does not have', (t) => {
    assert.deepEqual(faults(t, one({ kind: 'uploaded-crl' }), ['bcme']), [
      'anchors[0].name: there is no anchor acme; the anchors are bcme',
    ]);
  });

  test('a file that cannot be read, or is no YAML', (t) => {
    assert.ok(!loadPolicyFile('/nowhere/policy.yaml').ok);
    assert.match(faults(t, 'anchors: [')[0] ?? '', /line/);
  });

  test('the line is told', (t) => {
    const result = load(t, 'anchors:\n  - name: acme\n    depth: all\n    sources:\n      - kind: uploaded-crl\n');
    assert.ok(!result.ok);
    assert.match(result.faults[0]?.cause ?? '', /line 3\)$/);
  });
});
