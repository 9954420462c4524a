import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { ensurePartitions } from '../../src/fleet/partitions.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { manualClock } from '../../src/platform/clock.ts';
import type { Database } from '../../src/platform/postgres.ts';
import { createSecretStore } from '../../src/platform/secrets.ts';
import { readWrappingKeys } from '../../src/platform/wrapping-keys.ts';
import { parseExported } from '../../src/trust/checkpoint.ts';
import { makeCheckpoint } from '../../src/trust/checkpoints.ts';
import { dropPartitions } from '../../src/trust/evidence-retention.ts';
import { type Verification, verifyEvidence } from '../../src/trust/evidence-verify.ts';
import { type TestDatabase, withDatabase } from '../support/database.ts';
import { by, handshake, type Node, newCell, newIdentity, newNode, newPki, type Pki } from './world.ts';

const newKey = (): string => randomBytes(32).toString('base64');
const hostile = 'a\0"\\\u001b[31m\r\n\u202e=1+1<script>\ud800€';

/** A register with so many devices, each added and blocked, several at once. */
async function lived(t: TestContext, devices = 12): Promise<TestDatabase> {
  const database = await withDatabase(t);
  await ensurePartitions(database.db);
  const register = createRegister({ db: database.db, clock: manualClock(new Date()) });
  await Promise.all(
    Array.from({ length: devices }, async () => {
      const identity = newIdentity();
      const added = await register.add({ identity, note: hostile }, { actor: by.actor, reason: hostile });
      assert.ok(added.ok);
      await register.block(added.deviceId, by);
    }),
  );
  return database;
}

/** What the owner of the database could do who wants evidence gone. */
async function tampered(db: Database, ...statements: string[]): Promise<void> {
  await db.query({ text: 'alter table changes disable trigger user' });
  for (const text of statements) await db.query({ text });
  await db.query({ text: 'alter table changes enable trigger user' });
}

const kinds = ({ findings }: Verification): string[] => [...new Set(findings.map(({ kind }) => kind))].sort();

const anyChange = `(select chain from changes where link > 1 order by chain limit 1)`;

describe('the chains of the audit', () => {
  test('hold as written, by many writers at once, and across what was rolled back', async (t) => {
    const { db } = await lived(t);
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx.query({
          text: `insert into changes (device_id, at, id, actor_kind, actor, action)
                 values (gen_random_uuid(), now(), gen_random_uuid(), 'cli', 'x', 'y')`,
        });
        throw new Error('no');
      }),
    );
    const verification = await verifyEvidence(db);
    assert.deepEqual([verification.rows, verification.findings, verification.unchained], [24, [], []]);
    assert.ok(verification.chains >= 2, `${verification.chains} writers wrote at once`);
  });

  test('show a row that was altered in any column', async (t) => {
    const { db } = await lived(t, 3);
    const columns = {
      device_id: 'gen_random_uuid()',
      at: `at + interval '1 second'`,
      id: 'gen_random_uuid()',
      actor_kind: `'rest'`,
      actor: `'somebody else'`,
      action: `'unblock'`,
      before: `'{}'`,
      after: `'{"state": "active"}'`,
      reason: `'another'`,
      recorded_at: `recorded_at + interval '1 second'`,
    };
    for (const [column, value] of Object.entries(columns)) {
      await db.query({ text: 'create table kept as select * from changes' });
      await tampered(db, `update changes set ${column} = ${value} where (chain, link) = (${anyChange}, 2)`);
      assert.deepEqual(kinds(await verifyEvidence(db)), ['altered'], column);
      await tampered(db, 'delete from changes', 'insert into changes select * from kept', 'drop table kept');
      assert.deepEqual(kinds(await verifyEvidence(db)), [], column);
    }
  });

  test('show a row that is missing, in the middle or at the end, and rows that changed places', async (t) => {
    for (const [statement, expected] of [
      [`delete from changes where (chain, link) = (${anyChange}, 1)`, ['missing']],
      [`delete from changes c where link = (select max(link) from changes m where m.chain = c.chain)`, ['missing']],
      [`update changes set link = 3 - link where chain = ${anyChange} and link in (1, 2)`, ['altered']],
      [
        `insert into changes select gen_random_uuid(), at, id, actor_kind, actor, action, before, after, reason, recorded_at,
          chain, link, digest from changes where (chain, link) = (${anyChange}, 1)`,
        ['foreign'],
      ],
      [
        `insert into changes (device_id, at, id, actor_kind, actor, action) select gen_random_uuid(), now(),
          gen_random_uuid(), 'cli', 'x', 'y' from pg_sleep(0.01)`,
        ['foreign'],
      ],
      ['delete from changes', ['missing']],
    ] as const) {
      const { db } = await lived(t, 3);
      await tampered(db, statement);
      assert.deepEqual(kinds(await verifyEvidence(db)), expected, statement);
    }
  });

  test('cover decisions of the gate, told twice or once', async (t) => {
    const { db } = await withDatabase(t);
    const pki: Pki = await newPki();
    const node: Node = await newNode(db, pki);
    const { value } = newIdentity();
    await node.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    const cell = await newCell(pki, { dnsNames: [value] });
    for (let i = 0; i < 5; i += 1) {
      const admission = await node.gate.admit(handshake(cell.chain, { serverName: hostile }));
      assert.ok(admission.outcome === 'admitted');
      node.gate.released(admission);
    }
    await node.gate.close();
    const { rows } = await db.query<{ n: number }>({ text: 'select count(*) as n from admissions' });
    assert.equal(rows[0]?.n, 5);
    assert.deepEqual((await verifyEvidence(db)).findings, []);
    await db.query({ text: 'alter table admissions disable trigger append_only' });
    await db.query({ text: `update admissions set remote_address = '203.0.113.1' where link = 3` });
    assert.deepEqual(kinds(await verifyEvidence(db)), ['altered']);
  });

  test('cover what the sources of revocation said', async (t) => {
    const { db } = await lived(t, 1);
    await db.query({
      text: `insert into admissions (device_id, at, id, outcome, peer, connection_id, listener, role, remote_address,
               remote_port, verdict)
             select device_id, now(), gen_random_uuid(), 'admitted', 'known', 'c', 'door', 'serving', '192.0.2.1', 1,
                    '{"outcome":"admit","evidence":[]}' from changes limit 1`,
    });
    assert.deepEqual((await verifyEvidence(db)).findings, []);
    await db.query({ text: 'alter table admissions disable trigger append_only' });
    await db.query({ text: `update admissions set verdict = '{"outcome":"admit","evidence":["good"]}'` });
    assert.deepEqual(kinds(await verifyEvidence(db)), ['altered']);
  });
});

