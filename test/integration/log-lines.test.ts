import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { manualClock, systemClock } from '../../src/platform/clock.ts';
import { createLogger } from '../../src/platform/telemetry.ts';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { createApiKeys } from '../../src/trust/access/api-keys.ts';
import { createDecisionLines } from '../../src/trust/decision-line.ts';
import type { Decision } from '../../src/trust/decision.ts';
import { httpRequest, sayPlainly } from './clients.ts';
import { until } from './evidence.ts';
import { openStage, type Stage } from './stage.ts';

type Line = Record<string, unknown>;

describe('log lines', { timeout: 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ logLevel: 'info' });
  });
  after(() => stage.stop());

  const lines = (msg: string): Line[] =>
    stage.log.map((line) => JSON.parse(line) as Line).filter((line) => line.msg === msg);

  test('one a decision and one a session, whose ids are those of the audit and of the API', async () => {
    const device = await stage.known();
    await runSession(await dress(stage.context, device));
    const deviceId = await stage.deviceId(device);
    const mine = (line: Line): boolean => line.device === deviceId;
    await until(
      () => lines('session').filter(mine),
      ({ length }) => length === 1,
      'the session has a line',
    );
    const [decision, ...more] = lines('decision').filter(mine);
    const [session] = lines('session').filter(mine);
    assert.ok(decision && session && more.length === 0);
    assert.deepEqual([decision.outcome, decision.peer, decision.level], ['admitted', 'known', 'info']);
    assert.equal(session.admission, decision.decision);
    assert.equal(session.connection, decision.connection);
    const key = await createApiKeys({ db: stage.db, clock: systemClock }).create(
      { name: 'log test', role: 'viewer' },
      { actor: { kind: 'cli', name: 'x' } },
    );
    assert.ok(key.ok);
    const answer = await fetch(`${stage.app.management}/api/v1/admissions?deviceId=${deviceId}`, {
      headers: { Authorization: `Bearer ${key.secret}` },
    });
    const { items } = (await answer.json()) as { items: { id: string; connectionId: string }[] };
    assert.deepEqual(
      items.map(({ id, connectionId }) => [id, connectionId]),
      [[decision.decision, decision.connection]],
    );
    const { rows } = await stage.db.query({
      text: 'select id, connection_id from admissions where device_id = $1',
      values: [deviceId],
    });
    assert.deepEqual(rows, [{ id: decision.decision, connection_id: decision.connection }]);
  });

  test('a refused cell of ours is a warning, a stranger is not', async () => {
    const device = await stage.known();
    const deviceId = await stage.deviceId(device);
    await stage.db.query({ text: `update devices set state = 'blocked' where id = $1`, values: [deviceId] });
    await runSession(await dress(stage.context, device));
    await sayPlainly(stage.port(), httpRequest('GET', '/'));
    const told = await until(
      () => lines('decision').filter(({ outcome }) => outcome === 'refused'),
      (found) => found.length >= 2,
      'the refusals have lines',
    );
    const of = (reason: string): unknown => told.find((line) => line.reason === reason)?.level;
    assert.deepEqual([of('device_blocked'), of('not_tls')], ['warn', 'info']);
  });
});

function capture(): { readonly logger: ReturnType<typeof createLogger>; text(): string } {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      text += line;
      done();
    },
  });
  return { logger: createLogger('info', stream), text: () => text };
}

const facts = { connectionId: 'c', listener: 'main', remoteAddress: '192.0.2.1', remotePort: 7 };

function decided(value: string, peer = 'known'): Decision {
  const identity = { anchor: 'acme', kind: 'hnb-fqdn', value };
  const why = { outcome: 'refused', stage: 'path', reason: 'cert_expired', detail: 'expired' };
  return { id: 'd', at: new Date(), facts, peer, identity, ...why } as unknown as Decision;
}

describe('what strangers write into a certificate', () => {
  test('is seen and not obeyed: one line stays one line', () => {
    const { logger, text } = capture();
    const say = createDecisionLines({ logger, clock: systemClock, strangersPerMinute: 10, linesPerDevice: 10 });
    const hostile = 'a\u0000\u001b[2J\r\n{"level":"fatal","msg":"forged"}\u202e<script>=1+1';
    say(decided(hostile));
    const [line = '', ...rest] = text().trimEnd().split('\n');
    assert.deepEqual(rest, []);
    assert.equal((JSON.parse(line) as Line).identity, hostile);
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    say(decided('x'.repeat(100_000)));
    assert.ok(text().length < 2000);
  });

  test('fills no disk: strangers have so many lines a minute, each cell of ours its own, the rest is counted', () => {
    const { logger, text } = capture();
    const clock = manualClock(new Date('2026-01-01T00:00:00Z'));
    const say = createDecisionLines({ logger, clock, strangersPerMinute: 5, linesPerDevice: 7 });
    for (let i = 0; i < 100; i += 1) say(decided('stranger', 'stranger'));
    const ours = (deviceId: string): Decision => ({ ...decided('ours'), deviceId });
    for (let i = 0; i < 20; i += 1) say(ours('mad'));
    for (let i = 0; i < 20; i += 1) say(ours(`cell ${i}`));
    assert.equal(text().trimEnd().split('\n').length, 5 + 7 + 20);
    clock.advance(61_000);
    say(decided('stranger', 'stranger'));
    assert.match(text(), /"unreported":95,"msg":"decisions about strangers without a line"/);
    assert.match(text(), /"device":"mad","unreported":13,"msg":"decisions about a device without a line"/);
  });
});

test('secrets stay out of the log, wherever they stand', () => {
  const { logger, text } = capture();
  const key = 'Q29uZmlkZW50aWFsS2V5TWF0ZXJpYWw';
  logger.info({ password: 'swordfish', nested: { cookie: 'swordfish', secretKey: 'swordfish' } }, 'by name');
  logger.info({ url: 'postgresql://hems:swordfish@db.example/hems' }, 'in a URL');
  logger.error({ err: new Error(`connect postgres://hems:swordfish@db/hems failed`) }, 'in an error');
  logger.info({ header: 'Basic c3dvcmRmaXNoOnN3b3JkZmlzaA==' }, 'in a header');
  logger.info({ text: `-----BEGIN EC PRIVATE KEY-----\n${key}\n-----END EC PRIVATE KEY-----\n` }, 'a key');
  logger.info({ text: `hems_0123456789abcdef_${'s'.repeat(43)}` }, 'an API key');
  assert.doesNotMatch(text(), /swordfish|c3dvcmRm|Q29uZmlk|s{43}/);
  assert.match(text(), /hems_0123456789abcdef_\[hidden\]/);
  for (const line of text().trimEnd().split('\n')) JSON.parse(line);
});
