import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { manualClock } from '../../src/platform/clock.ts';
import { uuidv7 } from '../../src/platform/ids.ts';
import type { Queryable } from '../../src/platform/postgres.ts';
import { type AuditDeps, createAudit } from '../../src/trust/audit.ts';
import { createSampler } from '../../src/trust/audit-sampling.ts';
import type { Decision } from '../../src/trust/decision.ts';
import { sourceBlock } from '../../src/trust/source-block.ts';
import { withDatabase } from '../support/database.ts';
import { auditDefaults, by, handshake, newCell, newEui, newNode, newPki, now, type Pki } from './world.ts';

const clock = manualClock(now);

function decision(remoteAddress: string, more: Partial<Extract<Decision, { outcome: 'refused' }>> = {}): Decision {
  return {
    outcome: 'refused',
    id: uuidv7(clock),
    at: clock.now(),
    facts: handshake([], { remoteAddress }),
    stage: 'tls',
    reason: 'not_tls',
    detail: 'plain_http',
    peer: 'stranger',
    ...more,
  };
}

const known = (deviceId: string): Decision =>
  decision('192.0.2.1', { stage: 'device', reason: 'device_blocked', detail: 'blocked', peer: 'known', deviceId });

const kept = (sampler: ReturnType<typeof createSampler>, decisions: readonly Decision[]): number =>
  decisions.filter((one) => sampler.take(one)).length;

describe('sampling of refusals', () => {
  const sampler = () => createSampler(auditDefaults);
  const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  test('a source block has so many rows a minute for each reason, the rest is one summary', () => {
    const one = sampler();
    assert.equal(
      kept(
        one,
        times(1000, () => decision('203.0.113.9')),
      ),
      10,
    );
    assert.equal(
      kept(
        one,
        times(1000, () => decision('203.0.113.9', { reason: 'protocol_version' })),
      ),
      10,
    );
    const summaries = one.due(new Date(now.getTime() + 60_000));
    assert.deepEqual(
      summaries.map(({ source, reason, suppressed, minute }) => [source, reason, suppressed, minute.toISOString()]),
      [
        ['203.0.113.9/32', 'not_tls', 990, '2026-05-04T10:00:00.000Z'],
        ['203.0.113.9/32', 'protocol_version', 990, '2026-05-04T10:00:00.000Z'],
      ],
    );
    assert.equal(one.pending(), false);
  });

  test('IPv6 strangers are counted by /64, IPv4 ones by address or by /24', () => {
    const one = sampler();
    assert.equal(
      kept(
        one,
        times(500, (i) => decision(`2001:db8:1:2:${i.toString(16)}::1`)),
      ),
      10,
    );
    assert.equal(sourceBlock('2001:db8:1:2:ffff::1', 32), '2001:db8:1:2::/64');
    assert.equal(sourceBlock('fe80::1%eth0', 32), 'fe80::/64');
    assert.equal(sourceBlock('::ffff:192.0.2.77', 24), '192.0.2.0/24');
    assert.equal(sourceBlock('::ffff:c000:24d', 32), '192.0.2.77/32');
    assert.equal(sourceBlock('no address', 32), undefined);
    const wide = createSampler({ ...auditDefaults, ipv4Block: 24 });
    assert.equal(
      kept(
        wide,
        times(200, (i) => decision(`203.0.113.${i}`)),
      ),
      10,
    );
  });

  test('all strangers together have so many rows, however many sources they come from', () => {
    const one = sampler();
    assert.equal(
      kept(
        one,
        times(30_000, (i) => decision(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)),
      ),
      300,
    );
    const summaries = one.due(new Date(now.getTime() + 60_000));
    assert.ok(summaries.length <= 201, `${summaries.length} summary rows`);
    assert.equal(
      summaries.reduce((sum, { suppressed }) => sum + suppressed, 0),
      29_700,
    );
    const rest = summaries.find(({ source }) => source === undefined);
    assert.ok((rest?.sources ?? 0) > 1000);
  });

  test('verified chains have a pot of their own', () => {
    const one = sampler();
    kept(
      one,
      times(1000, (i) => decision(`10.0.${i >> 8}.${i & 255}`)),
    );
    const identity = (i: number) => ({ anchor: 'acme', kind: 'hnb-fqdn', value: `${i}`, oui: '00A0BC' }) as const;
    const trusted = times(20, (i) => decision('192.0.2.1', { peer: 'trusted-chain', identity: identity(i) }));
    assert.equal(kept(one, trusted), 20);
  });

  test('a device of the register has its own budget, which neither strangers nor other devices use up', () => {
    const one = sampler();
    kept(
      one,
      times(20_000, (i) => decision(`10.0.${i >> 8}.${i & 255}`)),
    );
    kept(
      one,
      times(1000, () => known('a')),
    );
    assert.equal(
      kept(
        one,
        times(100, () => known('b')),
      ),
      60,
    );
    const summaries = one.due(new Date(now.getTime() + 60_000)).filter(({ peer }) => peer === 'known');
    assert.deepEqual(
      summaries.map(({ deviceId, suppressed }) => [deviceId, suppressed]),
      [
        ['a', 940],
        ['b', 40],
      ],
    );
  });

  test('every minute begins anew', () => {
    const one = sampler();
    kept(
      one,
      times(50, () => decision('203.0.113.9')),
    );
    const later = new Date(now.getTime() + 60_000);
    assert.equal(
      kept(
        one,
        times(50, () => ({ ...decision('203.0.113.9'), at: later })),
      ),
      10,
    );
  });
});

