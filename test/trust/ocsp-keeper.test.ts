import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { manualClock } from '../../src/platform/clock.ts';
import type { Database } from '../../src/platform/postgres.ts';
import type { OcspClient } from '../../src/trust/ocsp-client.ts';
import { createOcspKeeper } from '../../src/trust/revocation/ocsp-keeper.ts';
import type { SourceQuestion } from '../../src/trust/revocation/statuses.ts';
import { policySchema } from '../../src/trust/revocation-policy.ts';
import type { CertificateStatus } from '../../src/x509/certificate-status.ts';
import { type CertificatePath, judgePath } from '../../src/x509/path.ts';
import { newCell, newPki, now, trustAnchors } from './world.ts';

const hour = 3_600_000;

describe('OCSP answers of a node', () => {
  let path: CertificatePath;
  before(async () => {
    const pki = await newPki();
    const cell = await newCell(pki, { dnsNames: ['00a0bc000001.hnb.acme.example'] });
    const anchors = (await trustAnchors(pki)).map((anchor) => anchor.path);
    const result = judgePath({ chain: cell.chain, anchors, at: now });
    assert.ok(result.ok);
    path = result.path;
  });

  function keeper(answer: (at: Date) => CertificateStatus, linked = () => true) {
    const clock = manualClock(now);
    const asked: Date[] = [];
    const told: string[] = [];
    const client: OcspClient = {
      ask: (_, at) => {
        asked.push(at);
        return Promise.resolve({ status: answer(at), attempts: [] });
      },
    };
    const db = {
      query: () => Promise.resolve({ rows: [], count: 0 }),
      notify: () => Promise.resolve(),
    } as unknown as Database;
    const complain = (error: unknown): never => {
      throw error;
    };
    const own = createOcspKeeper({ db, client, complain, linked, random: () => 0.5 });
    own.onChange((certificate) => told.push(certificate));
    const [policy] = policySchema.parse({
      anchors: [{ name: 'acme', sources: [{ kind: 'operator-ocsp', url: 'http://ocsp.operator.example/' }] }],
    }).anchors;
    const question = (): SourceQuestion => {
      const source = policy?.sources[0];
      assert.ok(policy !== undefined && source !== undefined);
      return { policy, source, path, index: 0, at: clock.now() };
    };
    return { clock, asked, told, own, question };
  }

  const good = (at: Date): CertificateStatus => ({
    kind: 'good',
    thisUpdate: at,
    nextUpdate: new Date(at.getTime() + 4 * hour),
  });

  test('are asked for once at a time and remembered, and refreshed at half of their life while they are wanted', async () => {
    const { own, clock, asked, question } = keeper(good);
    assert.equal(own.peek(question()), undefined);
    await Promise.all([own.ask(question()), own.ask(question()), own.ask(question())]);
    assert.equal(asked.length, 1);
    clock.advance(1.9 * hour);
    assert.equal(await own.refresh(clock.now()), 0);
    clock.advance(0.2 * hour);
    assert.equal(await own.refresh(clock.now()), 1);
    assert.equal(asked.length, 2);
    // What is fresh again reaches beyond the end of the first answer: no session ever waits.
    clock.advance(3 * hour);
    assert.equal(own.peek(question())?.status.kind, 'good');
    // Nobody came for a day: it is left alone.
    clock.advance(48 * hour);
    assert.equal(await own.refresh(clock.now()), 0);
  });

  test('a refresh that fails leaves the answer at hand in its place', async () => {
    let down = false;
    const { own, clock, question } = keeper((at) => (down ? { kind: 'unknown', cause: 'unreachable' } : good(at)));
    await own.ask(question());
    down = true;
    clock.advance(2.5 * hour);
    await own.refresh(clock.now());
    assert.equal(own.peek(question())?.status.kind, 'good');
    clock.advance(2 * hour);
    assert.equal(own.peek(question()), undefined);
  });

  test('a failure is believed for some seconds, so that who comes next need not wait for it', async () => {
    const { own, clock, asked, question } = keeper(() => ({ kind: 'unknown', cause: 'unreachable' }));
    await own.ask(question());
    assert.equal(own.peek(question())?.status.kind, 'unknown');
    clock.advance(14_000);
    await own.ask(question());
    assert.equal(asked.length, 1);
    clock.advance(2000);
    await own.ask(question());
    assert.equal(asked.length, 2);
  });

  test('are believed for five seconds while notifications of other nodes do not arrive, then looked up anew', async () => {
    let linked = true;
    const { own, clock, question } = keeper(good, () => linked);
    await own.ask(question());
    linked = false;
    clock.advance(5000);
    assert.equal(own.peek(question())?.status.kind, 'good');
    clock.advance(1);
    assert.equal(own.peek(question()), undefined);
    await own.ask(question());
    assert.equal(own.peek(question())?.status.kind, 'good');
    linked = true;
    clock.advance(hour);
    assert.equal(own.peek(question())?.status.kind, 'good');
  });

  test('one that says revoked is told at once, and not twice', async () => {
    let revoked = false;
    const { own, clock, told, question } = keeper((at) =>
      revoked
        ? {
            kind: 'revoked',
            reason: 'keyCompromise',
            revokedAt: at,
            thisUpdate: at,
            nextUpdate: new Date(at.getTime() + 4 * hour),
          }
        : good(at),
    );
    await own.ask(question());
    assert.deepEqual(told, []);
    const before = own.generation();
    revoked = true;
    clock.advance(2.1 * hour);
    await own.refresh(clock.now());
    assert.deepEqual(told, [path.leaf.fingerprint]);
    assert.ok(own.generation() > before);
    clock.advance(2.1 * hour);
    await own.refresh(clock.now());
    assert.equal(told.length, 1);
  });
});
