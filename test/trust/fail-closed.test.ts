import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { DatabaseError } from '../../src/platform/database-error.ts';
import type { Database } from '../../src/platform/postgres.ts';
import { decisionSeries } from '../../src/trust/decision-metrics.ts';
import { refusalReasons } from '../../src/trust/refusal.ts';
import { refusalDetails } from '../../src/trust/refusal-details.ts';
import { withDatabase } from '../support/database.ts';
import { anchorNames, handshake, newCell, newNode, newPki, type Node, type Pki, verdict } from './world.ts';

/** A database that answers every question in the same way. */
function databaseThat(answer: () => Promise<never>): Database {
  const notUsed = (): never => {
    throw new Error('not used here');
  };
  return {
    query: answer,
    transaction: answer,
    alone: answer,
    listen: answer,
    notify: answer,
    close: () => Promise.resolve(),
    url: 'postgresql://nowhere/none',
    get pool(): never {
      return notUsed();
    },
  };
}

describe('the gate fails closed', () => {
  let pki: Pki;
  before(async () => {
    pki = await newPki();
  });

  async function withNode(db: Database, use: (node: Node) => Promise<void>): Promise<void> {
    const node = await newNode(db, pki);
    await use(node);
    await node.gate.close();
  }

  test('when the database cannot be reached, with one log line and the chain recognised', async () => {
    const cell = await newCell(pki, { dnsNames: ['00a0bc000001.hnb.acme.example'] });
    const gone = databaseThat(() => Promise.reject(new DatabaseError('unreachable', 'gone', 'wait')));
    await withNode(gone, async (node) => {
      for (let i = 0; i < 20; i += 1)
        assert.equal(
          verdict(await node.gate.admit(handshake(cell.chain))),
          'handshake_other/database_unavailable/trusted-chain',
        );
      assert.equal(node.logged.length, 1);
    });
  });

  test('when anything else goes wrong', async () => {
    const cell = await newCell(pki, { dnsNames: ['00a0bc000001.hnb.acme.example'] });
    const buggy = databaseThat(() => Promise.reject(new TypeError('x is not a function')));
    await withNode(buggy, async (node) => {
      assert.equal(
        verdict(await node.gate.admit(handshake(cell.chain))),
        'handshake_other/internal_error/trusted-chain',
      );
    });
    await withNode(buggy, async (node) => {
      const torn = new Proxy(handshake(cell.chain), {
        get: (target, key) => {
          if (key === 'resumed') throw new Error('torn');
          return Reflect.get(target, key) as unknown;
        },
      });
      // The facts cannot even be recorded; the client stays outside all the same.
      const outcome = await node.gate.admit(torn).catch(() => undefined);
      assert.notEqual(outcome?.outcome, 'admitted');
    });
  });

  test('on bytes that are no certificate', async (t) => {
    const { db } = await withDatabase(t);
    const cell = await newCell(pki, { dnsNames: ['00a0bc000001.hnb.acme.example'] });
    const [leaf] = cell.chain;
    assert.ok(leaf !== undefined);
    await withNode(db, async (node) => {
      for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), leaf.subarray(0, 100), Buffer.alloc(65_536, 0x30)])
        assert.match(
          verdict(await node.gate.admit(handshake([bytes]))),
          /^(profile_violation|chain_untrusted)\/\w+\/stranger$/,
        );
      for (let i = 0; i < leaf.length; i += 7) {
        const broken = Buffer.from(leaf);
        broken.writeUInt8(broken.readUInt8(i) ^ 0x55, i);
        const outcome = await node.gate.admit(handshake([broken, ...cell.chain.slice(1)]));
        assert.equal(outcome.outcome, 'refused');
      }
    });
  });

  test('a detail outside the closed list is recorded as unspecified', async (t) => {
    const { db } = await withDatabase(t);
    await withNode(db, async (node) => {
      const { chain: _, ...facts } = handshake([]);
      node.gate.refuseTls({ ...facts, stage: 'tls', reason: 'not_tls', detail: 'GET / <script>' });
      await node.gate.close();
      const { rows } = await db.query({ text: 'select reason, detail from refusals' });
      assert.deepEqual(rows, [{ reason: 'not_tls', detail: 'unspecified' }]);
    });
  });
});

describe('the counter of decisions', () => {
  test('exists at 0 for every anchor and reason that can occur', async (t) => {
    const { db } = await withDatabase(t);
    const node = await newNode(db, await newPki());
    const text = await node.metrics.getSingleMetricAsString('hems_trust_decisions_total');
    const series = text.split('\n').filter((line) => line.startsWith('hems_trust_decisions_total{'));
    assert.equal(series.length, decisionSeries(anchorNames).length);
    assert.ok(series.every((line) => line.endsWith('} 0')));
    for (const anchor of anchorNames)
      assert.ok(series.some((line) => line.includes('outcome="admitted"') && line.includes(`anchor="${anchor}"`)));
    for (const reason of refusalReasons)
      assert.ok(
        series.some((line) => line.includes(`reason="${reason}"`)),
        reason,
      );
    await node.gate.close();
  });

  test('details are words of one closed list', () => {
    for (const detail of refusalDetails) assert.match(detail, /^[a-z0-9_]+$/);
  });
});