describe('checkpoints of the audit', () => {
  async function keeper(t: TestContext, options: { exporting?: boolean } = {}) {
    const { db } = await lived(t, 4);
    const lines: string[] = [];
    const deps = {
      db,
      clock: manualClock(new Date()),
      secrets: createSecretStore(db, readWrappingKeys(newKey())),
      ...(options.exporting !== false && {
        exportTo: (line: string) => Promise.resolve(`test:${lines.push(line)}`),
      }),
    };
    return { db, deps, lines };
  }

  test('are signed, follow each other, and lie outside', async (t) => {
    const { db, deps, lines } = await keeper(t);
    for (let i = 1; i <= 3; i += 1) {
      const made = await makeCheckpoint(deps);
      assert.deepEqual(made.kind === 'made' && [made.row.number, made.row.exportedTo], [i, `test:${i}`]);
    }
    const exported = lines.map((line) => parseExported(line)).filter((one) => one !== undefined);
    const verification = await verifyEvidence(db, { exported });
    assert.deepEqual([verification.checkpoints, verification.findings], [3, []]);
  });

  test('show that a whole chain was rewritten, end and all, by what lies outside', async (t) => {
    const { db, deps, lines } = await keeper(t);
    await makeCheckpoint(deps);
    const exported = lines.flatMap((line) => parseExported(line) ?? []);
    // The owner deletes everything, checkpoints included, and begins anew.
    await db.query({ text: 'alter table audit_checkpoints disable trigger user' });
    await db.query({ text: 'delete from audit_checkpoints' });
    await tampered(
      db,
      'delete from changes',
      'delete from audit_chains',
      `select setval('audit_chain_numbers', 1, false)`,
    );
    const register = createRegister({ db, clock: manualClock(new Date()) });
    const identity = newIdentity();
    await register.add({ identity }, by);
    assert.deepEqual(kinds(await verifyEvidence(db)), [], 'inside, all is well');
    const found = kinds(await verifyEvidence(db, { exported }));
    assert.ok(found.includes('checkpoint') && found.length > 1, found.join());
  });

  test('are not believed with another key, another text, or a number left out', async (t) => {
    const { db, deps } = await keeper(t);
    for (let i = 0; i < 3; i += 1) await makeCheckpoint(deps);
    const other = await makeCheckpoint({ ...deps, secrets: createSecretStore(db, readWrappingKeys(newKey())) });
    assert.equal(other.kind, 'no_key', 'the signing key is wrapped by another key');
    assert.deepEqual(kinds(await verifyEvidence(db, { publicKey: randomBytes(44) })), ['checkpoint']);
    await db.query({ text: 'alter table audit_checkpoints disable trigger user' });
    await db.query({ text: 'create table kept as select * from audit_checkpoints' });
    for (const text of [
      `update audit_checkpoints set statement = replace(statement, '2', '3') where number = 2`,
      'delete from audit_checkpoints where number = 2',
      'delete from audit_checkpoints where number = 1',
    ]) {
      await db.query({ text });
      assert.ok(kinds(await verifyEvidence(db)).includes('checkpoint'), text);
      await db.query({ text: 'delete from audit_checkpoints' });
      await db.query({ text: 'insert into audit_checkpoints select * from kept' });
    }
  });

  test('let old partitions go, whole, once they lie outside; the chains are followed across', async (t) => {
    const { db, deps } = await keeper(t);
    const soon = new Date(Date.now() + 80 * 86_400_000);
    const inside = await dropPartitions({ ...deps, exportTo: undefined }, soon);
    assert.deepEqual(
      inside.kept.filter(({ partition }) => partition.startsWith('changes')).map(({ cause }) => cause)[0],
      'it has rows that no exported checkpoint has seen',
    );
    const { dropped } = await dropPartitions(deps, soon);
    assert.ok(
      dropped.some((name) => /^changes_\d{4}_\d{2}$/.test(name)),
      dropped.join(),
    );
    const register = createRegister({ db, clock: manualClock(new Date()) });
    const identity = newIdentity();
    await register.add({ identity }, by);
    const verification = await verifyEvidence(db);
    assert.deepEqual([verification.rows, verification.findings], [1, []]);
    // A range that nobody signed is a hole.
    await tampered(db, 'delete from changes');
    await db.query({
      text: `insert into audit_dropped select 'changes', 'x', chain, link, link, digest, now() from audit_chains where source = 'changes'
              on conflict do nothing`,
    });
    assert.deepEqual(kinds(await verifyEvidence(db)), ['missing']);
  });

  test('without a wrapping key nothing is signed, and that is said', async (t) => {
    const { db, deps } = await keeper(t);
    const outcome = await makeCheckpoint({ ...deps, secrets: createSecretStore(db, undefined) });
    assert.match(outcome.kind === 'no_key' ? outcome.cause : '', /HEMS_SECRET_KEY is not set/);
  });
});
