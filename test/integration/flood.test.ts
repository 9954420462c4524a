import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stage as dress, perform, role } from '../../src/simulator/scenarios/cast.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase } from '../support/database.ts';
import { sayPlainly } from './clients.ts';
import { auditRows, metric } from './evidence.ts';
import { openStage } from './stage.ts';

interface Summary {
  readonly reason: string;
  readonly peer: string;
  readonly source: string | null;
  readonly device_id: string | null;
  readonly suppressed: number;
}

const limits = { strangerRowsPerMinute: 3, strangerRowsPerMinuteTotal: 5, knownRowsPerMinute: 4 };
const strangers = 60;
const calls = 9;

describe('a flood', { timeout: 120_000 }, () => {
  test('of strangers is sampled and summed up, and hides neither a refused cell of ours nor keeps others out', async (t) => {
    const database = await createTestDatabase();
    cleanup(t, () => database.drop());
    const stage = await openStage({ database, config: { audit: limits } });
    const blocked = role(stage.cast, 'acme');
    await stage.enrol([{ identities: [blocked], blocked: true }]);
    const cell = await dress(stage.context, blocked);
    const good = await dress(stage.context, await stage.known());
    assert.equal((await perform(good)).complete, true);

    const noise = Array.from({ length: strangers }, (_, n) =>
      sayPlainly(stage.port(), n % 2 === 0 ? 'GET / HTTP/1.1\r\n\r\n' : 'EHLO me\r\n'),
    );
    for (let n = 0; n < calls; n += 1) assert.equal((await perform(cell)).informed, false);
    for (const { bytes } of await Promise.all(noise)) assert.equal(bytes.length, 0);
    assert.equal((await perform(good)).complete, true, 'devices come in all the while');

    const counted = (labels: Record<string, string>) => metric(stage.metrics, 'hems_trust_decisions_total', labels);
    assert.equal(await counted({ reason: 'not_tls', peer: 'stranger' }), strangers, 'the counter leaves nothing out');
    assert.equal(await counted({ reason: 'device_blocked', peer: 'known' }), calls);
    const deviceId = await stage.deviceId(blocked);
    await stage.stop();

    const rows = (await auditRows(database.db)).filter(({ outcome }) => outcome === 'refused');
    const { rows: summaries } = await database.db.query<Summary>({
      text: 'select reason, peer, host(source) as source, device_id, suppressed from refusal_summaries',
    });
    const minutes = new Set(rows.map(({ at }) => at.toISOString().slice(0, 16))).size;
    const about = (reason: string) => {
      const full = rows.filter((row) => row.reason === reason);
      const rest = summaries.filter((row) => row.reason === reason);
      return { full, rest, all: full.length + rest.reduce((sum, { suppressed }) => sum + Number(suppressed), 0) };
    };
    const noisy = about('not_tls');
    assert.ok(noisy.full.length >= 3 && noisy.full.length <= 3 * minutes, `${noisy.full.length} rows`);
    assert.equal(noisy.all, strangers, 'rows and summaries together leave nothing out');
    for (const { peer, source, device_id } of noisy.rest)
      assert.deepEqual([peer, source, device_id], ['stranger', '127.0.0.1', null]);

    const ours = about('device_blocked');
    assert.ok(ours.full.length >= 4 && ours.full.length <= 4 * minutes, `${ours.full.length} rows`);
    assert.equal(ours.all, calls);
    for (const { device_id, peer } of ours.rest) assert.deepEqual([device_id, peer], [deviceId, 'known']);
    assert.ok(ours.full.every((row) => row.device_id === deviceId && row.fingerprint !== null));
  });
});
