import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { issueDevice } from '../../src/simulator/device-certificates.ts';
import { type FleetOptions, simulateFleet } from '../../src/simulator/fleet.ts';
import { fleetMember } from '../../src/simulator/fleet-credentials.ts';
import type { FleetStatistics } from '../../src/simulator/fleet-statistics.ts';
import { derivedKeyPair } from '../../src/simulator/key-pairs.ts';
import { misbehaviourNames } from '../../src/simulator/misbehaviour.ts';
import { envelopeXml } from '../../src/simulator/soap-writer.ts';
import { type FakeAcs, fakeAcs, idle, type Reply, type Seen } from './fake-acs.ts';

const root = mkdtempSync(join(tmpdir(), 'hems-fleet-'));
let pki: DevelopmentPki;
let acs: FakeAcs;

before(async () => {
  pki = await createDevelopmentPki(join(root, 'data/pki'), new Date());
  acs = await fakeAcs(pki, idle);
});
after(async () => {
  await acs.close();
  rmSync(root, { recursive: true, force: true });
});

async function run(options: Partial<FleetOptions>): Promise<FleetStatistics> {
  const result = await simulateFleet({ url: acs.url, count: 4, certsDir: join(root, 'data'), seed: '1', ...options });
  assert.ok(result.ok, JSON.stringify(result));
  return result.statistics;
}

const serials = (seen: readonly Seen[]): string[] =>
  seen.flatMap(({ body }) => /<SerialNumber>([^<]+)/.exec(body)?.[1] ?? []).sort();

