import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import { development, type Ended, json, openFolder, serve, start } from './command.ts';
import { type Commands, openCommands } from './commands.ts';
import { until } from './evidence.ts';
import { image } from './file-stage.ts';

interface Listed {
  readonly devices: readonly { readonly deviceId: string; readonly lastInformAt: string | null }[];
}

const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';

/** A laptop with a key, a server, and a femtocell that calls every two seconds and listens in between. */
describe('commands that wait for a device, over the API of a server', { timeout: 300_000 }, () => {
  let folder: string;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let running: Awaited<ReturnType<typeof serve>>;
  let fleet: ReturnType<typeof start>;
  let laptop: Commands;
  let device: string;

  async function good(...args: string[]): Promise<Ended> {
    const ended = await laptop.run(...args);
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stderr}${ended.stdout}`);
    return ended;
  }

  before(async () => {
    folder = openFolder();
    database = await createTestDatabase();
    const env = { ...development(join(folder, 'data')), DATABASE_URL: database.url };
    running = await serve(['--dev'], { env, withinMs: 280_000 });
    const beside = openCommands(env);
    const made = await beside.run('apikey', 'create', 'laptop', '--role', 'administrator', '--json');
    await beside.close();
    writeFileSync(join(folder, 'key'), json<{ secret: string }>(made).secret);
    laptop = openCommands({ HEMS_SERVER: running.ready.management, HEMS_API_KEY_FILE: join(folder, 'key') });
    const { cwmp, dataDir } = running.ready;
    const args = ['--certs', dataDir, '--enrol', '--listen', 'https', '--periodic', '2s', '--cwmp', '1.4'];
    fleet = start(['simulate', '--url', cwmp, ...args], { env, withinMs: 280_000 });
    const listed = async (): Promise<Listed['devices']> =>
      json<Listed>(await good('device', 'list', '--json')).devices.filter(({ lastInformAt }) => lastInformAt !== null);
    const [first] = await until(listed, (found) => found.length === 1, 'it has called', 60_000);
    device = first?.deviceId ?? '';
  });
  after(async () => {
    await laptop.close();
    fleet.child.kill('SIGINT');
    await fleet.ended;
    running.child.kill('SIGINT');
    await running.ended;
    await database.drop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('it is woken, and how soon it came is told', async () => {
    const woken = await good('device', 'wake', device, '--reason', 'the site is dark');
    assert.match(woken.stdout, /^Its session came \d+\.\d s after the request\. accepted \(HTTP 200\), https:/);
    const soon = await laptop.run('device', 'wake', device);
    assert.deepEqual([soon.code, /was asked at[\s\S]*→ ask again after/.test(soon.stderr)], [1, true], soon.stderr);
  });

  test('parameters are read and written, and what the device refuses is told as beside the database', async () => {
    const set = await good('device', 'set', device, `${tac}=12`, '--reason', 'a new area');
    assert.match(set.stdout, /^Done/);
    const got = json<{ name: string; value: string }[]>(await good('device', 'get', device, tac, '--json'));
    assert.deepEqual(
      got.map(({ name, value }) => [name, value]),
      [[tac, '12']],
    );
    const failed = await laptop.run('device', 'set', device, 'Device.DeviceInfo.SerialNumber:string=x');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /9003[\s\S]*SerialNumber: 9008/);
    const never = await laptop.run('device', 'set', device, 'Device.ManagementServer.Password=x');
    assert.deepEqual([never.code, /shared secret/.test(never.stderr)], [1, true]);
  });

  test('it is rebooted and traced', async () => {
    const trace = await laptop.run('device', 'trace', device, '--for', '8s', '--json');
    assert.equal(trace.code, 0, trace.stderr);
    assert.match(trace.stdout, /Inform/);
    const stopped = await good('device', 'trace', device, '--stop', '--reason', 'seen');
    assert.match(stopped.stdout, /not traced any more/);
    assert.match((await good('device', 'reboot', device)).stdout, /^Done/);
  });

  test('a file goes to the device and comes from it, and is followed to the end', async () => {
    const path = join(folder, 'fap.bin');
    writeFileSync(path, image(100_000, '4.2.0'));
    await good('file', 'add', path, '--type', 'firmware', '--file-version', '4.2.0');
    const down = await good('device', 'download', device, 'fap.bin', '--timeout', '60s');
    assert.match(down.stdout, /fap\.bin: (completed|applied)/);
    const again = ['device', 'upload', device, 'log', '--key', 'a-log', '--priority', '7', '--expires', '7d', '--json'];
    const up = json<{ id: string; state: string }>(await good(...again));
    assert.equal(up.state, 'completed');
    assert.equal(json<{ id: string }>(await good(...again)).id, up.id, 'the same key, the same transfer');
    const later = ['device', 'upload', device, 'log', '--not-before', '2099-01-01T00:00:00Z', '--expires', '7d'];
    assert.match((await good(...later, '--no-wait')).stdout, /is queued as task/);
    const [task] = json<{ notBefore: string }[]>(await good('task', 'list', '--state', 'queued', '--json'));
    assert.equal(task?.notBefore, '2099-01-01T00:00:00.000Z');
    const out = join(folder, 'out.log');
    const [sent] = json<{ id: string }[]>(await good('device', 'uploads', device, '--json'));
    await good('device', 'uploads', device, '--get', sent?.id ?? '', '--out', out);
    assert.ok(readFileSync(out).length > 0);
    const gone = await laptop.run('device', 'cancel-transfer', device, 'nothing-of-it');
    assert.deepEqual([gone.code, gone.stdout], [0, 'Done.\n'], gone.stderr);
  });

  test('many devices get a task by a job, which is listed, shown and waited for', async () => {
    const many = ['task', 'add-many', 'get-methods', '--state', 'active'];
    assert.equal((await good(...many)).stdout, 'get-methods would concern 1 device. Add --yes to do it.\n');
    const made = json<{ id: string; state: string }>(await good(...many, '--yes', '--key', 'once', '--json'));
    assert.equal(json<{ id: string }>(await good(...many, '--yes', '--key', 'once', '--json')).id, made.id);
    const done = await good('job', 'wait', made.id, '--timeout', '30s');
    assert.match(done.stdout, /device-tasks[\s\S]*done[\s\S]*1 of 1[\s\S]*"queued":1/);
    assert.match((await good('job', 'list')).stdout, new RegExp(`${made.id} +device-tasks +done`));
    assert.match((await good('job', 'show', made.id.slice(0, 13))).stdout, /done/);
    const over = await laptop.run('job', 'cancel', made.id);
    assert.deepEqual([over.code, /is done already/.test(over.stderr)], [1, true]);
    assert.equal((await laptop.run('job', 'show', '00000000-0000-7000-8000-000000000000')).code, 1);
    assert.equal((await laptop.run('task', 'add-many', 'reboot')).code, 2, 'devices are chosen by something');
  });

  test('a shipping file is taken in with what its rows leave empty, and columns of any name', async () => {
    const path = join(folder, 'shipping.csv');
    writeFileSync(path, '"Name, long",Place\n00a0bc00e001.hnb.acme.example,\n00a0bc00e002.hnb.strange.example,Ulm\n');
    const set = ['--set', 'anchor=acme', '--set', 'site=Ulm, 7', '--set', 'tags=pilot'];
    const columns = ['--column', 'identity=Name, long', '--column', 'site=Place'];
    const taken = await laptop.run('device', 'import', path, ...set, ...columns);
    assert.deepEqual([taken.code, taken.stdout.split('\n')[0]], [1, '1 new, 0 changed, 0 as they were, 1 rejected']);
    const [found] = json<{ devices: { site: string }[] }>(
      await good('device', 'list', '--tag', 'pilot', '--json'),
    ).devices;
    assert.equal(found?.site, 'Ulm, 7');
    const [job] = json<{ id: string }[]>(await good('job', 'list', '--limit', '1', '--json'));
    const rejected = join(folder, 'again.csv');
    await good('job', 'show', job?.id ?? '', '--output', rejected);
    assert.match(readFileSync(rejected, 'utf8'), /strange/);
  });
});
