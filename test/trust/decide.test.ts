import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/trust/decide.ts';
import {
  type PolicyInForce,
  policySchema,
  type RevocationPolicy,
  sourceName,
} from '../../src/trust/revocation-policy.ts';
import { type CertificateAnswers, operatorList, type Verdict, verdictDetails } from '../../src/trust/verdict.ts';
import { type CertificateStatus, unknownCauses } from '../../src/x509/certificate-status.ts';

const at = new Date('2026-05-01T12:00:00Z');
const hours = (n: number): Date => new Date(at.getTime() + n * 3_600_000);

const crl = { kind: 'operator-crl', url: 'http://crl.operator.example/a.crl' } as const;
const ocsp = { kind: 'operator-ocsp', url: 'http://ocsp.operator.example/' } as const;

type Axes = Partial<Pick<RevocationPolicy, 'depth' | 'combine' | 'onUnknown'>> & {
  readonly sources?: readonly Record<string, unknown>[];
  readonly maxAge?: string;
  readonly grace?: string;
  readonly relaxed?: PolicyInForce['relaxed'];
};

function inForce({ relaxed, ...axes }: Axes): PolicyInForce {
  const document = policySchema.parse({ anchors: [{ name: 'acme', sources: [crl], ...axes }] });
  return { version: '7', policy: document.anchors[0]!, ...(relaxed && { relaxed }) };
}

const revoked = (reason: 'keyCompromise' | 'certificateHold', from: number, to: number): CertificateStatus => ({
  kind: 'revoked',
  reason,
  revokedAt: hours(-50),
  thisUpdate: hours(from),
  nextUpdate: hours(to),
});

/** Every answer that a source can give, in time and out of it. `grace` of the policy is 4 h. */
const statuses: Readonly<Record<string, CertificateStatus | undefined>> = {
  good: { kind: 'good', thisUpdate: hours(-1), nextUpdate: hours(23) },
  'good to this very moment': { kind: 'good', thisUpdate: hours(-1), nextUpdate: at },
  'good, 2 h past': { kind: 'good', thisUpdate: hours(-26), nextUpdate: hours(-2) },
  'good, 5 h past': { kind: 'good', thisUpdate: hours(-29), nextUpdate: hours(-5) },
  'good, endless, new': { kind: 'good', thisUpdate: hours(-0.5) },
  'good, endless, 3 h old': { kind: 'good', thisUpdate: hours(-3) },
  'good, endless, 6 h old': { kind: 'good', thisUpdate: hours(-6) },
  'good from tomorrow': { kind: 'good', thisUpdate: hours(24), nextUpdate: hours(48) },
  'good in 4 minutes': { kind: 'good', thisUpdate: hours(4 / 60), nextUpdate: hours(48) },
  revoked: revoked('keyCompromise', -1, 23),
  'revoked, 5 h past': revoked('keyCompromise', -29, -5),
  'held back': revoked('certificateHold', -1, 23),
  'held back, 2 h past': revoked('certificateHold', -26, -2),
  'held back, 5 h past': revoked('certificateHold', -29, -5),
  ...Object.fromEntries(unknownCauses.map((cause) => [cause, { kind: 'unknown', cause } as const])),
  silent: undefined,
};

const good = statuses.good!;
const leafPrint = 'aa'.repeat(32);
const caPrint = 'bb'.repeat(32);

function answers(
  certificate: string,
  role: 'end-entity' | 'ca',
  ...said: readonly (readonly [source: string, status: CertificateStatus | undefined])[]
): CertificateAnswers {
  const heard = said.flatMap(([source, status]) => (status === undefined ? [] : [{ source, status }]));
  return { certificate, role, answers: heard };
}

function told(verdict: Verdict): string {
  const minutes = (verdict.validUntil.getTime() - at.getTime()) / 60_000;
  const until = `${Math.round(minutes)}min`;
  if (verdict.outcome === 'admit') return ['admit', ...verdict.tolerated, until].join(' ');
  const where = verdict.certificate === caPrint ? ' ca' : '';
  return `${verdict.outcome} ${verdict.cause}/${verdict.detail}${where}`;
}

const override = { until: hours(6), by: 'override' } as const;
const golden = new URL('decide.golden.txt', import.meta.url);

