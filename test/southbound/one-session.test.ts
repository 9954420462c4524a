import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import type { InformOutcome } from '../../src/fleet/informs.ts';
import { call, eventually, type Ground, ground, inform, openDoor, post } from './door.ts';
import { asking, storedInform } from './fleet.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

const read: AcsRequest = { method: 'GetParameterValues', parameterNames: ['Device.'] };
const outcome: InformOutcome = { ...storedInform, hasTasks: true };

/** A door that takes as long as it is told to store each Inform. */
async function slowDoor(t: Parameters<typeof openDoor>[0]) {
  const store: (() => void)[] = [];
  const door = await openDoor(t, on, {
    deps: asking([read]),
    recordInform: () => new Promise((resolve) => store.push(() => resolve(outcome))),
  });
  const informed = async (client: Awaited<ReturnType<typeof call>>): Promise<() => void> => {
    const number = store.length;
    client.send(post(inform()));
    await eventually(() => store.length > number);
    return () => store[number]?.();
  };
  return { door, informed };
}

describe('one session a device (TR-069 3.7.1.1)', () => {
  test('the Inform of a connection that was given up, stored late, does not end the session begun since', async (t) => {
    const { door, informed } = await slowDoor(t);
    const early = await call(t, door, on);
    const storeEarly = await informed(early);
    early.socket.destroy();
    const now = await call(t, door, on);
    const storeNow = await informed(now);
    storeNow();
    await now.until(/InformResponse/);
    storeEarly();
    await eventually(async () => (await door.metric('hems_southbound_connections{listener="door"}')) === 1);
    now.send(post(''));
    await now.until(/GetParameterValues>/);
  });

  test('the Inform that came first and is stored last is told to come again; the later one goes on', async (t) => {
    const { door, informed } = await slowDoor(t);
    const [one, two] = [await call(t, door, on), await call(t, door, on)];
    const storeOne = await informed(one);
    // What tells them apart is the moment at which they began.
    const began = Date.now();
    await eventually(() => Date.now() > began + 1);
    const storeTwo = await informed(two);
    storeTwo();
    await two.until(/InformResponse/);
    storeOne();
    await one.until(/<FaultCode>8002</);
    two.send(post(''));
    await two.until(/GetParameterValues>/);
  });

  test('the next Inform in order ends the one before', async (t) => {
    const { door, informed } = await slowDoor(t);
    const [one, two] = [await call(t, door, on), await call(t, door, on)];
    (await informed(one))();
    await one.until(/InformResponse/);
    (await informed(two))();
    await two.until(/InformResponse/);
    two.send(post(''));
    await two.until(/GetParameterValues>/);
    one.send(post(''));
    await one.until(/HTTP\/1.1 (4|503|204)/);
    assert.doesNotMatch(one.text(), /GetParameterValues>/);
  });
});
