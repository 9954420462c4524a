import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { workerCount, workerShare } from '../../src/config/worker-share.ts';
import { leastConfig } from './least-config.ts';

function config(workers: Config['workers'] = 1): Config {
  const result = loadConfig({
    env: {},
    defaults: { ...leastConfig, workers },
  });
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

describe('several workers', () => {
  test('are as many as are written, or as there are cores, within bounds', () => {
    assert.equal(workerCount(config(3), 16), 3);
    assert.equal(workerCount(config('auto'), 6), 6);
    assert.equal(workerCount(config('auto'), 1), 1);
    assert.equal(workerCount(config('auto'), 256), 64);
  });

  test('have together what the operator set for the host, and hardly more', () => {
    const whole = config();
    for (const workers of [1, 2, 3, 8, 64]) {
      const share = workerShare(whole, workers);
      const pairs: [number, number][] = [
        [whole.limits.handshakesInFlight, share.limits.handshakesInFlight],
        [whole.limits.handshakesInFlightPerAddress, share.limits.handshakesInFlightPerAddress],
        [whole.limits.failuresPerAddress, share.limits.failuresPerAddress],
        [whole.limits.connections, share.limits.connections],
        [whole.limits.sessions, share.limits.sessions],
        [whole.audit.strangerRowsPerMinute, share.audit.strangerRowsPerMinute],
        [whole.audit.strangerRowsPerMinuteTotal, share.audit.strangerRowsPerMinuteTotal],
        [whole.audit.knownRowsPerMinute, share.audit.knownRowsPerMinute],
        [whole.files.transfersAtOnce, share.files.transfersAtOnce],
        [whole.files.cacheBytes, share.files.cacheBytes],
      ];
      for (const [all, one] of pairs) assert.ok(one >= 1 && one * workers >= all && (one - 1) * workers < all);
    }
    assert.equal(workerShare(whole, 4).database.poolSize, 3);
    assert.equal(workerShare(whole, 64).database.poolSize, 2, 'with one connection a worker would wait for itself');
  });

  test('each keep what is meant of one session, one message or one caller', () => {
    const whole = config();
    const share = workerShare(whole, 4);
    for (const key of ['bodyBytes', 'requestsPerSession', 'handshakeTime', 'sessionTime'] as const)
      assert.equal(share.limits[key], whole.limits[key]);
    assert.deepEqual(share.management, whole.management);
    assert.deepEqual(share.listeners, whole.listeners);
  });
});
