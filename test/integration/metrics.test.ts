import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { createDecisionCounter } from '../../src/trust/decision-metrics.ts';
import { describeMetrics, drawMetricsPage, metricsPage, metricsStage } from '../support/metrics-page.ts';
import { until } from './evidence.ts';
import { openStage, type Stage } from './stage.ts';

describe('/metrics', () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage(metricsStage);
  });
  after(() => stage.stop());

  const scrape = async (): Promise<string> => (await fetch(`${stage.app.management}/metrics`)).text();

  test('is told metric by metric in docs/metrics.md (after a change: node test/support/write-metrics-page.ts)', async () => {
    assert.equal(readFileSync(metricsPage, 'utf8'), await drawMetricsPage(stage.metrics));
  });

  test('names every metric hems_<room>_<thing>, with help and labels of closed sets only', async () => {
    for (const { name, help, labelNames } of await describeMetrics(stage.metrics)) {
      assert.match(
        name,
        /^hems_(trust|southbound|fleet|egress|platform)_[a-z_]+$|^hems_(build_info|deviation_active)$/,
      );
      assert.ok(help.length > 5, name);
      for (const label of labelNames) assert.ok(!/device|address|serial|identity|fingerprint/.test(label), name);
    }
  });

  test('has no series of a device, however many there are, and stays as long', async () => {
    const before = await scrape();
    const { rows } = await stage.db.query<{ id: string }>({
      text: `insert into devices (id, state, state_since, origin, registered_anchor, registered_at)
             select gen_random_uuid(), 'expected', now(), 'operator', 'acme', now() from generate_series(1, 5000)
             returning id`,
    });
    const counted = await until(
      scrape,
      (text) => /^hems_fleet_devices\{state="expected"\} 5\d{3}$/m.test(text),
      'the devices are counted',
      90_000,
    );
    assert.ok(!rows.some(({ id }) => counted.includes(id)));
    assert.ok(counted.length < before.length + 8000, `${before.length} and then ${counted.length} bytes`);
  });

  test('says of the development PKI that it is weaker than the clause, and of RC4 nothing, for there is none', async () => {
    const text = await scrape();
    assert.match(text, /^hems_deviation_active\{deviation="development_pki"\} 1$/m);
    assert.match(text, /^hems_deviation_active\{deviation="revocation_unchecked"\} 1$/m);
    assert.match(text, /^hems_deviation_active\{deviation="shared_secret_ignored"\} 0$/m);
    assert.match(text, /^hems_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+"\} 1$/m);
    assert.match(text, /^hems_trust_anchor_not_after_seconds\{anchor="acme"\} \d+/m);
  });
});

test('twenty anchors, every suite and version: still below a megabyte, gathered in moments', async () => {
  const registry = new Registry();
  const anchors = Array.from({ length: 20 }, (_, i) => `manufacturer-with-a-long-name-${i}`);
  const count = createDecisionCounter(registry, anchors);
  for (let i = 0; i < 400; i += 1)
    count({
      ...{ outcome: 'refused', id: 'x', at: new Date(), stage: 'tls', reason: 'handshake_other', detail: 'other' },
      peer: 'stranger',
      // What a client could write there if anything went wrong before.
      facts: { tlsVersion: `TLSv9.${i}`, cipherSuite: i % 2 === 0 ? `TLS_MADE_UP_${i}` : `evil"} ${i}` },
    } as never);
  const text = await registry.metrics();
  assert.ok(text.length < 1_000_000, `${text.length} bytes`);
  assert.ok((text.match(/hems_trust_decisions_by_tls_total\{/g) ?? []).length <= 42);
  assert.ok(!text.includes('evil'));
  const started = performance.now();
  for (let i = 0; i < 5; i += 1) await registry.metrics();
  console.log(`one gathering of ${text.length} bytes: ${((performance.now() - started) / 5).toFixed(1)} ms`);
});
