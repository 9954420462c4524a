import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgePath } from '../../src/x509/path.ts';
import { hostileChains } from './hostile-chains.ts';

/** CPU of this process in milliseconds, the least of some runs: what other work on the machine adds is not the judge's. */
function leastCpu(call: () => void, runs: number): number {
  return Math.min(
    ...[...Array(runs)].map(() => {
      const start = process.cpuUsage();
      call();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    }),
  );
}

describe('the worst chains that a stranger can send', () => {
  for (const { name, good, input } of hostileChains()) {
    test(`${name}: ${good ? 'judged' : 'refused'} in under 50 ms of CPU`, () => {
      const { chain } = input();
      assert.ok(chain.length <= 100);
      const bytes = chain.reduce((sum, der) => sum + der.length, 0);
      assert.ok(bytes <= 100 * 1024, `${bytes} bytes are more than TLS lets through`);
      const result = judgePath(input());
      assert.equal(result.ok, good);
      assert.ok(result.ok || result.failures.length <= 64);
      assert.ok(leastCpu(() => judgePath(input()), 5) < 50);
    });
  }

  test('the same chain is judged the same way each time: work is counted, not timed', () => {
    for (const { name, input } of hostileChains()) {
      const [a, b] = [judgePath(input()), judgePath(input())];
      assert.deepEqual(a.ok || a.failures, b.ok || b.failures, name);
    }
  });
});
