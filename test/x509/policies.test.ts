import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { PolicyInputs } from '../../src/x509/policy-graph.ts';
import { anchorOf, verdict } from './judging.ts';
import { keyNumber, type Minted, mint } from './minting.ts';
import * as ext from './minting-extensions.ts';
import { type PolicyCertificate, treeAccepts } from './policy-tree.ts';

const any = '2.5.29.32.0';
const policy = (n: number | string): string => (n === '*' ? any : `1.3.6.1.4.1.99999.${n}`);

const root = mint({ subject: 'CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });
const anchor = anchorOf(root);

/** Certificates from the top down; the last is the leaf. */
function chainOf(certificates: readonly PolicyCertificate[]): Minted[] {
  const made: Minted[] = [];
  for (const [i, certificate] of certificates.entries()) {
    const by: Minted = made[0] ?? root;
    const final = i === certificates.length - 1;
    const { policies, mappings, requireExplicit, inhibitMapping, inhibitAny, selfIssued } = certificate;
    const extensions = [
      ...(final ? ext.deviceExtensions() : ext.caExtensions()),
      ...(policies === undefined ? [] : [ext.certificatePolicies(policies)]),
      ...(mappings === undefined || final ? [] : [ext.policyMappings(mappings)]),
      ...((requireExplicit ?? inhibitMapping) === undefined || final
        ? []
        : [ext.policyConstraints(requireExplicit, inhibitMapping)]),
      ...(inhibitAny === undefined || final ? [] : [ext.inhibitAnyPolicy(inhibitAny)]),
    ];
    made.unshift(mint({ subject: selfIssued ? by.subject : `CN=${i}`, key: keyNumber(10 + i), by, extensions }));
  }
  return made;
}

const judged = (certificates: readonly PolicyCertificate[], inputs: PolicyInputs = {}): string =>
  verdict(chainOf(certificates), anchor, { policy: inputs });

const has = (...numbers: (number | string)[]): PolicyCertificate => ({ policies: numbers.map(policy) });
const explicit: PolicyInputs = { requireExplicit: true };
const initially = (...numbers: (number | string)[]): PolicyInputs => ({ ...explicit, initial: numbers.map(policy) });

describe('certificate policies (RFC 5280 6.1, RFC 9618)', () => {
  test('do not matter unless someone asks for one', () => {
    assert.equal(judged([{}, {}]), 'good');
    assert.equal(judged([has(1), has(2)]), 'good');
    assert.equal(judged([has(1), has(2)], { initial: [policy(3)] }), 'good');
  });

  test('asked for by the caller must run through the whole path', () => {
    assert.equal(judged([has(1), has(1)], explicit), 'good');
    assert.equal(judged([has(1, 2), has(2, 3)], explicit), 'good');
    assert.equal(judged([has(1), has(2)], explicit), 'policy');
    assert.equal(judged([has(1), {}], explicit), 'policy');
    assert.equal(judged([{}, has(1)], explicit), 'policy');
  });

  test('must be among those that the caller wants', () => {
    assert.equal(judged([has(1, 2), has(1, 2)], initially(2)), 'good');
    assert.equal(judged([has(1), has(1)], initially(2)), 'policy');
    assert.equal(judged([has(1), has(1)], initially('*')), 'good');
    assert.equal(judged([has(1), has(1)], initially()), 'policy');
  });

  test('anyPolicy stands for each of them', () => {
    assert.equal(judged([has('*'), has(1)], initially(1)), 'good');
    assert.equal(judged([has(1), has('*')], initially(1)), 'good');
    assert.equal(judged([has('*'), has('*')], initially(1)), 'good');
    assert.equal(judged([has(2), has('*')], initially(1)), 'policy');
  });

  test('inhibitAnyPolicy ends that, not for self-issued certificates', () => {
    assert.equal(judged([has('*'), has('*')], { ...explicit, inhibitAny: true }), 'policy');
    assert.equal(judged([{ ...has(1), inhibitAny: 0 }, has('*')], explicit), 'policy');
    assert.equal(judged([{ ...has(1), inhibitAny: 1 }, has('*')], explicit), 'good');
    assert.equal(judged([{ ...has(1), inhibitAny: 1 }, has('*'), has('*')], explicit), 'policy');
    assert.equal(judged([{ ...has(1), inhibitAny: 0 }, { ...has('*'), selfIssued: true }, has(1)], explicit), 'good');
  });

  test('requireExplicitPolicy asks for one after so many certificates', () => {
    assert.equal(judged([{ requireExplicit: 0 }, {}]), 'policy');
    assert.equal(judged([{ ...has(1), requireExplicit: 0 }, has(1)]), 'good');
    assert.equal(judged([{ requireExplicit: 2 }, {}]), 'good');
    assert.equal(judged([{ requireExplicit: 1 }, {}]), 'policy');
    assert.equal(judged([{ requireExplicit: 1 }, { selfIssued: true }, {}]), 'policy');
    assert.equal(judged([{ requireExplicit: 2 }, { requireExplicit: 7 }, {}]), 'policy');
  });

  test('are mapped where mapping is allowed', () => {
    const maps = (inhibitMapping?: number): PolicyCertificate => ({
      ...has(1),
      mappings: [[policy(1), policy(2)]],
      ...(inhibitMapping === undefined ? {} : { inhibitMapping }),
    });
    assert.equal(judged([maps(), has(2)], initially(1)), 'good');
    assert.equal(judged([maps(), has(1)], initially(1)), 'policy');
    assert.equal(judged([maps(), has(2)], initially(2)), 'policy');
    assert.equal(judged([maps(), has(2)], { ...initially(1), inhibitMapping: true }), 'policy');
    assert.equal(judged([{ ...has(1), inhibitMapping: 0 }, maps(), has(2)], explicit), 'policy');
    assert.equal(judged([{ ...has(1), inhibitMapping: 1 }, maps(), has(2)], explicit), 'good');
  });

  test('are mapped from what anyPolicy stands for', () => {
    const top: PolicyCertificate = { ...has('*'), mappings: [[policy(1), policy(2)]] };
    assert.equal(judged([top, has(2)], initially(1)), 'good');
    // Policy 2 of the subject's domain is policy 1 of the caller's, and no longer itself.
    assert.equal(judged([top, has(2)], initially(2)), 'policy');
    assert.equal(judged([top, has(3)], initially(3)), 'good');
    assert.equal(judged([top, has(3)], initially(1)), 'policy');
  });

  test('are never mapped to or from anyPolicy', () => {
    assert.equal(judged([{ ...has(1), mappings: [[any, policy(2)]] }, has(2)]), 'policy');
    assert.equal(judged([{ ...has(1), mappings: [[policy(1), any]] }, has(2)]), 'policy');
  });

  test('that would grow a tree exponentially grow a graph a little', () => {
    // Each level maps each of two policies to both of the next: 2^n paths through the tree.
    const levels = [...Array(20).keys()].map((i): PolicyCertificate => {
      const [a, b, c, d] = [2 * i, 2 * i + 1, 2 * i + 2, 2 * i + 3].map(policy) as [string, string, string, string];
      return {
        policies: [a, b],
        mappings: [
          [a, c],
          [a, d],
          [b, c],
          [b, d],
        ],
      };
    });
    const end = has(40, 41);
    assert.equal(judged([...levels, end], explicit), 'good');
    assert.equal(judged([...levels, end], initially(0)), 'good');
    assert.equal(judged([...levels, end], initially(40)), 'policy');
    const chain = chainOf([...levels, end]);
    assert.equal(verdict(chain, anchor, { policy: explicit, limits: { policySteps: 60 } }), 'budget_exhausted');
  });

  test('are judged by the graph as by the tree of RFC 5280', () => {
    const number = fc.constantFrom<(number | string)[]>(1, 2, 3, '*');
    const certificate = fc.record(
      {
        policies: fc.uniqueArray(number, { minLength: 1, maxLength: 3 }).map((list) => list.map(policy)),
        mappings: fc.array(
          fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(1, 2, 3)).map(([a, b]) => [policy(a), policy(b)] as const),
          { minLength: 1, maxLength: 3 },
        ),
        requireExplicit: fc.nat(2),
        inhibitMapping: fc.nat(2),
        inhibitAny: fc.nat(2),
        selfIssued: fc.boolean(),
      },
      { requiredKeys: ['policies'] },
    );
    const inputs = fc.record(
      {
        requireExplicit: fc.constant(true),
        inhibitMapping: fc.boolean(),
        inhibitAny: fc.boolean(),
        initial: fc.uniqueArray(number, { maxLength: 2 }).map((list) => list.map(policy)),
      },
      { requiredKeys: [] },
    );
    const counts = { good: 0, policy: 0 };
    fc.assert(
      fc.property(fc.array(certificate, { minLength: 1, maxLength: 4 }), inputs, (path, given) => {
        const expected = treeAccepts(path, given) ? 'good' : 'policy';
        counts[expected]++;
        assert.equal(judged(path, given), expected);
      }),
      { numRuns: 600 },
    );
    assert.ok(counts.good > 50 && counts.policy > 50, `one-sided: ${JSON.stringify(counts)}`);
  });
});
