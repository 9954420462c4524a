import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { call, eventually, type Ground, ground, inform, openDoor, post } from './door.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

describe('admission', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: an admitted device completes a session`, async (t) => {
      const door = await openDoor(t, on);
      const client = await call(t, door, on, { minVersion: version, maxVersion: version });
      client.send(post(inform()));
      const [, cookie] = await client.until(
        /HTTP\/1.1 200 OK[\s\S]*set-cookie: (hems=[\w-]{32}); Path=\/; Secure; HttpOnly[\s\S]*InformResponse[\s\S]*Envelope>/i,
      );
      client.send(post('', { Cookie: cookie ?? '' }));
      await client.until(/HTTP\/1.1 204/);
      assert.equal(door.informs.length, 1);
      const [handshake] = door.gate.handshakes;
      assert.equal(handshake?.tlsVersion, version);
      assert.equal(handshake?.chain.length, 2);
      assert.equal(handshake?.secondLock, undefined);
      assert.equal(handshake?.serverName, 'localhost');
      client.socket.end();
      await eventually(() => door.gate.released_.length === 1);
      assert.equal(door.log.filter(({ msg }) => msg === 'session').length, 1);
    });
  }
});
