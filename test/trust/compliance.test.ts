import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { configSchema } from '../../src/config/schema.ts';
import { clauses, judgeClauses } from '../../src/trust/compliance/clauses.ts';
import {
  type ComplianceFacts,
  type DeviationName,
  deviationKinds,
  deviationsOf,
} from '../../src/trust/compliance/deviations.ts';
import { policySchema } from '../../src/trust/revocation-policy.ts';

const strict = policySchema.parse({ anchors: [{ name: '*', sources: [{ kind: 'uploaded-crl' }] }] });

function factsOf(
  change: { listener?: object; anchor?: object; rest?: object; facts?: Partial<ComplianceFacts> } = {},
): ComplianceFacts {
  const config: Config = configSchema.parse({
    listeners: [
      {
        name: 'cwmp',
        publicUrl: 'https://hems.example/cwmp',
        certificates: [{ chain: 'a', key: 'b' }],
        anchors: ['acme'],
        ...change.listener,
      },
    ],
    anchors: [{ name: 'acme', certificates: ['x'], ...change.anchor }],
    ...change.rest,
  });
  return { config, mode: 'production', policy: strict, ...change.facts };
}

const policyWith = (entry: object) => ({
  policy: policySchema.parse({ anchors: [{ name: '*', sources: [{ kind: 'uploaded-crl' }], ...entry }] }),
});

/** One setting for each, and where it is found. */
const weak: Readonly<Record<DeviationName, [ComplianceFacts, where: string]>> = {
  development_pki: [factsOf({ facts: { mode: 'development' } }), '--dev'],
  certificate_profile_rfc5280: [factsOf({ anchor: { profile: 'rfc5280' } }), 'anchors[0].profile'],
  certificate_rules_weakened: [
    factsOf({ anchor: { rules: { 'rsa-key-size': 'off' } } }),
    'anchors[0].rules.rsa-key-size',
  ],
  expired_anchor_accepted: [factsOf({ anchor: { acceptExpiredAnchor: true } }), 'anchors[0].acceptExpiredAnchor'],
  legacy_tls_profile: [factsOf({ listener: { profile: 'legacy-rel12' } }), 'listeners[0].profile'],
  own_cipher_string: [factsOf({ listener: { ciphers: 'ECDHE+AESGCM' } }), 'listeners[0].ciphers'],
  shared_secret_ignored: [factsOf({ anchor: { sharedSecret: 'ignore' } }), 'anchors[0].sharedSecret'],
  connection_request_secret: [factsOf({ anchor: { connectionRequest: 'digest' } }), 'anchors[0].connectionRequest'],
  revocation_unchecked: [factsOf({ facts: { policy: undefined } }), 'policy of acme'],
  revocation_fails_open: [factsOf({ facts: policyWith({ onUnknown: 'admit' }) }), 'policy of *'],
  revocation_end_entity_only: [factsOf({ facts: policyWith({ depth: 'end-entity' }) }), 'policy of *'],
  revocation_sha1: [
    factsOf({ facts: policyWith({ sources: [{ kind: 'uploaded-crl', sha1: 'allow' }] }) }),
    'policy of *: uploaded-crl',
  ],
  revocation_overridden: [
    factsOf({ facts: { overriddenUntil: new Date('2026-01-01T00:00:00Z') } }),
    'override until 2026-01-01T00:00:00.000Z',
  ],
};

describe('deviations from the clauses', () => {
  test('the defaults with a policy for every anchor have none', () => {
    assert.deepEqual(deviationsOf(factsOf()), []);
  });

  for (const { name } of deviationKinds)
    test(`${name} is found, alone, and says where it is set`, () => {
      const [facts, where] = weak[name];
      assert.deepEqual(
        deviationsOf(facts).map((one) => [one.name, one.where]),
        [[name, [where]]],
      );
    });

  test('a rule made stricter, or an entry of the policy that no anchor uses, is none', () => {
    assert.deepEqual(deviationsOf(factsOf({ anchor: { rules: { 'crl-distribution-points': 'refuse' } } })), []);
    const unused = policySchema.parse({
      anchors: [...strict.anchors, { name: 'gone', sources: [{ kind: 'uploaded-crl' }], onUnknown: 'admit' }].map(
        (entry) => (entry.name === 'gone' ? entry : { name: '*', sources: [{ kind: 'uploaded-crl' }] }),
      ),
    });
    assert.deepEqual(deviationsOf(factsOf({ facts: { policy: unused } })), []);
  });

  test('each weakens a clause of the table, which then deviates', () => {
    for (const { name } of deviationKinds) {
      const judged = judgeClauses(deviationsOf(weak[name][0]));
      assert.equal(judged.filter(({ verdict }) => verdict === 'deviates').length, 1, name);
    }
    assert.ok(judgeClauses([]).every(({ verdict }) => verdict === 'met'));
  });
});

test('the table of clauses is the one of the README, row by row', () => {
  const readme = readFileSync(join(resolve(import.meta.dirname, '../..'), 'README.md'), 'utf8');
  const section = readme.split('\n## TS 33.320, clause by clause\n')[1]?.split('\n## ')[0] ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| clause') && !line.startsWith('| ---'))
    .map((line) => line.slice(2).split(' | ').slice(0, 2));
  assert.deepEqual(
    clauses.map(({ clause, what }) => [clause, what]),
    rows,
  );
});
