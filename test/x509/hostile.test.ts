import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgePath, type PathResult } from '../../src/x509/path.ts';
import { defaultPathLimits, newBudget, type PathWork } from '../../src/x509/path-limits.ts';
import { hostileChains } from './hostile-chains.ts';

const chains = hostileChains();

type Counted = keyof PathWork;
const counted = Object.keys(newBudget(defaultPathLimits)) as Counted[];

/** What a limit that is too small says; a chain that is fine within less says nothing of the kind. */
function isExhausted(result: PathResult): boolean {
  return !result.ok && result.failures.some(({ detail }) => detail === 'budget_exhausted');
}

describe('the worst chains that a stranger can send', () => {
  for (const { name, good, input } of chains) {
    test(`${name}: ${good ? 'judged' : 'refused'} within the limits`, () => {
      const { chain } = input();
      assert.ok(chain.length <= 100);
      const bytes = chain.reduce((sum, der) => sum + der.length, 0);
      assert.ok(bytes <= 100 * 1024, `${bytes} bytes are more than TLS lets through`);
      const result = judgePath(input());
      assert.equal(result.ok, good);
      assert.ok(result.ok || result.failures.length <= 64);
      for (const what of counted) assert.ok(result.work[what] <= defaultPathLimits[what], what);
    });

    test(`${name}: with smaller limits it costs no more than they say`, () => {
      const { work } = judgePath(input());
      for (const what of counted.filter((one) => work[one] > 1)) {
        const limit = Math.floor(work[what] / 2);
        const result = judgePath({ ...input(), limits: { [what]: limit } });
        assert.ok(result.work[what] <= limit, what);
        assert.ok(isExhausted(result), `${what} at ${limit} says so`);
      }
    });
  }

  test('each limit is reached by a chain that would go beyond it', () => {
    const works = chains.map(({ input }) => judgePath(input()));
    for (const what of counted) {
      const most = Math.max(...works.map(({ work }) => work[what]));
      assert.ok(most > defaultPathLimits[what] / 8, `the dearest takes ${most} of ${defaultPathLimits[what]} ${what}`);
    }
  });

  test('the same chain is judged the same way each time: work is counted, not timed', () => {
    for (const { name, input } of chains) {
      const [a, b] = [judgePath(input()), judgePath(input())];
      assert.deepEqual(a.ok || a.failures, b.ok || b.failures, name);
    }
  });
});
