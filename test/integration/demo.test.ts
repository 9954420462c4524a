import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { hems, testFolder } from './command.ts';

interface Step {
  readonly scenario: string;
  readonly step: string;
  readonly decision: string;
  readonly reason?: string;
  readonly differences: readonly string[];
}

test('the demo shows every decision as expected, those of revocation too', { timeout: 300_000 }, async (t) => {
  const ended = await hems(['demo', '--json'], { env: { HEMS_DATA_DIR: join(testFolder(t), 'data') } });
  const lines = ended.stdout.trimEnd().split('\n');
  const summary = JSON.parse(lines.pop() ?? '{}') as { expected: number; unexpected: number };
  const steps = lines.map((line) => JSON.parse(line) as Step);
  assert.deepEqual(
    steps.filter(({ differences }) => differences.length > 0),
    [],
  );
  assert.deepEqual([ended.code, summary], [0, { expected: steps.length, unexpected: 0 }]);
  const shown = new Set(steps.map(({ decision, reason, scenario }) => `${scenario}: ${reason ?? decision}`));
  for (const wanted of [
    'Revoked by CRL: revoked_crl',
    'Revoked by OCSP: revoked_ocsp',
    'The OCSP responder is down: revocation_unavailable',
    'The OCSP responder is down: admitted',
    'A CRL past its nextUpdate: revocation_stale',
    'The CA above it is revoked: revoked_crl',
  ])
    assert.ok(shown.has(wanted), wanted);
});