describe('a simulated fleet', () => {
  test('every device calls once, under an identity of its own, over both TLS versions', async () => {
    const from = acs.seen.length;
    const statistics = await run({ count: 20, concurrency: 8 });
    assert.deepEqual(
      [statistics.calls, statistics.complete, statistics.others, statistics.violations],
      [20, 20, [], []],
    );
    assert.ok(statistics.milliseconds.median > 0 && statistics.milliseconds.p95 >= statistics.milliseconds.median);
    const seen = serials(acs.seen.slice(from));
    const expected = Array.from({ length: 20 }, (_, index) =>
      fleetMember('1', index).identity.slice(0, 12).toUpperCase(),
    );
    assert.deepEqual(seen, expected.sort());
    assert.equal(new Set(seen).size, 20);
  });

  test('informs periodically, resuming its TLS sessions, for as long as it should', async () => {
    const statistics = await run({ count: 3, periodicSeconds: 0.2, durationSeconds: 1 });
    assert.equal(statistics.complete, statistics.calls);
    // Five calls of each are due within the second, however late they are made.
    assert.equal(statistics.calls, 15);
    assert.equal(statistics.resumed, statistics.calls - 3);
    assert.ok(statistics.elapsedSeconds < 20);
  });

  /** Asks each device once, in its first session. */
  function asking(request: string): (seen: Seen) => Reply {
    let asked = false;
    return (seen) => {
      if (seen.body !== '' || asked) return idle(seen);
      asked = true;
      return {
        status: 200,
        headers: { 'Content-Type': 'text/xml' },
        body: envelopeXml({ version: '1.1', body: request, id: '7' }),
      };
    };
  }
  const informsOf = (seen: readonly Seen[]): string[][] =>
    seen.flatMap(({ body }) =>
      body.includes(':Inform>') ? [[...body.matchAll(/<EventCode>([^<]+)/g)].map(([, code]) => code ?? '')] : [],
    );

  test('a device calls when the time has come that its ACS has set, long before its period is over', async () => {
    const later = '<DelaySeconds>1</DelaySeconds><CommandKey>k</CommandKey>';
    const one = await fakeAcs(pki, asking(`<cwmp:ScheduleInform>${later}</cwmp:ScheduleInform>`));
    const statistics = await run({ url: one.url, count: 1, periodicSeconds: 3600, durationSeconds: 4 });
    await one.close();
    assert.deepEqual(informsOf(one.seen), [
      ['0 BOOTSTRAP', '1 BOOT'],
      ['3 SCHEDULED', 'M ScheduleInform'],
    ]);
    assert.deepEqual([statistics.calls, statistics.complete], [2, 2]);
  });

  test('what is set beyond the end of the simulation is left', async () => {
    const later = '<DelaySeconds>3600</DelaySeconds><CommandKey>k</CommandKey>';
    const one = await fakeAcs(pki, asking(`<cwmp:ScheduleInform>${later}</cwmp:ScheduleInform>`));
    assert.equal((await run({ url: one.url, count: 1, periodicSeconds: 60, durationSeconds: 1 })).calls, 1);
    await one.close();
  });

  test('a device that was told to reboot calls when it is up again', async () => {
    const one = await fakeAcs(pki, asking('<cwmp:Reboot><CommandKey>k</CommandKey></cwmp:Reboot>'));
    await run({ url: one.url, count: 1, periodicSeconds: 3600, durationSeconds: 1 });
    await one.close();
    assert.deepEqual(informsOf(one.seen)[1], ['1 BOOT', 'M Reboot']);
  });

  test('spreads its first calls over the period', async () => {
    const times: number[] = [];
    const timed = await fakeAcs(pki, (seen) => {
      if (seen.body !== '') times.push(performance.now());
      return idle(seen);
    });
    await run({ url: timed.url, count: 5, spreadSeconds: 0.5 });
    await timed.close();
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    assert.ok(span > 300 && span < 10_000, `${span} ms`);
  });

  test('ends when told to, and reports on the way', async () => {
    const stop = new AbortController();
    const progress: FleetStatistics[] = [];
    setTimeout(() => stop.abort(), 700);
    const statistics = await run({ periodicSeconds: 60, signal: stop.signal, onProgress: (now) => progress.push(now) });
    assert.ok(statistics.elapsedSeconds < 20);
    assert.ok(progress.length >= 2);
    assert.equal(progress.at(-1)?.calls, statistics.calls);
  });

  test('an ACS that is not there is a statistic, not a crash', async () => {
    const statistics = await run({ url: 'https://127.0.0.1:1/cwmp', count: 2 });
    assert.deepEqual([statistics.complete, statistics.others.map(([, count]) => count)], [0, [2]]);
    assert.match(statistics.others[0]?.[0] ?? '', /no connection.*ECONNREFUSED/);
  });

  test('a share of it misbehaves, in each way there is', { timeout: 60_000 }, async () => {
    const gated = await fakeAcs(pki, idle, (socket) => socket.authorized);
    for (const misbehave of misbehaviourNames.filter((name) => name !== 'silent' && name !== 'md5-signature')) {
      const statistics = await run({ url: gated.url, misbehave, misbehavingShare: 0.5, count: 4 });
      assert.deepEqual([statistics.calls, statistics.misbehaved], [4, 2], misbehave);
      assert.ok(statistics.complete >= 2, `${misbehave}: ${JSON.stringify(statistics.others)}`);
    }
    await gated.close();
  });

  test('takes its certificates from a folder of them', async () => {
    const folder = join(root, 'folder');
    for (const name of ['a', 'b'])
      await issueDevice({
        pki,
        anchor: 'zenith',
        identity: `00d09e00000${name}.hnb.zenith.example`,
        key: 'ec',
        at: new Date(),
        out: join(folder, name),
      });
    const from = acs.seen.length;
    assert.equal((await run({ certsDir: folder, count: 2 })).complete, 2);
    assert.deepEqual(serials(acs.seen.slice(from)), ['00D09E00000A', '00D09E00000B']);
    const refusal = async (options: Partial<FleetOptions>): Promise<string> => {
      const result = await simulateFleet({ url: acs.url, count: 2, certsDir: folder, seed: '1', ...options });
      return result.ok ? 'it ran' : result.cause;
    };
    assert.match(await refusal({ count: 3 }), /2 device certificates, fewer than 3/);
    assert.match(await refusal({ misbehave: 'expired' }), /expired needs a development PKI/);
    assert.match(await refusal({ certsDir: join(root, 'nowhere') }), /neither a development PKI nor/);
    rmSync(join(folder, 'b/ca.crt'));
    assert.match(await refusal({}), /b has no ca\.crt/);
  });
});

describe('a fleet by seed', () => {
  test('has the same identities for the same seed, others for another, and no two alike', () => {
    const members = (seed: string): string[] =>
      Array.from({ length: 5000 }, (_, index) => fleetMember(seed, index).identity);
    assert.deepEqual(members('x'), members('x'));
    assert.equal(new Set(members('x')).size, 5000);
    assert.notDeepEqual(members('x').slice(0, 2), members('y').slice(0, 2));
  });

  test('has the same keys for the same seed, so that no new key is held back', () => {
    const [first, again, other] = ['a', 'a', 'b'].map(derivedKeyPair);
    assert.ok(first && again && other);
    assert.ok(first.privateKey.equals(again.privateKey));
    assert.ok(!first.privateKey.equals(other.privateKey));
    const message = Buffer.from('signed by one half, checked by the other');
    assert.ok(verify('sha256', message, first.publicKey, sign('sha256', message, again.privateKey)));
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.ok(!verify('sha256', message, stranger.publicKey, sign('sha256', message, first.privateKey)));
  });
});
