import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import {
  createTicketKeys,
  createTicketSecrets,
  type TicketSecret,
  type TicketSecrets,
} from '../../src/southbound/ticket-keys.ts';
import { call, type Door, eventually, type Ground, ground, inform, openDoor, post } from './door.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/**
 * One connection to a door; the ticket for the next one, and whether it was a resumption. No new ticket comes with a
 * resumption: the key of the first one sets the day of the next full handshake.
 */
async function visit(t: TestContext, door: Door, version: (typeof versions)[number], session?: Buffer) {
  const before_ = door.gate.handshakes.length;
  const client = await call(t, door, on, {
    minVersion: version,
    maxVersion: version,
    ...(session === undefined ? {} : { session }),
  });
  const ticket = (): Buffer | undefined =>
    version === 'TLSv1.2' ? client.socket.getSession() : (client.tickets.at(-1) ?? session);
  await eventually(() => door.gate.handshakes.length > before_ && ticket() !== undefined);
  const reused = client.socket.isSessionReused();
  return { client, reused, ticket: ticket() as Buffer, handshake: door.gate.handshakes.at(-1) };
}

for (const version of versions)
  describe(`${version}: a ticket`, () => {
    test('resumes at the door where it was made; the gate judges again, with the leaf and no second lock', async (t) => {
      const door = await openDoor(t, on);
      const first = await visit(t, door, version);
      const second = await visit(t, door, version, first.ticket);
      assert.equal(second.reused, true);
      assert.equal(second.handshake?.resumed, true);
      assert.equal(second.handshake?.chain.length, 1);
      assert.deepEqual(second.handshake?.chain[0], first.handshake?.chain[0]);
      assert.equal(second.handshake?.secondLock, undefined);
      second.client.send(post(inform()));
      await second.client.until(/InformResponse/);
    });

    test('does not help a device that was blocked in between', async (t) => {
      const door = await openDoor(t, on);
      const first = await visit(t, door, version);
      door.gate.blocked.add('00a0bc000001.hnb.acme.example');
      const second = await visit(t, door, version, first.ticket);
      second.client.send(post(inform()));
      await second.client.ended;
      assert.equal(second.client.text(), '');
      assert.equal(door.informs.length, 0);
    });

    test('does not resume at another listener, not even with the keys of the same process', async (t) => {
      const ticketKeys = createTicketKeys(60_000);
      t.after(() => ticketKeys.stop());
      const one = await openDoor(t, on, { ticketKeys });
      const two = await openDoor(t, on, { ticketKeys, listener: { name: 'other' } });
      const { ticket } = await visit(t, one, version);
      const carried = await visit(t, two, version, ticket);
      assert.equal(carried.reused, false);
      assert.equal(carried.handshake?.chain.length, 2);
      assert.equal((await visit(t, one, version, ticket)).reused, true);
    });

    test('is worth nothing once its key has been rotated', async (t) => {
      const ticketKeys = createTicketKeys(60_000);
      t.after(() => ticketKeys.stop());
      const door = await openDoor(t, on, { ticketKeys });
      const first = await visit(t, door, version);
      const second = await visit(t, door, version, first.ticket);
      assert.equal(second.reused, true);
      ticketKeys.rotate();
      assert.equal((await visit(t, door, version, second.ticket)).reused, false);
    });
  });

describe('a ticket', () => {
  test('of TLS 1.2 from a legacy door brings no CBC suite into a modern one', async (t) => {
    const ticketKeys = createTicketKeys(60_000);
    t.after(() => ticketKeys.stop());
    const legacy = await openDoor(t, on, {
      ticketKeys,
      listener: { profile: 'legacy-rel12', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
    });
    const modern = await openDoor(t, on, { ticketKeys });
    const { ticket, handshake } = await visit(t, legacy, 'TLSv1.2');
    assert.equal(handshake?.cipherSuite, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA');
    const carried = await visit(t, modern, 'TLSv1.2', ticket);
    assert.equal(carried.reused, false);
    assert.equal(carried.handshake?.cipherSuite, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256');
  });
});

describe('ticket keys', () => {
  test('live no longer than the longest resumption, and never longer than half a day', async (t) => {
    const day = 86_400_000;
    const halfDay = createTicketKeys(day);
    const short = createTicketKeys(50);
    t.after(() => [halfDay, short].map((keys) => keys.stop()));
    assert.equal(halfDay.lifetime, 43_200);
    const first = short.keysFor('door');
    let rotations = 0;
    short.onRotated(() => {
      rotations += 1;
    });
    await eventually(() => rotations > 0);
    assert.notDeepEqual(short.keysFor('door'), first);
  });

  test('differ from door to door and from process to process', (t) => {
    const [one, two] = [createTicketKeys(1000), createTicketKeys(1000)];
    t.after(() => [one, two].map((keys) => keys.stop()));
    assert.equal(one.keysFor('a').length, 48);
    assert.deepEqual(one.keysFor('a'), one.keysFor('a'));
    assert.notDeepEqual(one.keysFor('a'), one.keysFor('b'));
    assert.notDeepEqual(one.keysFor('a'), two.keysFor('a'));
  });

  test('of processes that share a secret are the same, from one secret to the next', (t) => {
    let hand = (_: TicketSecret): void => undefined;
    const shared = (): TicketSecrets => ({
      first: { secret: Buffer.alloc(32, 1), left: 60_000 },
      onNext: (take) => {
        const before = hand;
        hand = (next) => {
          for (const each of [before, take]) each(next);
        };
      },
    });
    const [one, two] = [createTicketKeys(60_000, shared()), createTicketKeys(60_000, shared())];
    t.after(() => [one, two].map((keys) => keys.stop()));
    assert.deepEqual(one.keysFor('a'), two.keysFor('a'));
    const before_ = one.keysFor('a');
    hand({ secret: Buffer.alloc(32, 2), left: 60_000 });
    assert.deepEqual(one.keysFor('a'), two.keysFor('a'));
    assert.notDeepEqual(one.keysFor('a'), before_);
  });

  test('are not kept beyond what was left of a shared secret, where no next one comes', async (t) => {
    const keys = createTicketKeys(60_000, {
      first: { secret: Buffer.alloc(32, 1), left: 30 },
      onNext: () => undefined,
    });
    t.after(() => keys.stop());
    const first = keys.keysFor('a');
    await eventually(() => !keys.keysFor('a').equals(first));
  });

  test('a secret that is shared is made anew when its life is over, and who comes late gets what is left of it', async (t) => {
    const handed: TicketSecret[] = [];
    const secrets = createTicketSecrets(200, (next) => void handed.push(next));
    t.after(() => secrets.stop());
    const first = secrets.current();
    assert.ok(first.left <= 200);
    await eventually(() => handed.length > 0);
    assert.notDeepEqual(handed[0]?.secret, first.secret);
    const long = createTicketSecrets(86_400_000, () => undefined);
    t.after(() => long.stop());
    assert.ok(long.current().left <= 43_200_000, 'half a day at most');
  });
});