/** All axes against all answers. Where answers part by an axis, that axis has columns of its own. */
function goldenTable(): string {
  const lines: string[] = [];
  const column = (title: string, text: string): string => `    ${title.padEnd(30)} ${text}`;
  for (const [name, status] of Object.entries(statuses)) {
    lines.push(`one source says: ${name}`);
    for (const onUnknown of ['deny', 'quarantine', 'admit'] as const)
      for (const relaxed of [undefined, override]) {
        const policy = inForce({ onUnknown, grace: '4h', ...(relaxed && { relaxed }) });
        const verdict = decide(policy, [answers(leafPrint, 'end-entity', [sourceName(crl), status])], at);
        lines.push(column(`${onUnknown}${relaxed ? ' + override' : ''}`, told(verdict)));
      }
    for (const depth of ['chain', 'end-entity'] as const) {
      const path = [
        answers(leafPrint, 'end-entity', [sourceName(crl), good]),
        answers(caPrint, 'ca', [sourceName(crl), status]),
      ];
      lines.push(column(`of the CA, depth ${depth}`, told(decide(inForce({ depth, grace: '4h' }), path, at))));
    }
    for (const grace of ['0s', '4h'])
      for (const maxAge of ['2h', '1d', '30d']) {
        const path = [answers(leafPrint, 'end-entity', [sourceName(crl), status])];
        lines.push(column(`maxAge ${maxAge}, grace ${grace}`, told(decide(inForce({ maxAge, grace }), path, at))));
      }
    const none = decide(undefined, [answers(leafPrint, 'end-entity', [sourceName(crl), status])], at);
    lines.push(column('no policy', told(none)));
  }
  const pairs = ['good', 'good, 2 h past', 'good, 5 h past', 'revoked', 'held back, 5 h past', 'unreachable'];
  const paired = Object.entries(statuses).filter(([name]) => [...pairs, 'responder-unknown', 'silent'].includes(name));
  for (const [one, first] of paired)
    for (const [other, second] of paired) {
      const path = [answers(leafPrint, 'end-entity', [sourceName(crl), first], [sourceName(ocsp), second])];
      const [all, any] = (['all-must-be-good', 'first-answer'] as const).map((combine) =>
        told(decide(inForce({ combine, grace: '4h', sources: [crl, ocsp] }), path, at)),
      );
      lines.push(`CRL: ${one}; OCSP: ${other}`, column('all-must-be-good', all!), column('first-answer', any!));
    }
  return `${lines.join('\n')}\n`;
}

describe('decide: every axis against every answer', () => {
  test('the golden table holds', () => {
    const table = goldenTable();
    // To accept a change that is meant: HEMS_WRITE_GOLDEN=1, and read the difference line by line.
    if (process.env.HEMS_WRITE_GOLDEN === '1') writeFileSync(golden, table);
    assert.equal(table, readFileSync(golden, 'utf8'));
  });

  test('the operator’s own list refuses under every policy and under none', () => {
    const path = [
      answers(leafPrint, 'end-entity', [sourceName(crl), good], [operatorList, statuses.revoked]),
      answers(caPrint, 'ca', [sourceName(crl), good]),
    ];
    for (const policy of [undefined, inForce({}), inForce({ onUnknown: 'admit', relaxed: override })])
      assert.equal(told(decide(policy, path, at)), 'deny revoked_crl/operator_list');
  });

  test('what an OCSP responder revoked is refused as revoked_ocsp, with its reason', () => {
    const path = [answers(leafPrint, 'end-entity', [sourceName(ocsp), statuses.revoked])];
    assert.equal(told(decide(inForce({ sources: [ocsp] }), path, at)), 'deny revoked_ocsp/key_compromise');
  });

  test('a revoked CA refuses the device, though only the device’s own certificate has to be known', () => {
    const path = [
      answers(leafPrint, 'end-entity', [sourceName(crl), good]),
      answers(caPrint, 'ca', [sourceName(crl), statuses.revoked]),
    ];
    assert.equal(told(decide(inForce({ depth: 'end-entity' }), path, at)), 'deny revoked_crl/key_compromise ca');
  });

  test('a verdict names the policy’s version, all that was heard, and what was tolerated', () => {
    const path = [answers(leafPrint, 'end-entity', [sourceName(crl), statuses['good, 2 h past']])];
    const verdict = decide(inForce({ grace: '4h' }), path, at);
    assert.deepEqual(verdict, {
      outcome: 'admit',
      version: '7',
      validUntil: hours(2),
      evidence: path,
      tolerated: ['grace'],
    });
    assert.equal(decide(undefined, path, at).version, 'none');
  });

  test('a source may have its own maximum age', () => {
    const path = [answers(leafPrint, 'end-entity', [sourceName(crl), good])];
    const policy = inForce({ sources: [{ ...crl, maxAge: '30m' }], maxAge: '10d' });
    assert.equal(told(decide(policy, path, at)), 'deny revocation_stale/stale');
  });

  test('an override ends at its time, and a verdict that rests on it ends with it', () => {
    const silent = [answers(leafPrint, 'end-entity')];
    const relaxed = { until: new Date(at.getTime() + 20_000), by: 'override' } as const;
    assert.equal(decide(inForce({ relaxed }), silent, at).validUntil.getTime(), relaxed.until.getTime());
    assert.equal(decide(inForce({ relaxed }), silent, relaxed.until).outcome, 'deny');
  });
});

