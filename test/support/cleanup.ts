import type { TestContext } from 'node:test';

const pending = new WeakMap<TestContext, (() => unknown)[]>();

/** Like `t.after`, but backwards: what was made last is cleared away first. node:test runs its hooks forwards. */
export function cleanup(t: TestContext, fn: () => unknown): void {
  const stack = pending.get(t);
  if (stack !== undefined) {
    stack.push(fn);
    return;
  }
  const fresh = [fn];
  pending.set(t, fresh);
  t.after(async () => {
    let failure: unknown;
    for (let next = fresh.pop(); next !== undefined; next = fresh.pop())
      try {
        await next();
      } catch (error) {
        failure ??= error;
      }
    if (failure !== undefined) throw failure;
  });
}
