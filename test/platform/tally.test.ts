import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { tallyCounter, tallyHistogram } from '../../src/platform/tally.ts';

describe('what is tallied', () => {
  test('stands in the metrics when somebody asks, at 0 from the start', async () => {
    const registry = new Registry();
    const counter = tallyCounter({ name: 'seen_total', help: 'x', labelNames: ['what'], registers: [registry] });
    const cells = counter.series({ what: 'cell' });
    counter.series({ what: 'other' });
    cells();
    cells(4);
    assert.match(await registry.metrics(), /seen_total\{what="cell"\} 5\n/);
    cells();
    const text = await registry.metrics();
    assert.match(text, /seen_total\{what="cell"\} 6\n/);
    assert.match(text, /seen_total\{what="other"\} 0\n/);
  });

  test('keeps every observation, asked for or not', async () => {
    const registry = new Registry();
    const observe = tallyHistogram({
      name: 'took_seconds',
      help: 'x',
      labelNames: ['what'],
      buckets: [1, 10],
      registers: [registry],
    }).series({ what: 'cell' });
    for (let i = 0; i < 1000; i++) observe(i % 2 === 0 ? 0.5 : 5);
    const text = await registry.metrics();
    assert.match(text, /took_seconds_bucket\{le="1",what="cell"\} 500\n/);
    assert.match(text, /took_seconds_bucket\{le="10",what="cell"\} 1000\n/);
    assert.match(text, /took_seconds_sum\{what="cell"\} 2750\n/);
  });
});
