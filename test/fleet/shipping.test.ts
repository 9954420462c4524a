import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { createRegister, type Register } from '../../src/fleet/register.ts';
import {
  type FileRow,
  harmlessCell,
  plainFormula,
  type ReadOptions,
  readShipping,
  ShippingFileError,
  shippingHead,
  shippingText,
} from '../../src/fleet/shipping-file.ts';
import type { ImportOptions } from '../../src/fleet/shipping.ts';
import type { DeviceFilter } from '../../src/fleet/listing.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { rowsOf } from './informs.ts';

const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'delivery 7' } as const;
const anchors = [
  { name: 'acme', realms: ['hnb.acme.example'] },
  { name: 'operator', realms: ['hnb.operator.example'] },
];

const fqdn = (n: number, anchor = 'acme'): string => `00a0bc${n.toString(16).padStart(6, '0')}.hnb.${anchor}.example`;

function rowsIn(text: string, options: Partial<ReadOptions> = {}): AsyncGenerator<FileRow> {
  return readShipping(Readable.from([Buffer.from(text)]), { format: 'csv', ...options });
}

describe('a shipping file', () => {
  let database: TestDatabase;
  let register: Register;
  before(async () => {
    database = await createTestDatabase();
    register = createRegister({ db: database.db, clock: manualClock(new Date('2026-05-04T10:00:00Z')) });
  });
  after(() => database.drop());

  async function load(text: string, options: Partial<ReadOptions> = {}, importing: ImportOptions = {}) {
    const rejected: string[] = [];
    const counts = await register.shipping.import(rowsIn(text, options), by, {
      anchors,
      onRejected: (row, reason) => void rejected.push(`${row.line}: ${reason}`),
      ...importing,
    });
    return { ...counts, rejected };
  }

  async function exported(filter: DeviceFilter, format: 'csv' | 'ndjson' = 'csv'): Promise<string> {
    let text = shippingHead(format);
    for await (const records of register.shipping.export(filter)) text += shippingText(records, format);
    return text;
  }

  const idOf = async (identity: string): Promise<string> => {
    const [id] = await register.find(identity);
    assert.ok(id !== undefined, identity);
    return id;
  };

  test('of one endless line is read in constant memory, and only the end of a line ends one', async () => {
    const piece = Buffer.alloc(8 * 1024 * 1024, 'x');
    async function* endless(): AsyncGenerator<Buffer> {
      // More than a text can hold.
      for (let n = 0; n < 70; n += 1) yield piece;
      yield Buffer.from(`\n{"identity":"${fqdn(1)}","note":"a\u2028b"}\r\n`);
    }
    const rows: FileRow[] = [];
    for await (const row of readShipping(endless(), { format: 'ndjson' })) rows.push(row);
    assert.deepEqual(
      rows.map(({ line, fault, cells }) => [line, fault, cells?.note]),
      [
        [1, 'it is longer than 131072 bytes', undefined],
        [2, undefined, 'a\u2028b'],
      ],
    );
  });

  test('is enrolled with everything it says, once, however often it is read', async () => {
    const file = `\ufeffanchor,Identity,OUI,ProductClass,SerialNumber,Certificate Fingerprint,Tags,Site,Note
acme,${fqdn(1).toUpperCase()},00a0bc,Femto,S-1,${'AB:'.repeat(31)}AB,north; lte,Berlin,"roof, ""north"""
acme,${fqdn(2)},,,,,,,
`;
    assert.deepEqual(await load(file), { created: 2, changed: 0, unchanged: 0, rejected: [] });
    assert.deepEqual(await load(file), { created: 0, changed: 0, unchanged: 2, rejected: [] });
    const device = await register.show(await idOf(fqdn(1)));
    assert.deepEqual(
      [device?.state, device?.oui, device?.productClass, device?.serialNumber, device?.serialProvenance],
      ['expected', '00A0BC', 'Femto', 'S-1', 'imported'],
    );
    assert.deepEqual([device?.tags, device?.site, device?.note], [['lte', 'north'], 'Berlin', 'roof, "north"']);
    const changes = await rowsOf(database.db, 'changes', device?.deviceId ?? '');
    assert.deepEqual(
      changes.map(({ action, actor, reason }) => [action, actor, reason]),
      [['add', 'maria@noc', 'delivery 7']],
      'one audit row, and none for the second reading',
    );
  });

  test('may call its columns as it likes, leave out the anchor, and have columns of its own', async () => {
    const file = `MAC FQDN,x\n${fqdn(10)},1\n`;
    await assert.rejects(load(file), (error) => error instanceof ShippingFileError && /identity/.test(error.message));
    const options = { columns: { identity: 'mac fqdn' }, defaults: { anchor: 'acme' } } as const;
    await assert.rejects(load(file, options), /columns that hems does not know: "x"/);
    assert.equal((await load(file, { ...options, ignoreUnknown: true })).created, 1);
  });

  test('as NDJSON says the same', async () => {
    const row = { anchor: 'acme', identity: fqdn(20), oui: '00A0BC', serial: 20, tags: ['b', 'a'], note: null };
    const file = `${JSON.stringify(row)}\n\nno json\n${JSON.stringify({ ...row, colour: 'red' })}\n`;
    const result = await load(file, { format: 'ndjson' });
    assert.equal(result.created, 1);
    assert.deepEqual(result.rejected, ['3: it is no JSON object', '4: "colour" is no column']);
    assert.deepEqual((await register.show(await idOf(fqdn(20))))?.tags, ['a', 'b']);
  });

  test('gives each row it could not place back with the reason, and takes the others', async () => {
    const lines: [string, RegExp | undefined][] = [
      [`acme,${fqdn(30)},00A0BC,F,GOOD,`, undefined],
      [`acme,nonsense,,,,`, /neither/],
      [`,${fqdn(31)},,,,`, /anchor is missing/],
      [`nobody,${fqdn(31)},,,,`, /no trust anchor nobody/],
      [`operator,${fqdn(31)},,,,`, /may not speak for that realm/],
      [`acme,${fqdn(31)},00A0BC,,,`, /serial_number is missing/],
      [`acme,${fqdn(31)},,F,S,`, /oui is missing/],
      [`acme,${fqdn(31)},zz,F,S,`, /six hexadecimal/],
      [`acme,${fqdn(31)},,,,12`, /SHA-256/],
      [`acme,${fqdn(31)},00A0BC,F,GOOD,`, /belongs to device/],
      [`acme,${fqdn(31)},00A0BC,F,"a\u202eb",`, /not to be seen/],
      [`acme,${fqdn(30)},00A0BC,F,OTHER,`, /was imported as/],
      [`acme,${fqdn(32)},,,,,,,,,,`, /more cells/],
    ];
    const file = `anchor,identity,oui,product_class,serial_number,fingerprint\n${lines.map(([line]) => line).join('\n')}\n`;
    const result = await load(file);
    assert.equal(result.created, 1);
    const wanted = lines.filter(([, reason]) => reason !== undefined);
    assert.equal(result.rejected.length, wanted.length, result.rejected.join('\n'));
    for (const [i, [line, reason]] of lines.entries())
      if (reason !== undefined) {
        const found = result.rejected.find((text) => text.startsWith(`${i + 2}: `));
        assert.match(found ?? '', reason, line);
      }
  });

  test('joins a second identity to a device by the device’s id alone, never by what else is alike', async () => {
    await load(`anchor,identity,oui,serial\nacme,${fqdn(40)},00A0BC,J-40\n`);
    const id = await idOf(fqdn(40));
    const head = 'device,anchor,identity,oui,serial\n';
    const stranger = await load(`${head},operator,${fqdn(40, 'operator')},00A0BC,J-40\n`);
    assert.match(stranger.rejected[0] ?? '', /belongs to device/);
    assert.equal((await load(`${head}${id},operator,${fqdn(40, 'operator')},00A0BC,J-40\n`)).changed, 1);
    assert.equal(await idOf(fqdn(40, 'operator')), id);
  });

  test('changes nothing in a dry run, and says what it would', async () => {
    const file = `anchor,identity,site\nacme,${fqdn(50)},Ulm\nacme,${fqdn(50)},Ulm\nacme,${fqdn(1)},Bonn\nacme,x,\n`;
    const said = await load(file, {}, { dryRun: true });
    assert.deepEqual([said.created, said.changed, said.unchanged, said.rejected.length], [1, 1, 1, 1]);
    assert.deepEqual(await register.find(fqdn(50)), []);
    assert.equal((await register.show(await idOf(fqdn(1))))?.site, 'Berlin');
    const done = await load(file);
    assert.deepEqual([done.created, done.changed, done.unchanged], [1, 1, 1]);
    assert.equal((await register.show(await idOf(fqdn(1))))?.site, 'Bonn');
  });

  test('goes out and comes in again unchanged, formulas and all', async () => {
    const notes = ['=1+1', "'=1+1", '@SUM(A1)', '-5', "''", '+49 30', 'a,b\n"c"', '<script>', '\\u{1b}', '＝1'];
    const file = `anchor,identity,note,tags\n${notes.map((note, i) => `acme,${fqdn(60 + i)},"${note.replaceAll('"', '""')}",trip`).join('\n')}\n`;
    assert.equal((await load(file)).rejected.length, 0);
    for (const format of ['csv', 'ndjson'] as const) {
      const text = await exported({ tag: 'trip' }, format);
      if (format === 'csv') assert.doesNotMatch(text, /(^|,)"?[=+@\-＝]/m, 'no cell that a spreadsheet would compute');
      const again = await load(text, { format });
      assert.deepEqual([again.changed, again.unchanged, again.rejected], [0, notes.length, []], format);
    }
  });

  test('has each apostrophe undone that kept a formula from being one', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^'{0,3}[=+\-@a]?.{0,5}$/u), (text) => {
        assert.equal(plainFormula(harmlessCell(text)), text);
        assert.doesNotMatch(harmlessCell(text), /^[=+\-@\t\r]/);
      }),
    );
  });

  test('with a stray quote loses that row alone; one that is never closed ends it with the line', async () => {
    const file = `anchor,identity,note\nacme,${fqdn(80)},a "b" c\nacme,"${fqdn(81)}" x,\nacme,${fqdn(82)},\n`;
    const result = await load(file);
    assert.deepEqual([result.created, result.rejected.length], [2, 1]);
    const open = `anchor,identity,note\nacme,${fqdn(83)},"never closed\nacme,${fqdn(84)},\n`;
    await assert.rejects(load(open), (error) => error instanceof ShippingFileError && /line \d/.test(error.message));
    await assert.rejects(load(''), /it is empty/);
    await assert.rejects(load(`anchor,identity\nacme,${'x'.repeat(200_000)}`), ShippingFileError);
  });

  test('can be read by two people at once: each device is made once', async () => {
    const file = `anchor,identity\n${Array.from({ length: 300 }, (_, i) => `acme,${fqdn(1000 + i)}`).join('\n')}\n`;
    const results = await Promise.all([load(file), load(file)]);
    assert.equal(results[0].created + results[1].created, 300);
    assert.deepEqual([...results[0].rejected, ...results[1].rejected], []);
  });
});