describe('the audit under a flood', () => {
  let pki: Pki;
  before(async () => {
    pki = await newPki();
  });
  const logger = pino({ level: 'silent' });
  const auditOver = (db: Queryable, more: Partial<AuditDeps> = {}) => {
    const metrics = new Registry();
    return { metrics, audit: createAudit({ db, config: auditDefaults, clock, logger, metrics, ...more }) };
  };

  test('writes few rows for ten thousand strangers, all counted, and every refusal of our own device', async (t) => {
    const { db } = await withDatabase(t);
    const node = await newNode(db, pki);
    const value = `${newEui()}.hnb.acme.example`;
    const added = await node.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    await node.register.block(added.deviceId, by);
    const cell = await newCell(pki, { dnsNames: [value] });
    for (let i = 0; i < 10_000; i += 1) {
      const { chain: _, ...facts } = handshake([], { remoteAddress: `198.51.${i % 100}.${i % 250}` });
      node.gate.refuseTls({ ...facts, stage: 'tls', reason: 'rc4_only_client', detail: 'rc4_only' });
      if (i % 500 === 0) await node.gate.admit(handshake(cell.chain));
    }
    await node.gate.close();
    const count = async (text: string): Promise<number> => Number((await db.query<{ n: number }>({ text })).rows[0]?.n);
    const rows = await count('select count(*) as n from refusals');
    assert.ok(rows > 0 && rows <= 300, `${rows} rows`);
    assert.equal(rows + (await count('select sum(suppressed)::bigint as n from refusal_summaries')), 10_000);
    assert.ok((await count('select count(*) as n from refusal_summaries')) <= 201);
    assert.equal(await count(`select count(*) as n from admissions where reason = 'device_blocked'`), 20);
    const counter = await node.metrics.getSingleMetricAsString('hems_trust_decisions_total');
    assert.match(counter, /reason="rc4_only_client",anchor="none",peer="stranger"\} 10000/);
    assert.match(counter, /reason="device_blocked",anchor="acme",peer="known"\} 20/);
    assert.equal(node.events.length, 10_020, 'an event for every decision, before sampling');
  });

  test('keeps what it cannot write, gives up strangers first, counts them, and writes the rest when it can', async (t) => {
    const { db } = await withDatabase(t);
    let broken = true;
    const flaky: Queryable = {
      query: (query) => (broken ? Promise.reject(new Error('no database')) : db.query(query)),
    };
    const { audit, metrics } = auditOver(flaky, {
      capacity: 50,
      config: { ...auditDefaults, strangerRowsPerMinute: 1000, knownRowsPerMinute: 1000 },
    });
    const device = '0196a000-0000-7000-8000-000000000001';
    for (let i = 0; i < 100; i += 1) audit.record(decision('203.0.113.9'));
    for (let i = 0; i < 30; i += 1) audit.record(known(device));
    await audit.flush();
    broken = false;
    await audit.close();
    const rows = async (table: string): Promise<number> =>
      (await db.query({ text: `select 1 from ${table}` })).rows.length;
    assert.deepEqual([await rows('admissions'), await rows('refusals')], [30, 20]);
    const { rows: summaries } = await db.query({ text: 'select peer, suppressed from refusal_summaries' });
    assert.deepEqual(summaries, [{ peer: 'stranger', suppressed: 80 }]);
    const dropped = await metrics.getSingleMetricAsString('hems_trust_audit_dropped_total');
    assert.match(dropped, /kind="stranger"\} 80/);
    assert.match(dropped, /kind="known"\} 0/);
  });

  test('one row that the database refuses does not take the others with it', async (t) => {
    const { db } = await withDatabase(t);
    const { audit, metrics } = auditOver(db);
    audit.record(decision('203.0.113.1'));
    audit.record(decision('203.0.113.2', { peer: 'trusted-chain', anchor: 'x', detail: 'y\0z' }));
    audit.record(decision('203.0.113.3', { peer: 'trusted-chain' }));
    await audit.close();
    const { rows } = await db.query({ text: 'select host(remote_address) as at from refusals order by 1' });
    assert.deepEqual(rows, [{ at: '203.0.113.1' }, { at: '203.0.113.3' }]);
    assert.match(await metrics.getSingleMetricAsString('hems_trust_audit_dropped_total'), /kind="trusted-chain"\} 1/);
  });

  test('writes on its own soon after, without being asked', async (t) => {
    const { db } = await withDatabase(t);
    const { audit } = auditOver(db);
    audit.record(decision('203.0.113.1'));
    const deadline = performance.now() + 5000;
    let found = 0;
    while (found === 0 && performance.now() < deadline) {
      found = (await db.query({ text: 'select 1 from refusals' })).rows.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(found, 1);
    await audit.close();
  });
});
