import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import { call, type Ground, ground, inform, openDoor, post } from './door.ts';
import { asking } from './fleet.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

const least = 32_768;
const limits = { requestBytes: least, bodyBytes: 200_000 };

const read: AcsRequest = { method: 'GetParameterValues', parameterNames: ['Device.'] };

/** The answer to `acs-1`, with a value of so many characters. */
const answer = (length: number): string => `<?xml version="1.0"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0">
<soap:Header><cwmp:ID soap:mustUnderstand="1">acs-1</cwmp:ID></soap:Header><soap:Body>
<cwmp:GetParameterValuesResponse><ParameterList><ParameterValueStruct><Name>Device.X</Name>
<Value>${'x'.repeat(length)}</Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse>
</soap:Body></soap:Envelope>`;

describe('how long a body may be', () => {
  test('an answer that is awaited: the large limit; what comes unasked: the small one, in the same session', async (t) => {
    const door = await openDoor(t, on, { limits, deps: asking([read]) });
    const client = await call(t, door, on);
    client.send(post(inform()));
    await client.until(/InformResponse/);
    client.send(post(''));
    await client.until(/GetParameterValues>/);
    client.send(post(answer(150_000)));
    await client.until(/HTTP\/1.1 204/);
    client.send(post(answer(150_000)));
    await client.until(/HTTP\/1.1 413/);
    await client.ended;
  });

  test('an awaited answer comes on a new connection too, known by its cookie', async (t) => {
    const door = await openDoor(t, on, { limits, deps: asking([read]) });
    const first = await call(t, door, on);
    first.send(post(inform()));
    const [, cookie = ''] = await first.until(/set-cookie: (hems=[\w-]+)[\s\S]*InformResponse/i);
    first.send(post('', { Cookie: cookie }));
    await first.until(/GetParameterValues>/);
    first.socket.destroy();
    const second = await call(t, door, on);
    second.send(post(answer(150_000), { Cookie: cookie }));
    await second.until(/HTTP\/1.1 204/);
  });

  test('the cookie of another device’s session opens no larger door', async (t) => {
    const door = await openDoor(t, on, { limits, deps: asking([read], { repeated: true }) });
    const owner = await call(t, door, on);
    owner.send(post(inform()));
    const [, cookie = ''] = await owner.until(/set-cookie: (hems=[\w-]+)[\s\S]*InformResponse/i);
    owner.send(post('', { Cookie: cookie }));
    await owner.until(/GetParameterValues>/);
    const thief = await call(t, door, { ...on, device: await on.pki.leaf('00a0bc000002.hnb.acme.example') });
    thief.send(post(answer(150_000), { Cookie: cookie }));
    await thief.until(/HTTP\/1.1 413/);
  });

  test('an answer beyond the large limit is refused, and so is an Inform beyond the small one', async (t) => {
    const door = await openDoor(t, on, { limits, deps: asking([read], { repeated: true }) });
    const client = await call(t, door, on);
    client.send(post(inform('0'.repeat(least))));
    await client.until(/HTTP\/1.1 413/);
    const second = await call(t, door, on);
    second.send(post(inform()));
    await second.until(/InformResponse/);
    second.send(post(''));
    await second.until(/GetParameterValues>/);
    second.send(post(answer(200_000)));
    await second.until(/HTTP\/1.1 413/);
    assert.equal(door.informs.length, 1);
  });
});
