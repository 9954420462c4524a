import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { describeObservation, judgeStep, type RecordedDecision } from '../../src/simulator/scenarios/judging.ts';
import { demoScenarios } from '../../src/simulator/scenarios/list.ts';
import type { Observation, Scenario, Step } from '../../src/simulator/scenarios/scenario.ts';
import { type FakeAcs, fakeAcs, idle } from './fake-acs.ts';

const root = mkdtempSync(join(tmpdir(), 'hems-scenarios-'));
let pki: DevelopmentPki;
const open: FakeAcs[] = [];
before(async () => {
  pki = await createDevelopmentPki(join(root, 'pki'), new Date());
});
after(async () => {
  await Promise.all(open.map((acs) => acs.close()));
  rmSync(root, { recursive: true, force: true });
});

async function performAll(admits: boolean): Promise<{ scenario: Scenario; seen: readonly Observation[] }[]> {
  const [main, second] = await Promise.all([fakeAcs(pki, idle, () => admits), fakeAcs(pki, idle, () => admits)]);
  open.push(main, second);
  const context = { pki, doors: { main: main.url, second: second.url }, at: new Date() };
  return Promise.all(demoScenarios(1).map(async (scenario) => ({ scenario, seen: await scenario.run(context) })));
}

describe('the scenarios', () => {
  test('cover every reason that a client can be refused for without revocation', () => {
    const reasons = new Set(demoScenarios(1).flatMap(({ steps }) => steps.map(({ expect }) => expect.reason)));
    reasons.delete(undefined);
    assert.deepEqual([...reasons].sort(), [
      'cert_expired',
      'cert_not_yet_valid',
      'chain_incomplete',
      'chain_untrusted',
      'cookie_certificate_mismatch',
      'critical_ext_unknown',
      'device_blocked',
      'device_retired',
      'device_unknown',
      'identity_ambiguous',
      'identity_conflict',
      'identity_mismatch',
      'key_held',
      'no_client_cert',
      'no_shared_cipher',
      'not_tls',
      'null_only_client',
      'protocol_version',
      'purpose_invalid',
      'rc4_only_client',
      'realm_not_permitted',
      'shared_secret_attempt',
      'weak_key',
      'weak_signature',
    ]);
  });

  test('have names of their own, and devices that no other scenario or run has', () => {
    const identities = (run: number): string[] =>
      demoScenarios(run).flatMap(({ prepare }) =>
        prepare.flatMap((device) => device.identities.map(({ identity }) => identity)),
      );
    const names = demoScenarios(1).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.equal(new Set([...identities(1), ...identities(2)]).size, identities(1).length * 2);
    assert.deepEqual(identities(7), identities(7));
  });

  test('run side by side in seconds, one observation a step', { timeout: 30_000 }, async () => {
    const started = performance.now();
    for (const { scenario, seen } of await performAll(true))
      assert.equal(seen.length, scenario.steps.length, scenario.name);
    assert.ok(performance.now() - started < 20_000);
  });

  /** Judges every step with what the fake ACS would have recorded of it. */
  async function judgeAll(
    admits: boolean,
    recorded: (step: Step, seen: Observation) => RecordedDecision[],
    right: (step: Step) => boolean,
  ): Promise<void> {
    for (const { scenario, seen } of await performAll(admits))
      for (const [index, step] of scenario.steps.entries()) {
        const observation = seen[index]!;
        const differences = judgeStep(step, observation, recorded(step, observation));
        assert.equal(
          differences.length === 0,
          right(step),
          `${scenario.name}/${step.label}: ${differences.join('; ')}`,
        );
      }
  }

  test('an ACS that admits everyone is found out in every step that should be refused', { timeout: 30_000 }, () =>
    judgeAll(
      true,
      // What TLS itself refuses is refused here too, and not recorded.
      (_, { statuses }) => (statuses.length > 0 ? [{ outcome: 'admitted' }] : []),
      ({ expect }) => expect.outcome === 'admitted',
    ),
  );

  test('an ACS that refuses everyone is found out in every step that should be admitted', { timeout: 30_000 }, () =>
    judgeAll(
      false,
      ({ expect }) => [{ outcome: 'refused', ...(expect.reason === undefined ? {} : { reason: expect.reason }) }],
      // What is refused inside a session, or on carrying one, needs the session first.
      ({ expect }) =>
        expect.outcome === 'refused' &&
        expect.http === undefined &&
        expect.fault === undefined &&
        expect.resumed === undefined,
    ),
  );
});

describe('judging a step', () => {
  const refusedStep: Step = { label: '', door: 'main', expect: { outcome: 'refused', reason: 'weak_key' } };
  const admittedStep: Step = { label: '', door: 'main', expect: { outcome: 'admitted', http: 204 } };
  const closed: Observation = {
    localPorts: [1],
    informed: false,
    complete: false,
    statuses: [],
    closedBy: 'acs',
    violations: [],
    durationMs: 1,
  };
  const served: Observation = { ...closed, informed: true, complete: true, statuses: [200, 204], closedBy: 'device' };

  test('a refusal has to be recorded, for the right reason', () => {
    assert.deepEqual(judgeStep(refusedStep, closed, [{ outcome: 'refused', reason: 'weak_key' }]), []);
    assert.deepEqual(judgeStep(refusedStep, closed, []), ['no decision recorded']);
    assert.deepEqual(judgeStep(refusedStep, closed, [{ outcome: 'refused', reason: 'cert_expired' }]), [
      'refused as cert_expired, not as weak_key',
    ]);
    assert.deepEqual(judgeStep(refusedStep, closed, [{ outcome: 'admitted' }]), ['admitted']);
  });

  test('no HTTP may have been spoken before admission', () => {
    const spoken = { ...closed, statuses: [403] };
    assert.match(
      judgeStep(refusedStep, spoken, [{ outcome: 'refused', reason: 'weak_key' }]).join(),
      /HTTP 403 before/,
    );
  });

  test('an admission has to be recorded, and nothing refused', () => {
    assert.deepEqual(judgeStep(admittedStep, served, [{ outcome: 'admitted' }]), []);
    assert.deepEqual(judgeStep(admittedStep, served, []), ['no decision recorded']);
    assert.deepEqual(judgeStep(admittedStep, served, [{ outcome: 'admitted' }, { outcome: 'refused', reason: 'x' }]), [
      'refused: x',
    ]);
  });

  test('what the ACS did against the rules counts even in a good session', () => {
    const rude = { ...served, violations: ['asks for a password'] };
    assert.deepEqual(judgeStep(admittedStep, rude, [{ outcome: 'admitted' }]), ['the ACS asks for a password']);
  });

  test('words for the table', () => {
    assert.equal(describeObservation(served), 'HTTP 200, 204');
    assert.equal(describeObservation({ ...closed, alert: 40 }), 'alert handshake_failure');
    assert.equal(describeObservation(closed), 'closed without a word');
    assert.equal(describeObservation({ ...closed, statuses: [200], fault: 8001 }), 'HTTP 200, fault 8001');
    assert.equal(
      describeObservation({ ...closed, closedBy: 'nobody', error: 'ECONNREFUSED' }),
      'no connection: ECONNREFUSED',
    );
  });
});
