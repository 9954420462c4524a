/** The life of cells as an operator lives it: real TLS, real Postgres, the command line for what people do. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { deviceIdOf } from '../../src/simulator/femtocell.ts';
import { stage as dress, perform, type Role, role } from '../../src/simulator/scenarios/cast.ts';
import type { Observation } from '../../src/simulator/scenarios/scenario.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { hems, json, openFolder } from './command.ts';
import { rowsFrom, until } from './evidence.ts';
import { mintDevice } from './mint.ts';
import { holdOpen } from './revoking.ts';
import { openStage, type Stage } from './stage.ts';

describe('the register, by procedure', { timeout: 300_000 }, () => {
  let database: TestDatabase;
  let stage: Stage;
  const folder = openFolder();
  before(async () => {
    database = await createTestDatabase();
    stage = await openStage({ database });
  });
  after(async () => {
    await stage.stop();
    await database.drop();
  });

  async function command(...args: string[]) {
    const ended = await hems(args, { env: { DATABASE_URL: database.url } });
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    return ended;
  }

  interface Ordered {
    readonly role: Role;
    readonly serial: string;
  }

  /** A shipping file with these cells, read by `hems device import`. */
  async function imported(cells: readonly Ordered[]): Promise<void> {
    const file = join(folder, `delivery-${cells[0]?.serial}.csv`);
    const lines = cells.map(({ role: { anchor, identity }, serial }) => {
      const { oui, productClass } = deviceIdOf(identity, 'Acme');
      return `${anchor},${identity},${oui},${productClass},${serial},delivery-7`;
    });
    writeFileSync(file, `anchor,identity,oui,ProductClass,serial,tags\n${lines.join('\n')}\n`);
    await command('device', 'import', file, '--reason', 'delivery 7');
  }

  function ordered(anchor: 'acme' | 'zenith' = 'acme'): Ordered {
    const made = role(stage.cast, anchor);
    return { role: made, serial: deviceIdOf(made.identity, 'Acme').serialNumber };
  }

  const stateOf = async (device: Role) => (await stage.register.show(await stage.deviceId(device)))?.state;

  async function refusedAs(seen: Observation): Promise<string> {
    const row = await until(
      async () => (await rowsFrom(stage.db, seen.localPorts)).find(({ outcome }) => outcome === 'refused'),
      (found) => found !== undefined,
      'the refusal is written',
    );
    return `${row?.reason}/${row?.detail}`;
  }

  const fingerprintOf = ({ options }: Femtocell): string => {
    const chain = options.credentials?.chain ?? '';
    return createHash('sha256').update(new X509Certificate(chain).raw).digest('hex');
  };

  test('from the shipping file by first contact to active, with the whole story in the audit', async () => {
    const cell = ordered();
    await imported([cell]);
    assert.equal(await stateOf(cell.role), 'expected');
    assert.equal((await perform(await dress(stage.context, cell.role))).complete, true);
    assert.equal(await stateOf(cell.role), 'active');
    const { records } = json<{ records: { kind: string; what: string; actor: string | null; why: string | null }[] }>(
      await command('audit', 'show', '--device', cell.role.identity, '--json'),
    );
    const told = records.map(({ kind, what, why }) => `${kind} ${what} ${why ?? ''}`.trim()).sort();
    assert.deepEqual(told, ['change activate', 'change add delivery 7', 'decision admitted']);
    assert.match(records.find(({ what }) => what === 'add')?.actor ?? '', /^[^@]+@.+/);
    assert.match((await command('audit', 'verify')).stdout, /Nothing was altered/);
  });

  test('a take-over by another manufacturer’s CA fails at the realm', async () => {
    const victim = ordered();
    await imported([victim]);
    const credentials = await mintDevice(stage.pki, {
      anchor: 'zenith',
      subject: [['CN', 'thief']],
      alternative: [victim.role.identity],
    });
    const thief = await dress(stage.context, victim.role);
    const seen = await perform({ ...thief, options: { ...thief.options, credentials } });
    assert.equal(seen.informed, false);
    assert.match(await refusedAs(seen), /^(realm_not_permitted|chain_)/);
    assert.equal(await stateOf(victim.role), 'expected');
  });

  test('a valid cell that claims a serial not yet seen is refused, listed, and the true one comes in', async () => {
    const [owner, claimant] = [ordered(), { role: await stage.known() }];
    await imported([owner]);
    const deviceId = deviceIdOf(owner.role.identity, 'Acme Femto');
    const seen = await perform(await dress(stage.context, claimant.role), { deviceId });
    assert.equal(seen.fault, 8001);
    const { conflicts } = json<{ conflicts: { serialNumber: string; claimant: string; holder: string }[] }>(
      await command('device', 'conflicts', '--json'),
    );
    const claimantId = await stage.deviceId(claimant.role);
    const found = conflicts.find((one) => one.claimant === claimantId);
    assert.deepEqual([found?.holder, found?.serialNumber], [await stage.deviceId(owner.role), owner.serial]);
    assert.equal(await refusedAs(seen), 'identity_conflict/serial_of_another_device');
    const suspicion = await until(
      async () =>
        json<{ records: unknown[] }>(
          await command('audit', 'show', '--kind', 'suspicion', '--device', claimantId, '--json'),
        ).records,
      (records) => records.length > 0,
      'the suspicion is written',
      20_000,
    );
    assert.equal(suspicion.length, 1);
    const why = await command('explain', claimantId);
    const claimed = `${deviceId.oui}-${deviceId.productClass}-${deviceId.serialNumber}`;
    assert.match(
      why.stdout,
      new RegExp(`suspicion +two_claims, [^ ]+: it says to be ${claimed}, and has no serial yet`),
    );
    assert.equal((await perform(await dress(stage.context, owner.role))).complete, true);
  });

  test('a cell that was imported with a wrong serial is let in once a person corrects it, and no sooner', async () => {
    const cell = ordered();
    await imported([{ ...cell, serial: `${cell.serial}X` }]);
    const dressed = await dress(stage.context, cell.role);
    const seen = await perform(dressed);
    assert.equal(await refusedAs(seen), 'identity_mismatch/serial_changed');
    const { oui, productClass, serialNumber } = deviceIdOf(cell.role.identity, 'Acme');
    const why = await command('explain', cell.role.identity);
    assert.match(
      why.stdout,
      new RegExp(`it says to be ${oui}-${productClass}-${serialNumber}, and is .*${serialNumber}X`),
    );
    const unasked = await hems(['device', 'import', join(folder, `delivery-${cell.serial}X.csv`), '--reason', 'x'], {
      env: { DATABASE_URL: database.url },
    });
    assert.equal(unasked.code, 0, 'the same file changes nothing');
    const right = join(folder, 'right.csv');
    writeFileSync(
      right,
      `anchor,identity,oui,ProductClass,serial\nacme,${cell.role.identity},${oui},${productClass},${serialNumber}\n`,
    );
    const refused = await hems(['device', 'import', right], { env: { DATABASE_URL: database.url } });
    assert.equal(refused.code, 1);
    assert.match(readFileSync(`${right}.rejected.csv`, 'utf8'), /was imported as .*, which is for a person to correct/);
    assert.match(
      (await command('device', 'import', right, '--correct', '--reason', 'a slip')).stdout,
      /0 new, 1 changed/,
    );
    assert.equal((await perform(dressed)).complete, true);
    const { records } = json<{ records: { what: string; before: unknown; after: unknown }[] }>(
      await command('audit', 'show', '--device', cell.role.identity, '--kind', 'change', '--json'),
    );
    const change = records.find(({ what }) => what === 'correct_serial');
    assert.deepEqual(change?.before, { oui, productClass, serialNumber: `${serialNumber}X` });
    assert.deepEqual(change?.after, { oui, productClass, serialNumber });
    const back = await command('device', 'serial', cell.role.identity, `${oui}-${productClass}-Y7`, '--reason', 'no');
    assert.match(back.stdout, /Its serial is .*-Y7 now/);
    assert.equal(await refusedAs(await perform(dressed)), 'identity_mismatch/serial_changed');
    const taken = await hems(
      ['device', 'serial', (await stage.known()).identity, `${oui}-${productClass}-Y7`, '--reason', 'mine'],
      { env: { DATABASE_URL: database.url } },
    );
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /belongs to device/);
  });

  test('tags, site and note are changed by a person, each on its own', async () => {
    const { identity } = await stage.known();
    await command('device', 'describe', identity, '--tag', 'north', '--tag', 'pilot', '--site', 'Ulm 7');
    const said = await command(
      'device',
      'describe',
      identity,
      '--untag',
      'pilot',
      '--note',
      'spare',
      '--reason',
      'moved',
    );
    assert.match(said.stdout, /is described\.\nTags +north\nSite +Ulm 7\nNote +spare/);
    const again = await command('device', 'describe', identity, '--untag', 'pilot');
    assert.match(again.stdout, /was described so already/);
    const wrong = await hems(['device', 'describe', identity, '--tag', '=1+1'], {
      env: { DATABASE_URL: database.url },
    });
    assert.deepEqual([wrong.code, /cannot be a tag/.test(wrong.stderr)], [2, true]);
  });

  test('a replaced cell stays out for good; its successor has its place', async () => {
    const [old, fresh] = [ordered(), ordered()];
    await imported([old, fresh]);
    const cell = await dress(stage.context, old.role);
    const open = await holdOpen(stage, cell);
    await command('device', 'replace', old.role.identity, fresh.role.identity, '--reason', 'stolen');
    await open.closed;
    const seen = await perform(cell);
    assert.equal(await refusedAs(seen), 'device_blocked/replaced');
    assert.equal((await perform(await dress(stage.context, fresh.role))).complete, true);
    const unblocked = await hems(['device', 'unblock', old.role.identity], { env: { DATABASE_URL: database.url } });
    assert.equal(unblocked.code, 1);
    assert.match(unblocked.stderr, /for good/);
  });

  test('enrolment to the operator’s PKI joins the record that the manufacturer’s identity opened', async () => {
    const cell = ordered();
    await imported([cell]);
    assert.equal((await perform(await dress(stage.context, cell.role))).complete, true);
    const own = role(stage.cast, 'operator');
    const enrolled = await dress(stage.context, own);
    const stranger = await perform(enrolled);
    assert.match(await refusedAs(stranger), /^device_unknown/, 'nobody is linked by what an Inform says');
    await command('device', 'identity', 'add', cell.role.identity, '--anchor', 'operator', '--identity', own.identity);
    const deviceId = deviceIdOf(cell.role.identity, 'Acme Femto');
    assert.equal((await perform(enrolled, { deviceId })).complete, true);
    assert.equal(await stage.deviceId(own), await stage.deviceId(cell.role));
  });

  test('after repair the new board comes in and the old one is closed out within seconds', async () => {
    const cell = ordered();
    await imported([cell]);
    const before = await dress(stage.context, cell.role);
    assert.equal((await perform(before)).complete, true);
    const open = await holdOpen(stage, before);
    const repaired = await dress(stage.context, cell.role);
    assert.match(await refusedAs(await perform(repaired)), /^key_held\/new_key/);
    assert.equal(await stateOf(cell.role), 'held');
    await command(
      'device',
      'rebind',
      cell.role.identity,
      '--fingerprint',
      fingerprintOf(repaired),
      '--reason',
      'new board',
    );
    await open.closed;
    assert.equal(await stateOf(cell.role), 'active');
    assert.equal((await perform(repaired)).complete, true);
    assert.match(await refusedAs(await perform(before)), /^key_held\/key_turned_away/);
  });

  test('handed over it is in the file, retired here, and remembered if it comes back', async () => {
    const cell = ordered();
    await imported([cell]);
    const dressed = await dress(stage.context, cell.role);
    assert.equal((await perform(dressed)).complete, true);
    const output = join(folder, 'handover.csv');
    await command('device', 'handover', cell.role.identity, '--output', output, '--reason', 'sold');
    assert.match(readFileSync(output, 'utf8'), new RegExp(cell.role.identity));
    const deviceId = await stage.deviceId(cell.role);
    for (const table of ['device_contact', 'device_parameters']) {
      const { rows } = await stage.db.query({
        text: `select 1 from ${table} where device_id = $1`,
        values: [deviceId],
      });
      assert.equal(rows.length, 0, table);
    }
    assert.match(await refusedAs(await perform(dressed)), /^device_retired/);
    const shown = await until(
      async () => (await command('audit', 'show', '--device', deviceId, '--kind', 'suspicion')).stdout,
      (text) => /gone_device_returned/.test(text),
      'the suspicion is written',
      20_000,
    );
    assert.match(shown, /retired/);
    assert.match((await command('audit', 'verify')).stdout, /Nothing was altered/);
  });
});