const anyStatus = fc.constantFrom(...Object.values(statuses));
const anyPath = fc.array(
  fc.record({
    certificate: fc.constantFrom(leafPrint, caPrint),
    role: fc.constantFrom('end-entity' as const, 'ca' as const),
    answers: fc
      .array(fc.tuple(fc.constantFrom(sourceName(crl), sourceName(ocsp), operatorList, 'nobody knows'), anyStatus), {
        maxLength: 5,
      })
      .map((list) => list.flatMap(([source, status]) => (status === undefined ? [] : [{ source, status }]))),
  }),
  { maxLength: 4 },
);
const anyPolicy = fc
  .record({
    depth: fc.constantFrom('chain' as const, 'end-entity' as const),
    combine: fc.constantFrom('first-answer' as const, 'all-must-be-good' as const),
    onUnknown: fc.constantFrom('deny' as const, 'quarantine' as const, 'admit' as const),
    grace: fc.constantFrom('0s', '4h'),
    maxAge: fc.constantFrom('next-update', '2h', '30d'),
    relaxed: fc.constantFrom(undefined, override),
    sources: fc.constantFrom([crl], [ocsp], [crl, ocsp], [ocsp, crl]),
  })
  .map(({ relaxed, ...axes }) => inForce({ ...axes, ...(relaxed && { relaxed }) }));

describe('decide: whatever is put in', () => {
  test('it answers, and a verdict ends after it began', () => {
    fc.assert(
      fc.property(fc.option(anyPolicy, { nil: undefined }), anyPath, (policy, path) => {
        const verdict = decide(policy, path, at);
        assert.ok(verdict.validUntil.getTime() >= at.getTime());
        if (verdict.outcome !== 'admit') assert.ok([...verdictDetails, 'operator_list'].includes(verdict.detail));
      }),
      { numRuns: 3000 },
    );
  });

  test('a fresh "revoked" anywhere refuses', () => {
    fc.assert(
      fc.property(anyPolicy, anyPath, (policy, path) => {
        const fresh = path.some((asked) => asked.answers.some(({ status }) => status === statuses.revoked));
        fc.pre(fresh);
        assert.equal(decide(policy, path, at).outcome, 'deny');
      }),
      { numRuns: 1000 },
    );
  });

  test('nothing is admitted untolerated unless each certificate asked for has a good answer of the policy’s sources', () => {
    fc.assert(
      fc.property(anyPolicy, anyPath, (policy, path) => {
        const verdict = decide(policy, path, at);
        if (verdict.outcome !== 'admit' || verdict.tolerated.length > 0) return;
        const names = policy.policy.sources.map(sourceName);
        const asked = policy.policy.depth === 'chain' ? path : path.slice(0, 1);
        assert.ok(asked.length > 0);
        for (const one of asked)
          assert.ok(one.answers.some(({ source, status }) => names.includes(source) && status.kind === 'good'));
      }),
      { numRuns: 3000 },
    );
  });
});
