import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createEventBus, type HemsEvent } from '../../src/platform/events.ts';

const event = (connectionId: string): HemsEvent => ({
  kind: 'inform',
  at: new Date(0),
  deviceId: 'd',
  connectionId,
  events: ['2 PERIODIC'],
  deviceIdStruct: { manufacturer: 'm', oui: '00A0BC', productClass: 'p', serialNumber: 's' },
});

const ids = (events: readonly HemsEvent[]): (string | undefined)[] =>
  events.map((e) => ('connectionId' in e ? e.connectionId : undefined));

async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !done() && performance.now() < end; ) await sleep(5);
}

describe('the event bus', () => {
  test('never runs a subscriber inside publish, and keeps the order', async () => {
    const bus = createEventBus();
    const got: HemsEvent[] = [];
    bus.subscribe(async (e) => {
      await sleep(1);
      got.push(e);
    });
    for (const id of ['a', 'b', 'c']) bus.publish(event(id));
    assert.equal(got.length, 0);
    await until(() => got.length === 3);
    assert.deepEqual(ids(got), ['a', 'b', 'c']);
  });

  test('outlives subscribers that throw or reject, logs and counts them', async () => {
    const lines: string[] = [];
    const metrics = new Registry();
    const bus = createEventBus({ logger: pino({}, { write: (line: string) => lines.push(line) }), metrics });
    const got: HemsEvent[] = [];
    bus.subscribe(() => {
      throw new Error('thrown');
    });
    bus.subscribe(() => Promise.reject(new Error('rejected')));
    bus.subscribe((e) => void got.push(e));
    bus.publish(event('a'));
    bus.publish(event('b'));
    await until(() => got.length === 2 && lines.length === 4);
    assert.deepEqual(ids(got), ['a', 'b']);
    assert.equal(lines.length, 4);
    assert.match(await metrics.metrics(), /^hems_platform_event_subscriber_failures_total 4$/m);
  });

  test('drops the oldest waiting events of a subscriber that is too slow, and counts them', async () => {
    const metrics = new Registry();
    const bus = createEventBus({ capacity: 3, metrics });
    const [slow, quick]: HemsEvent[][] = [[], []];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    bus.subscribe(async (e) => {
      await gate;
      slow!.push(e);
    });
    bus.subscribe((e) => void quick!.push(e));
    for (const id of ['1', '2', '3', '4', '5', '6']) {
      bus.publish(event(id));
      await sleep(1);
    }
    open();
    await until(() => quick!.length === 6 && slow!.length === 4);
    assert.deepEqual(ids(quick!), ['1', '2', '3', '4', '5', '6']);
    assert.deepEqual(ids(slow!), ['1', '4', '5', '6']);
    assert.match(await metrics.metrics(), /^hems_platform_events_dropped_total 2$/m);
  });

  test('sends nothing more after the end of a subscription, not even what waits', async () => {
    const bus = createEventBus();
    const got: HemsEvent[] = [];
    const stop = bus.subscribe((e) => void got.push(e));
    bus.publish(event('a'));
    stop();
    bus.publish(event('b'));
    await sleep(20);
    assert.deepEqual(got, []);
  });
});
