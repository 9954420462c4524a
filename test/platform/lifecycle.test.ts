import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { createLifecycle } from '../../src/platform/lifecycle.ts';

describe('stopping', () => {
  test('goes backwards, once, and one part that fails does not keep the others running', async () => {
    const [stopped, lines]: [string[], string[]] = [[], []];
    const lifecycle = createLifecycle(pino({}, { write: (line: string) => lines.push(line) }));
    lifecycle.started('database', () => void stopped.push('database'));
    lifecycle.started('trust', () => {
      throw new Error('stuck');
    });
    lifecycle.started('door', async () => {
      await Promise.resolve();
      stopped.push('door');
    });
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    assert.deepEqual(stopped, ['door', 'database']);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /"part":"trust".*did not stop cleanly/);
  });

  test('does not wait for ever for a part that hangs', async () => {
    const stopped: string[] = [];
    const lifecycle = createLifecycle(undefined, 50);
    lifecycle.started('database', () => void stopped.push('database'));
    lifecycle.started('door', () => new Promise(() => undefined));
    await lifecycle.stop();
    assert.deepEqual(stopped, ['database']);
  });

  test('takes along what is started while it goes on, and what is started afterwards', async () => {
    const stopped: string[] = [];
    const lifecycle = createLifecycle();
    lifecycle.started('door', () => {
      stopped.push('door');
      lifecycle.started('in between', () => void stopped.push('in between'));
    });
    await lifecycle.stop();
    lifecycle.started('late', () => void stopped.push('late'));
    await lifecycle.stop();
    assert.deepEqual(stopped, ['door', 'in between', 'late']);
  });
});
