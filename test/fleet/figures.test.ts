import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Registry } from 'prom-client';
import { keepFigures, refreshFigures } from '../../src/fleet/figures.ts';
import { showFigures } from '../../src/fleet/figure-metrics.ts';
import { manualClock } from '../../src/platform/clock.ts';
import type { Database } from '../../src/platform/postgres.ts';
import { createLogger, createMetrics } from '../../src/platform/telemetry.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';

const at = new Date('2026-03-01T12:00:00Z');
const minutes = (count: number): Date => new Date(at.getTime() + count * 60_000);

async function device(db: Database, state = 'active'): Promise<string> {
  const id = randomUUID();
  await db.query({
    text: `insert into devices (id, state, state_since, origin, registered_anchor, registered_at)
           values ($1, $2, $3, 'operator', 'acme', $3)`,
    values: [id, state, at],
  });
  return id;
}

async function decision(db: Database, deviceId: string, when: Date, reason?: string): Promise<void> {
  await db.query({
    text: `insert into admissions (device_id, at, id, outcome, stage, reason, detail, peer, connection_id, listener,
                                   role, remote_port, anchor)
           values ($1, $2, $3, $4, $5, $6, $6, 'known', 'c', 'main', 'serving', 1, 'acme')`,
    values: [deviceId, when, randomUUID(), reason ? 'refused' : 'admitted', reason ? 'path' : null, reason ?? null],
  });
}

async function certificate(db: Database, deviceId: string, notAfter: Date, state = 'approved'): Promise<void> {
  await db.query({
    text: `insert into device_certificates (device_id, fingerprint, anchor, kind, value, spki, chain_id, state, subject,
                                            issuer, serial_number, not_before, not_after, first_seen, last_seen)
           values ($1, $2, 'acme', 'hnb-fqdn', 'x', $2, $2, $4, 's', 'i', '1', $3, $3, $3, $3)`,
    values: [deviceId, randomBytes(32), notAfter, state],
  });
}

const value = async (metrics: Registry, name: string, labels: Record<string, string> = {}) => {
  const found = (await metrics.getMetricsAsJSON()).find((one) => one.name === name);
  return found?.values.find((one) => Object.entries(labels).every(([key, word]) => one.labels[key] === word))?.value;
};

describe('figures of the installation', () => {
  test('known devices refused now: the last decision of each within fifteen minutes, none that came in since', async (t) => {
    const { db } = await withDatabase(t);
    const [expired, returned, twice, longAgo] = [
      await device(db),
      await device(db),
      await device(db),
      await device(db),
    ];
    await decision(db, expired, minutes(-5), 'cert_expired');
    await decision(db, returned, minutes(-5), 'cert_expired');
    await decision(db, returned, minutes(-4));
    await decision(db, twice, minutes(-10));
    await decision(db, twice, minutes(-9), 'cert_expired');
    await decision(db, twice, minutes(-8), 'revoked_crl');
    await decision(db, longAgo, minutes(-60), 'revoked_crl');
    const counted = await refreshFigures(db, at, 30_000);
    assert.deepEqual(
      counted?.figures.refusedNow.toSorted((a, b) => (a.reason < b.reason ? -1 : 1)),
      [
        { anchor: 'acme', reason: 'cert_expired', devices: 1 },
        { anchor: 'acme', reason: 'revoked_crl', devices: 1 },
      ],
    );
  });

  test('devices by state, certificates by their end, held keys, open tasks and the oldest', async (t) => {
    const { db } = await withDatabase(t);
    const active = await device(db);
    await device(db, 'blocked');
    for (const days of [-1, 3, 20, 60, 200, 4000]) await certificate(db, active, minutes(days * 1440));
    await certificate(db, active, minutes(9999), 'held');
    await db.query({
      text: `insert into tasks (device_id, id, kind, request, state, not_before, origin_kind, origin, created_at)
             values ($1, gen_random_uuid(), 'reboot', '{}', 'queued', $2, 'cli', 'x', $2)`,
      values: [active, minutes(-90)],
    });
    const metrics = createMetrics({ process: false });
    const counted = await refreshFigures(db, at, 30_000);
    showFigures({ metrics, clock: manualClock(at), anchors: ['acme'] }, () => counted);
    assert.equal(await value(metrics, 'hems_fleet_devices', { state: 'active' }), 1);
    assert.equal(await value(metrics, 'hems_fleet_devices', { state: 'held' }), 0);
    for (const within of ['expired', '7d', '30d', '90d', '365d', 'later'])
      assert.equal(await value(metrics, 'hems_fleet_device_certificates', { expires_within: within }), 1, within);
    assert.equal(await value(metrics, 'hems_fleet_held_keys'), 1);
    assert.equal(await value(metrics, 'hems_fleet_tasks', { state: 'queued' }), 1);
    assert.equal(await value(metrics, 'hems_fleet_task_oldest_age_seconds', { state: 'queued' }), 5400);
  });

  test('are counted by one node for all: what is fresh is read, what is old is counted anew', async (t) => {
    const { db } = await withDatabase(t);
    await device(db);
    const first = await refreshFigures(db, at, 30_000);
    await device(db);
    assert.deepEqual(await refreshFigures(db, minutes(0.4), 30_000), first);
    assert.equal((await refreshFigures(db, minutes(1), 30_000))?.figures.devices.active, 2);
  });

  test('are counted more seldom where counting takes long: twenty times as long as it took', async (t) => {
    const { db } = await withDatabase(t);
    await refreshFigures(db, at, 30_000);
    await db.query({ text: `update fleet_figures set figures = figures || '{"milliseconds": 6000}'` });
    assert.deepEqual((await refreshFigures(db, minutes(1.9), 30_000))?.at, at);
    assert.deepEqual((await refreshFigures(db, minutes(2.1), 30_000))?.at, minutes(2.1));
  });

  test('are not shown any more when the last count is five minutes old', async (t) => {
    const { db } = await withDatabase(t);
    const metrics = createMetrics({ process: false });
    const clock = manualClock(at);
    const counted = await refreshFigures(db, at, 30_000);
    showFigures({ metrics, clock, anchors: ['acme'] }, () => counted);
    assert.equal(await value(metrics, 'hems_fleet_open_conflicts'), 0);
    clock.advance(6 * 60_000);
    assert.equal(await value(metrics, 'hems_fleet_open_conflicts'), undefined);
    assert.equal(await value(metrics, 'hems_fleet_devices'), undefined);
  });

  test('stop when they are told to', async (t) => {
    const { db } = await withDatabase(t);
    const metrics = createMetrics({ process: false });
    const stop = keepFigures({ db, clock: manualClock(at), logger: createLogger('silent'), metrics, anchors: [] });
    cleanup(t, stop);
    await stop();
  });
});
