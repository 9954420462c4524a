import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';
import { development, hems, json, serve, start, testFolder } from './command.ts';
import { until } from './evidence.ts';

const identity = '00a0bc00beef.hnb.acme.example';
const accessList = 'Device.Services.FAPService.1.AccessMgmt.UMTS.AccessControlList';
const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';

describe('tasks from the command line', { timeout: 180_000 }, () => {
  test('get, set, reboot, trace and the queue, against a femtocell that calls', async (t) => {
    const { url, db } = await withDatabase(t);
    const dataDir = join(testFolder(t), 'data');
    const options = { env: { ...development(dataDir), DATABASE_URL: url } };
    const server = await serve(['--dev'], options);
    cleanup(t, () => void server.child.kill('SIGKILL'));
    const run = async (...args: string[]) => hems(args, options);
    const good = async (...args: string[]) => {
      const ended = await run(...args);
      assert.equal(ended.code, 0, ended.stderr);
      return ended;
    };
    await good('device', 'add', '--anchor', 'acme', '--identity', identity);
    const pki = await createDevelopmentPki(join(dataDir, 'pki'), new Date());
    const doors = { main: server.ready.cwmp, second: server.ready.cwmp };
    const cell = await dress({ pki, doors, at: new Date() }, { anchor: 'acme', identity });
    const calls = setInterval(() => void runSession(cell), 400);
    cleanup(t, () => clearInterval(calls));

    const got = await good('device', 'get', identity, tac, accessList, '--json');
    const shown = json<{ name: string; value: string; masked: boolean }[]>(got);
    assert.deepEqual(
      shown.map(({ name, value, masked }) => [name, value, masked]),
      [
        [tac, '1', false],
        [accessList, '(masked)', true],
      ],
    );
    await good('device', 'set', identity, `${tac}=12`);
    assert.equal(cell.state.tree.get(tac)?.value, '12');
    assert.match((await good('device', 'reboot', identity)).stdout, /^Done/);
    assert.ok(cell.state.deeds.some((deed) => deed.startsWith('Reboot')));

    const refused = await run('device', 'set', identity, 'Device.ManagementServer.URL=http://acs.example/');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /must be an https URL \(TS 33\.320 8\.3\.4\)\n {2}→ write https/);
    const secret = await run('device', 'set', identity, 'Device.ManagementServer.Password=x');
    assert.match(secret.stderr, /shared secret/);
    const failed = await run('device', 'set', identity, 'Device.DeviceInfo.SerialNumber:string=x');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /9003[\s\S]*SerialNumber: 9008/);

    const queued = await good('task', 'add', identity, 'reboot', '--not-before', '2099-01-01T00:00:00Z', '--json');
    const { id } = json<{ id: string }>(queued);
    assert.match((await good('task', 'list', '--state', 'queued')).stdout, new RegExp(`${id}.*reboot.*queued`));
    assert.match((await good('task', 'show', id)).stdout, /not before 2099/);
    assert.match((await good('task', 'cancel', id)).stdout, /is cancelled/);
    assert.equal((await run('task', 'cancel', '00000000-0000')).code, 1);
    assert.equal((await run('task', 'add', identity, 'dance')).code, 2);
    assert.equal((await run('task', 'add', identity, 'read-values', 'paths=7')).code, 2);

    assert.equal((await run('device', 'parameters', identity, accessList, '--reveal')).code, 2);
    const open = await good(
      'device',
      'parameters',
      identity,
      accessList,
      '--reveal',
      '--reason',
      'a complaint',
      '--json',
    );
    assert.equal(json<{ parameters: { value: string }[] }>(open).parameters[0]?.value, '001010123456789');
    const { rows } = await db.query<{ reason: string }>({
      text: `select reason from changes where action = 'reveal_parameters'`,
    });
    assert.deepEqual(rows, [{ reason: 'a complaint' }]);

    const trace = start(['device', 'trace', identity, '--for', '60s', '--json'], options);
    cleanup(t, () => void trace.child.kill('SIGKILL'));
    await until(trace.stderr, (text) => text.includes('Traced until'), 'the trace is on', 20_000);
    await good('device', 'get', identity, accessList);
    const lines = await until(
      trace.stdout,
      (text) => text.includes('GetParameterValuesResponse') && text.includes('"status":204'),
      'the session is seen',
      20_000,
    );
    assert.match(lines, /\(masked\)/);
    assert.doesNotMatch(lines, /001010123456789/);
    assert.match(lines, /"milliseconds":\d/);
  });
});
