import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { strangersText } from '../../src/fleet/strangers-text.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { admitted, by, handshake, newCell, newEui, newNode, newPki, type Node, type Pki } from '../trust/world.ts';
import { informOf, rowsOf } from './informs.ts';

const hostile = 'a\0b\u001b[31mc\r\nd\u202ee=1+1<script>\\\ud800';
const dangerous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('what strangers write is data', () => {
  let database: TestDatabase;
  let pki: Pki;
  let node: Node;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    node = await newNode(database.db, pki);
  });
  after(async () => {
    await node.gate.close();
    await database.drop();
  });

  test('the escaped text is harmless, bounded, and different for different texts', () => {
    assert.equal(
      strangersText(hostile, 256),
      'a\\u{0}b\\u{1b}[31mc\\u{d}\\u{a}d\\u{202e}e=1+1<script>\\u{5c}\\u{d800}',
    );
    const text = fc.string({ unit: 'binary', maxLength: 80 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        for (const one of [a, b]) {
          const safe = strangersText(one, 64);
          assert.ok(safe.length <= 64 && !dangerous.test(safe));
        }
        assert.equal(strangersText(a, 64) === strangersText(b, 64), a === b);
      }),
    );
    // A character of two halves where the text is cut: half of it no JSON of Postgres keeps.
    for (let n = 0; n < 64; n += 1)
      assert.ok(strangersText(`${'x'.repeat(n)}${'\u{1f4e1}'.repeat(60)}`, 64).isWellFormed());
    assert.notEqual(strangersText(`${'x'.repeat(65_536)}1`, 64), strangersText(`${'x'.repeat(65_536)}2`, 64));
  });

  test('an Inform full of it is stored escaped, and holds like any other', async () => {
    const value = `${newEui()}.hnb.acme.example`;
    const added = await node.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    const cell = await newCell(pki, {
      dnsNames: [value],
      commonNames: [`x${'y'.repeat(65_536)}`, '=1+1<script>\u202e'],
    });
    const inform = {
      ...informOf(`${hostile}${'z'.repeat(65_536)}`, { manufacturer: hostile, oui: hostile, productClass: hostile }),
      events: Array.from({ length: 500 }, () => ({ eventCode: hostile, commandKey: hostile })),
      currentTime: hostile,
      retryCount: Number.POSITIVE_INFINITY,
      maxEnvelopes: -5,
      parameterList: [{ name: 'Device.DeviceInfo.SoftwareVersion', value: hostile }],
    };
    const serverName = `${hostile}.example`;
    for (let i = 0; i < 2; i += 1) {
      const connection = admitted(await node.gate.admit(handshake(cell.chain, { serverName })));
      const outcome = await node.informs.recordInform({ connection, inform, cwmpVersion: '1.0' });
      assert.deepEqual(outcome.kind === 'stored' && outcome.learnt, i === 0);
    }
    const connection = admitted(await node.gate.admit(handshake(cell.chain, { serverName })));
    node.gate.released(connection);
    node.gate.refuseSession(connection, 'shared_secret_attempt', 'authorization_basic');
    await node.gate.close();
    const tables = ['device_contact', 'device_serials', 'informs', 'changes', 'admissions', 'device_certificates'];
    for (const table of tables) {
      const rows = await rowsOf(database.db, table, added.deviceId);
      assert.ok(rows.length > 0, table);
      // The certificate itself is kept as it came: bytes, not text.
      const text = JSON.stringify(rows.map((row) => ({ ...row, certificate: undefined })));
      assert.ok(text.length < 40_000, `${table}: ${text.length}`);
      for (const row of rows)
        for (const cellOf of Object.values(row))
          if (typeof cellOf === 'string') assert.ok(!dangerous.test(cellOf), cellOf);
    }
  });

  test('a person may write anything into note, reason and name', async () => {
    const value = `${newEui()}.hnb.acme.example`;
    const long = hostile.repeat(10_000);
    const added = await node.register.add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' }, note: long },
      { actor: { kind: 'cli', name: long }, reason: long },
    );
    assert.ok(added.ok);
    const device = await node.register.show(added.deviceId);
    assert.ok(!dangerous.test(device?.note ?? '\0'));
    assert.ok(!dangerous.test(device?.changes[0]?.reason ?? '\0'));
  });
});
