import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type DeviceState, deviceStates } from '../../src/fleet/device.ts';
import { erasedTables, keptTables } from '../../src/fleet/register-moves-queries.ts';
import type { StateResult } from '../../src/fleet/register.ts';
import { type Move, mayMove, moves, stateDiagram, statesBefore, transitions } from '../../src/fleet/transitions.ts';
import { createTasks } from '../../src/fleet/tasks.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  admitted,
  by,
  type Cell,
  handshake,
  newCell,
  newEui,
  newNode,
  newPki,
  type Node,
  type Pki,
  verdict,
} from '../trust/world.ts';
import { informOf, rowsOf } from './informs.ts';

const because = (reason: string) => ({ ...by, reason });

function done(result: StateResult): string {
  assert.ok(result.ok, result.ok ? '' : result.problem.message);
  return result.state;
}

const problem = (result: StateResult): string => (result.ok ? 'done' : result.problem.kind);

const fingerprintOf = ({ chain }: Cell): string =>
  createHash('sha256')
    .update(chain[0] ?? '')
    .digest('hex');

describe('the life of a device', () => {
  let database: TestDatabase;
  let pki: Pki;
  let node: Node;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    node = await newNode(database.db, pki, { anchors: { zenith: { registration: 'quarantine' } } });
  });
  after(async () => {
    await node.gate.close();
    await database.drop();
  });

  const admit = async ({ chain }: Cell): Promise<string> => verdict(await node.gate.admit(handshake(chain)));
  const stateOf = async (deviceId: string) => (await node.register.show(deviceId))?.state;

  async function enrolled(anchor: 'acme' | 'operator' = 'acme') {
    const value = `${newEui()}.hnb.${anchor}.example`;
    const added = await node.register.add({ identity: { anchor, kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    return { deviceId: added.deviceId, value, cell: await newCell(pki, { anchor, dnsNames: [value] }) };
  }

  async function informed({ chain }: Cell, serial: string) {
    const connection = admitted(await node.gate.admit(handshake(chain)));
    return node.informs.recordInform({ connection, inform: informOf(serial), cwmpVersion: '1.0' });
  }

  test('is a table of transitions that leads from every state to the scrapyard, and from there nowhere', () => {
    for (const state of deviceStates) {
      assert.equal(mayMove('retire', state, 'retired'), state !== 'retired', state);
      if (state !== 'retired')
        assert.ok(
          transitions.some(({ to }) => to.includes(state)),
          `${state} can be reached`,
        );
    }
    assert.ok(transitions.every(({ from }) => !from.includes('retired')));
    assert.deepEqual(statesBefore('unblock'), ['blocked']);
    for (const move of moves) assert.match(stateDiagram(), new RegExp(move.replace('_', ' ')));
  });

  test('a stranger in quarantine is approved, or turned away for good until a person thinks better of it', async () => {
    const [one, two] = [`${newEui('00a0bd')}.hnb.zenith.example`, `${newEui('00a0bd')}.hnb.zenith.example`];
    const [first, second] = await Promise.all(
      [one, two].map((name) => newCell(pki, { anchor: 'zenith', dnsNames: [name] })),
    );
    assert.ok(first !== undefined && second !== undefined);
    for (const cell of [first, second]) assert.match(await admit(cell), /^device_quarantined/);
    const [firstId = '', secondId = ''] = [...(await node.register.find(one)), ...(await node.register.find(two))];
    assert.equal(done(await node.register.approve(firstId, because('known from the fair'))), 'expected');
    assert.equal(await admit(first), 'admitted');
    assert.equal(done(await node.register.reject(secondId, because('nobody knows it'))), 'blocked');
    assert.match(await admit(second), /^device_blocked/);
    assert.equal(done(await node.register.unblock(secondId, because('a mistake'))), 'quarantined');
    assert.match(await admit(second), /^device_quarantined/);
    assert.equal(done(await node.register.approve(secondId, because('ours after all'))), 'expected');
    assert.equal(await admit(second), 'admitted');
  });

  test('a held key is rejected, and the device goes on with the approved one', async () => {
    const { deviceId, value, cell } = await enrolled();
    assert.equal(await admit(cell), 'admitted');
    const thief = await newCell(pki, { dnsNames: [value] });
    assert.match(await admit(thief), /^key_held\/new_key/);
    assert.equal(await stateOf(deviceId), 'held');
    assert.equal(done(await node.register.reject(deviceId, because('not our workshop'))), 'expected');
    assert.match(await admit(thief), /^key_held\/key_turned_away/);
    assert.equal(await admit(cell), 'admitted');
    assert.equal(problem(await node.register.reject(deviceId, by)), 'nothing_to_reject');
  });

  test('a certificate named ahead is the first one let in, and no other', async () => {
    const { deviceId, value, cell } = await enrolled();
    const rows = async function* () {
      yield { line: 1, original: {}, cells: { anchor: 'acme', identity: value, fingerprint: fingerprintOf(cell) } };
    };
    assert.equal((await node.register.shipping.import(rows(), by)).changed, 1);
    const other = await newCell(pki, { dnsNames: [value] });
    assert.match(await admit(other), /^key_held\/new_key/);
    assert.equal(await admit(cell), 'admitted');
    assert.equal(await stateOf(deviceId), 'held', 'the other one waits for a person');
  });

  test('after repair it comes back with the new certificate alone, seen already or not', async () => {
    const { deviceId, value, cell } = await enrolled();
    await informed(cell, `REPAIR-${value}`);
    const repaired = await newCell(pki, { dnsNames: [value] });
    assert.equal(
      problem(await node.register.rebind({ deviceId, fingerprint: fingerprintOf(repaired) }, { actor: by.actor })),
      'reason_missing',
    );
    assert.equal(
      done(await node.register.rebind({ deviceId, fingerprint: fingerprintOf(repaired) }, because('new board'))),
      'active',
    );
    assert.match(await admit(cell), /^key_held\/key_turned_away/);
    assert.equal(await admit(repaired), 'admitted');
    const again = await newCell(pki, { dnsNames: [value] });
    assert.match(await admit(again), /^key_held\/new_key/);
    assert.equal(
      done(await node.register.rebind({ deviceId, fingerprint: fingerprintOf(again) }, because('and again'))),
      'active',
    );
    assert.equal(await admit(again), 'admitted');
    assert.match(await admit(repaired), /^key_held/);
    const changes = (await rowsOf(database.db, 'changes', deviceId)).filter(({ action }) => action === 'rebind');
    assert.deepEqual(changes.map(({ reason }) => reason).toSorted(), ['and again', 'new board']);
  });

  test('a replaced device hands over tags and site, and never comes in again', async () => {
    const [old, fresh] = [await enrolled(), await enrolled()];
    const file = async function* () {
      yield { line: 1, original: {}, cells: { anchor: 'acme', identity: old.value, tags: 'vip;north', site: 'Ulm 3' } };
      yield { line: 2, original: {}, cells: { anchor: 'acme', identity: fresh.value, tags: 'new' } };
    };
    await node.register.shipping.import(file(), by);
    assert.equal(await admit(old.cell), 'admitted');
    const tasks = createTasks({ db: database.db, clock: node.clock, policy: { connectionRequest: 'off' } });
    for (const request of [{ kind: 'read-values', paths: ['Device.'] }, { kind: 'reboot' }] as const)
      assert.ok((await tasks.add(old.deviceId, request, by)).ok);
    assert.equal(done(await node.register.replace(old.deviceId, fresh.deviceId, because('stolen'))), 'blocked');
    const successor = await node.register.show(fresh.deviceId);
    assert.deepEqual([successor?.tags, successor?.site], [['new', 'north', 'vip'], 'Ulm 3']);
    const gone = await node.register.show(old.deviceId);
    assert.deepEqual([gone?.replacedBy, gone?.tags, gone?.site], [fresh.deviceId, [], null]);
    const kinds = async (device: string) => (await rowsOf(database.db, 'tasks', device)).map(({ kind }) => kind);
    assert.deepEqual([await kinds(fresh.deviceId), await kinds(old.deviceId)], [['read-values'], ['reboot']]);
    assert.match(await admit(old.cell), /^device_blocked\/replaced/);
    assert.equal(problem(await node.register.unblock(old.deviceId, by)), 'device_replaced');
    assert.equal(problem(await node.register.replace(old.deviceId, fresh.deviceId, by)), 'device_replaced');
    assert.equal(problem(await node.register.replace(fresh.deviceId, old.deviceId, by)), 'device_replaced');
    assert.equal(problem(await node.register.replace(fresh.deviceId, fresh.deviceId, by)), 'wrong_state');
    assert.equal(done(await node.register.retire(old.deviceId, because('destroyed'))), 'retired');
  });

  test('a retired device leaves its name, its certificates and the evidence; what it was told and said is erased', async () => {
    const { deviceId, value, cell } = await enrolled();
    await informed(cell, `GONE-${value}`);
    await database.db.query({
      text: `insert into device_parameters values ($1, 'Device.X.IMSI', '001010123456789', 'xsd:string', now())`,
      values: [deviceId],
    });
    assert.equal(done(await node.register.retire(deviceId, because('scrapped'))), 'retired');
    for (const table of erasedTables) assert.deepEqual(await rowsOf(database.db, table, deviceId), [], table);
    for (const table of ['device_identities', 'device_certificates', 'device_serials', 'changes', 'admissions'])
      assert.ok((await rowsOf(database.db, table, deviceId)).length > 0, table);
    assert.match(await admit(cell), /^device_retired/);
    for (const again of [
      await node.register.retire(deviceId, by),
      await node.register.block(deviceId, by),
      await node.register.approve(deviceId, by),
    ])
      assert.equal(problem(again), 'device_retired');
    const reborn = await node.register.add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } },
      by,
    );
    assert.equal(!reborn.ok && reborn.problem.kind, 'device_retired');
  });

  test('every table of a device is erased or kept on purpose', async () => {
    const { rows } = await database.db.query<{ name: string }>({
      text: `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
              where a.attname = 'device_id' and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    });
    const decided: readonly string[] = [...erasedTables, ...keptTables];
    assert.deepEqual(
      rows.map(({ name }) => name).filter((name) => !decided.includes(name)),
      [],
    );
  });

  test('moves of many are counted first, pass over what they do not concern, and leave a row for each', async () => {
    const cells = await Promise.all([enrolled(), enrolled(), enrolled()]);
    const file = async function* () {
      for (const [i, { value }] of cells.entries())
        yield { line: i + 1, original: {}, cells: { anchor: 'acme', identity: value, tags: 'stolen-lorry' } };
    };
    await node.register.shipping.import(file(), by);
    await node.register.retire(cells[2]?.deviceId ?? '', because('was scrap'));
    const filter = { tag: 'stolen-lorry' };
    assert.equal(await node.register.countForMove('block', filter), 2, 'the retired one lost its tag with the rest');
    assert.deepEqual(await node.register.moveMany('block', filter, because('stolen')), { moved: 2, left: [] });
    assert.deepEqual(await node.register.moveMany('block', filter, because('stolen')), { moved: 0, left: [] });
    for (const { deviceId } of cells.slice(0, 2))
      assert.equal(
        (await rowsOf(database.db, 'changes', deviceId)).filter(({ action }) => action === 'block').length,
        1,
      );
    assert.equal((await node.register.moveMany('unblock', filter, because('found'))).moved, 2);
  });

  test('handed over, it is written out before it is retired, and stays if it cannot be written', async () => {
    const { deviceId, value } = await enrolled();
    const full = node.register.handOver({ deviceId }, because('sold'), () => Promise.reject(new Error('disk full')));
    await assert.rejects(full, /disk full/);
    assert.equal(await stateOf(deviceId), 'expected');
    const written: string[] = [];
    const result = await node.register.handOver({ deviceId }, because('sold'), async (records) => {
      assert.equal(await stateOf(deviceId), 'expected');
      written.push(...records.map(({ identity }) => identity));
    });
    assert.deepEqual([result.moved, written, await stateOf(deviceId)], [1, [value], 'retired']);
  });

  test('gets a second identity from the operator’s PKI and may lose it, but never its last', async () => {
    const { deviceId, value, cell } = await enrolled();
    const own = {
      anchor: 'operator',
      kind: 'hnb-fqdn',
      value: value.replace('acme', 'operator'),
      oui: '00A0BC',
    } as const;
    const joined = await node.register.add({ identity: own, deviceId }, because('enrolment, TS 33.320 7.2.2'));
    assert.deepEqual(joined.ok && joined.deviceId, deviceId);
    const operatorCell = await newCell(pki, { anchor: 'operator', dnsNames: [own.value] });
    assert.equal(await admit(operatorCell), 'admitted');
    const first = { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } as const;
    assert.equal(await admit(cell), 'admitted');
    done(await node.register.removeIdentity(deviceId, first, because('key lost at the maker’s')));
    assert.match(await admit(cell), /^device_unknown/);
    assert.equal(await admit(operatorCell), 'admitted');
    assert.equal(problem(await node.register.removeIdentity(deviceId, own, by)), 'last_identity');
    assert.equal(problem(await node.register.removeIdentity(deviceId, first, by)), 'identity_missing');
  });

  test('a serial that two devices claim is listed until a person says whose it is', async () => {
    const [owner, claimant] = [await enrolled(), await enrolled()];
    const serial = `S-${owner.value}`;
    assert.equal((await informed(owner.cell, serial)).kind, 'stored');
    for (let i = 0; i < 2; i += 1) assert.equal((await informed(claimant.cell, serial)).kind, 'refused');
    const open = async () =>
      (await node.register.conflicts({ limit: 100 })).conflicts.filter((one) => one.serialNumber === serial);
    const [conflict] = await open();
    assert.deepEqual(
      [conflict?.claimant, conflict?.holder, conflict?.kind, conflict?.claims],
      [claimant.deviceId, owner.deviceId, 'claimed', 2],
    );
    done(
      await node.register.settleConflict(
        { claimant: claimant.deviceId, inFavourOf: 'claimant' },
        because('label read on site'),
      ),
    );
    assert.deepEqual(await open(), []);
    assert.equal((await informed(claimant.cell, serial)).kind, 'stored');
    assert.equal((await informed(owner.cell, serial)).kind, 'refused');
    assert.equal((await open())[0]?.claimant, owner.deviceId, 'now the other one is the claimant');
    done(await node.register.settleConflict({ claimant: owner.deviceId, inFavourOf: 'holder' }, because('a clone')));
    assert.equal((await informed(owner.cell, serial)).kind, 'refused');
    assert.deepEqual(await open(), [], 'settled stays settled');
    const nothing = await node.register.settleConflict({ claimant: owner.deviceId, inFavourOf: 'holder' }, by);
    assert.equal(problem(nothing), 'no_conflict');
  });

  test('what a shipping file takes from a device that had learnt it is listed too', async () => {
    const [learner, shipped] = [await enrolled(), await enrolled()];
    const serial = `L-${learner.value}`;
    await informed(learner.cell, serial);
    const file = async function* () {
      yield {
        line: 1,
        original: {},
        cells: {
          anchor: 'acme',
          identity: shipped.value,
          oui: '00A0BC',
          product_class: 'Femto',
          serial_number: serial,
        },
      };
    };
    assert.equal((await node.register.shipping.import(file(), by)).changed, 1);
    const found = (await node.register.conflicts({ limit: 100 })).conflicts.find((one) => one.serialNumber === serial);
    assert.deepEqual(
      [found?.kind, found?.claimant, found?.holder],
      ['imported_over_learnt', learner.deviceId, shipped.deviceId],
    );
    assert.equal((await informed(learner.cell, serial)).kind, 'refused');
  });

  test('whose certificates run out is listed, until a newer one was shown', async () => {
    const { deviceId, value } = await enrolled('operator');
    const soon = await newCell(pki, {
      anchor: 'operator',
      dnsNames: [value],
      notAfter: new Date('2026-06-01T00:00:00Z'),
    });
    assert.equal(await admit(soon), 'admitted');
    const expiring = async (day: string) =>
      (await node.register.list({ expiresBefore: new Date(day), identityPrefix: value }, { limit: 10 })).devices;
    assert.equal((await expiring('2026-05-31T00:00:00Z')).length, 0);
    assert.deepEqual(
      (await expiring('2026-06-02T00:00:00Z')).map((one) => [one.deviceId, one.expiresAt?.toISOString()]),
      [[deviceId, '2026-06-01T00:00:00.000Z']],
    );
    const renewed = await newCell(pki, { anchor: 'operator', dnsNames: [value] });
    assert.equal(await admit(renewed), 'admitted');
    assert.equal((await expiring('2026-06-02T00:00:00Z')).length, 0);
  });

  test('took no step in all of this that the table does not allow', async () => {
    const { rows } = await database.db.query<{ action: string; before: DeviceState | null; after: DeviceState }>({
      text: `select distinct action, before->>'state' as before, after->>'state' as after from changes
              where after->>'state' is not null and before->>'state' is distinct from after->>'state'`,
    });
    assert.ok(rows.length > 8);
    const names: Record<string, Move> = { activate: 'first_inform', hold_key: 'new_key' };
    for (const { action, before: from, after: to } of rows)
      assert.ok(mayMove(names[action] ?? (action as Move), from ?? 'none', to), `${action}: ${from} to ${to}`);
  });
});
