import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { joined, textsOf } from '../../src/fleet/parameter-queries.ts';
import { createParameterReading } from '../../src/fleet/parameter-reading.ts';
import { createParameterStore } from '../../src/fleet/parameters.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const at = new Date('2026-05-04T08:00:00Z');
const later = new Date('2026-05-04T09:00:00Z');

let database: TestDatabase;
let serial = 0;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

async function device(): Promise<string> {
  serial += 1;
  const value = `00a0bc${serial.toString(16).padStart(6, '0')}.hnb.acme.example`;
  const added = await createRegister({ db: database.db, clock: systemClock }).add(
    { identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } },
    { actor: { kind: 'cli', name: 'x' } },
  );
  assert.ok(added.ok);
  return added.deviceId;
}

const string = (name: string, value: string) => ({ name, value, type: 'string' });
const reading = () => createParameterReading({ db: database.db, clock: systemClock });
const all = async (id: string, path = '') => (await reading().below(id, path, { limit: 100 })).parameters;

describe('the last that is known of each parameter', { timeout: 120_000 }, () => {
  test('is rewritten only where it changes, and says since when', async () => {
    const id = await device();
    const store = createParameterStore(database.db);
    assert.deepEqual(await store.values(id, [string('D.A', '1'), string('D.B', '2')], at), {
      changed: 2,
      refused: 0,
      changes: [],
    });
    const again = await store.values(id, [string('D.A', '1'), string('D.B', '3')], later);
    assert.deepEqual(again, { changed: 1, refused: 0, changes: [{ name: 'D.B', before: '2', after: '3' }] });
    assert.deepEqual(
      (await all(id)).map(({ name, value, type, since }) => [name, value, type, since]),
      [
        ['D.A', '1', 'string', at],
        ['D.B', '3', 'string', later],
      ],
    );
  });

  test('a device that names one twice has said the last; a type once learnt is not lost', async () => {
    const id = await device();
    const store = createParameterStore(database.db);
    await store.values(id, [string('D.A', '1'), { name: 'D.A', value: '2', type: 'unsignedInt' }], at);
    await store.values(id, [{ name: 'D.A', value: '3' }], at);
    assert.deepEqual(
      (await all(id)).map(({ value, type }) => [value, type]),
      [['3', 'unsignedInt']],
    );
  });

  test('names, attributes, what was listed away and what was deleted', async () => {
    const id = await device();
    const store = createParameterStore(database.db);
    const info = (name: string, writable: boolean) => ({ name, writable });
    const list = (path: string, ...parameterList: ReturnType<typeof info>[]) =>
      store.learn(
        id,
        { method: 'GetParameterNames', parameterPath: path, nextLevel: false },
        { method: 'GetParameterNamesResponse', parameterList },
        at,
      );
    await list('D.', info('D.T.', true), info('D.T.1.A', true), info('D.T.2.A', false), info('D.U', false));
    await store.learn(
      id,
      { method: 'GetParameterAttributes', parameterNames: ['D.'] },
      {
        method: 'GetParameterAttributesResponse',
        parameterList: [{ name: 'D.T.1.A', notification: 2, accessList: ['Subscriber', 'X'] }],
      },
      at,
    );
    const [, first] = await all(id);
    assert.deepEqual(
      [first?.name, first?.value, first?.writable, first?.notification, first?.accessList],
      ['D.T.1.A', null, true, 2, ['Subscriber', 'X']],
    );
    await list('D.T.', info('D.T.', true), info('D.T.1.A', true));
    assert.deepEqual(
      (await all(id)).map(({ name }) => name),
      ['D.T.', 'D.T.1.A', 'D.U'],
    );
    await store.learn(
      id,
      { method: 'DeleteObject', objectName: 'D.T.1.', parameterKey: '' },
      { method: 'DeleteObjectResponse', status: 0 },
      at,
    );
    assert.deepEqual(
      (await all(id)).map(({ name }) => name),
      ['D.T.', 'D.U'],
    );
    const { rows } = await database.db.query({
      text: 'select names, bytes from device_parameter_totals where device_id = $1',
      values: [id],
    });
    assert.deepEqual(rows, [{ names: 2, bytes: 7 }]);
  });

  test('is bounded by number, length and bytes for each device; what is known goes on changing', async () => {
    const id = await device();
    const store = createParameterStore(database.db, { names: 3, bytes: 1000 });
    const four = ['A', 'B', 'C', 'D'].map((name) => string(name, '1'));
    assert.deepEqual(await store.values(id, four, at), { changed: 3, refused: 1, changes: [] });
    const grown = await store.values(id, [string('A', 'x'.repeat(2000)), string('B', '2')], at);
    assert.deepEqual([grown.changed, grown.refused], [1, 1]);
    assert.equal((await store.values(id, [string('B', 'y'.repeat(990))], at)).changed, 1);
    assert.equal((await store.values(id, [string('C', 'z'.repeat(50))], at)).refused, 1);
    await createParameterStore(database.db).values(
      id,
      [string('C', 'v'.repeat(70_000)), string('n'.repeat(300), '1')],
      at,
    );
    const [, , c] = await all(id);
    assert.deepEqual([c?.name, c?.value, (await all(id)).length], ['C', null, 3]);
  });

  test('secrets are not kept; what is personal is kept, masked, and shown for a reason that is on record', async () => {
    const id = await device();
    await createParameterStore(database.db).values(id, [string('D.Password', 'x'), string('D.IMSI', '001')], at);
    const { rows } = await database.db.query<{ value: string | null }>({
      text: `select value from device_parameters where device_id = $1 and name = 'D.Password'`,
      values: [id],
    });
    assert.deepEqual(rows, [{ value: null }]);
    assert.deepEqual(
      (await all(id)).map(({ value, masked }) => [value, masked]),
      [
        ['(masked)', true],
        [null, false],
      ],
    );
    const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'complaint 7' } as const;
    const { parameters } = await reading().reveal(id, 'D.IMSI', { limit: 1 }, by);
    assert.deepEqual(
      parameters.map(({ value, masked }) => [value, masked]),
      [['001', false]],
    );
    const audit = await database.db.query<{ actor: string; reason: string }>({
      text: `select actor, reason from changes where device_id = $1 and action = 'reveal_parameters'`,
      values: [id],
    });
    assert.deepEqual(audit.rows, [{ actor: 'maria@noc', reason: 'complaint 7' }]);
  });

  test('a hundred thousand of one device: written, compared, listed away', async () => {
    const id = await device();
    const store = createParameterStore(database.db);
    const many = Array.from({ length: 100_000 }, (_, n) => string(`Device.T.${n}.V`, `value ${n}`));
    assert.equal((await store.values(id, many, at)).changed, 100_000);
    assert.equal((await store.values(id, many, later)).changed, 0);
    const page = await reading().below(id, 'Device.T.', { limit: 10, after: 'Device.T.5' });
    assert.equal(page.parameters[0]?.name, 'Device.T.5.V');
    const parameterList = many.slice(1).map(({ name }) => ({ name, writable: true }));
    await store.learn(
      id,
      { method: 'GetParameterNames', parameterPath: 'Device.', nextLevel: false },
      { method: 'GetParameterNamesResponse', parameterList },
      at,
    );
    const { rows } = await database.db.query({
      text: 'select names from device_parameter_totals where device_id = $1',
      values: [id],
    });
    assert.deepEqual(rows, [{ names: 99_999 }]);
  });

  test('texts reach Postgres as they are', async () => {
    for (const hostile of [
      [],
      [''],
      ['', ''],
      [null],
      ['', 'NULL', '{}', '"', '\\', '\\"', 'a,b', 'ü€\u{1f4e1}', ' x ', null],
    ]) {
      const { rows } = await database.db.query<{ texts: unknown }>({
        text: `select ${textsOf('$1')} as texts`,
        values: [joined(hostile)],
      });
      assert.deepEqual(rows[0]?.texts, hostile.length === 0 ? [] : [...hostile, '']);
    }
  });

  test('names are stored whole, whatever they have in common', async () => {
    const id = await device();
    for (const names of [['Device.A.B'], ['Device.A.', 'Device.A.B'], ['a', 'aa', 'aaa', 'b'], ['Ä.ö', 'Ä.ü', 'Ä.']]) {
      const before = new Set((await all(id)).map(({ name }) => name));
      await createParameterStore(database.db).values(
        id,
        names.map((name) => string(name, `of ${name}`)),
        at,
      );
      const known = await all(id);
      assert.deepEqual(new Set(known.map(({ name }) => name)), new Set([...before, ...names]));
      for (const { name, value } of known) assert.equal(value, `of ${name}`);
    }
  });

  test('values that no device can have said are not kept, and change nothing of the others', async () => {
    const id = await device();
    const said = [
      { name: 'Device.A', value: 'a\u0001b', type: 'string' },
      { name: 'Device.B', value: '\u0002', type: 'string' },
      { name: 'Device.C\u0001Device.D', value: 'c', type: 'string' },
      { name: 'Device.E', value: '', type: 'a\u0001' },
      { name: 'Device.F', value: 'f', type: undefined },
    ];
    await createParameterStore(database.db).values(id, said, at);
    const { rows } = await database.db.query({
      text: 'select name, value, type from device_parameters where device_id = $1 order by name',
      values: [id],
    });
    assert.deepEqual(rows, [
      { name: 'Device.A', value: null, type: 'string' },
      { name: 'Device.B', value: null, type: 'string' },
      { name: 'Device.E', value: '', type: null },
      { name: 'Device.F', value: 'f', type: null },
    ]);
  });
});
