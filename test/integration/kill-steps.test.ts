import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { enrolInto } from '../../src/cli/enrolment.ts';
import type { TaskRequest } from '../../src/fleet/task.ts';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { createCast, role } from '../../src/simulator/scenarios/cast.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';
import { development, type Running, serve, testFolder } from './command.ts';
import { type DatabaseProxy, openDatabaseProxy } from './database-proxy.ts';
import { until } from './evidence.ts';
import type { Stage } from './stage.ts';
import { type TaskStage, taskStage } from './task-stage.ts';

const neighbours = 'Device.Services.FAPService.1.CellConfig.LTE.RAN.NeighborList.LTECell.';
const addObject: TaskRequest = { kind: 'add-object', object: neighbours };
const download: TaskRequest = { kind: 'download', fileType: '2 Web Content', url: 'https://files.hems.example/c' };
const reboot: TaskRequest = { kind: 'reboot' };

/**
 * The server is killed at the moment when a statement has been carried out and it does not know of it yet: between each
 * record and what it would have sent.
 */
interface Step {
  readonly name: string;
  readonly request: TaskRequest;
  /** Name of the statement after which the server is killed, and how often it comes by before. */
  readonly statement: string;
  readonly skip?: number;
  /** What the database says then of the task. */
  readonly left: string;
  /** Sessions of the device until the truth is out. */
  readonly sessions?: number;
  readonly outcome: string;
  readonly deeds: readonly [what: string, times: number];
}

const steps: readonly Step[] = [
  {
    name: 'the Inform is stored, InformResponse is not sent',
    ...{ request: addObject, statement: 'fleet_record_inform', left: 'queued', outcome: 'done' },
    deeds: ['AddObject', 1],
  },
  {
    name: 'the question before it is marked sent, and has not left',
    ...{ request: addObject, statement: 'fleet_mark_task_sent', left: 'sent', outcome: 'done' },
    deeds: ['AddObject', 1],
  },
  {
    name: 'the request is marked sent, and has not left',
    ...{ request: addObject, statement: 'fleet_mark_task_sent', skip: 1, left: 'sent', outcome: 'done' },
    deeds: ['AddObject', 1],
  },
  {
    name: 'the answer is stored, and the next message is not sent',
    ...{ request: addObject, statement: 'fleet_change_task', skip: 1, left: 'done', outcome: 'done' },
    deeds: ['AddObject', 1],
  },
  {
    name: 'a Reboot is marked sent, and has not left: nobody sends it again',
    ...{ request: reboot, statement: 'fleet_mark_task_sent', left: 'sent', outcome: 'unknown-outcome' },
    deeds: ['Reboot', 0],
  },
  {
    name: 'the RebootResponse is stored, and the session is not ended',
    ...{ request: reboot, statement: 'fleet_change_task', left: 'in-progress', outcome: 'done' },
    deeds: ['Reboot', 1],
  },
  {
    name: 'the DownloadResponse is stored, and TransferComplete is to come',
    ...{ request: download, statement: 'fleet_change_task', left: 'in-progress', outcome: 'done', sessions: 2 },
    deeds: ['Download', 1],
  },
  {
    name: 'TransferComplete is stored, TransferCompleteResponse is not sent',
    ...{ request: download, statement: 'fleet_record_transfer', left: 'in-progress', outcome: 'done', sessions: 2 },
    deeds: ['Download', 1],
  },
];

interface Ground {
  readonly on: TaskStage;
  readonly muteAt: DatabaseProxy['muteAt'];
  restart(): Promise<void>;
  kill(): Promise<void>;
}

async function ground(t: TestContext): Promise<Ground> {
  const { url, db } = await withDatabase(t);
  const proxy = await openDatabaseProxy();
  cleanup(t, () => proxy.close());
  const dataDir = join(testFolder(t), 'data');
  const env = { ...development(dataDir), DATABASE_URL: proxy.through(url), HEMS_LOG_LEVEL: 'warn' };
  let server: Running & { ready: { cwmp: string } };
  const start = async (): Promise<string> => {
    server = await serve(['--dev'], { env });
    cleanup(t, () => void server.child.kill('SIGKILL'));
    return server.ready.cwmp;
  };
  const door = await start();
  const pki = await createDevelopmentPki(join(dataDir, 'pki'), new Date());
  const device = role(createCast(process.pid), 'acme');
  await enrolInto(db, [{ identities: [device] }]);
  const { rows } = await db.query<{ device_id: string }>({ text: 'select device_id from device_identities' });
  const stage = {
    db,
    context: { pki, doors: { main: door, second: door }, at: new Date() },
    known: async () => device,
    deviceId: async () => rows[0]?.device_id ?? '',
  } as unknown as Stage;
  const on = await taskStage(stage, { role: device });
  return {
    on,
    muteAt: proxy.muteAt,
    restart: async () => void Object.assign(on.cell.options, { url: await start() }),
    kill: async () => {
      server.child.kill('SIGKILL');
      await server.ended;
    },
  };
}

describe('kill -9 of the server between a record and what follows from it', { timeout: 300_000 }, () => {
  test('at every step: nothing is lost, nothing is done twice, and the next session tells the truth', async (t) => {
    const { on, muteAt, restart, kill } = await ground(t);
    for (const step of steps) {
      const [what, times] = step.deeds;
      const before = on.cell.state.deeds.filter((deed) => deed.startsWith(what)).length;
      const { id } = await on.add(step.request);
      // What tells of a transfer comes with the session after the one that asked for it.
      if (step.statement === 'fleet_record_transfer') await on.session();
      const muted = muteAt(step.statement, step.skip);
      const cut = on.session();
      await muted;
      await until(
        () => on.state(id),
        (state) => state === step.left,
        `${step.name}: the record`,
        10_000,
      );
      await kill();
      assert.equal((await cut).complete, false, step.name);
      assert.equal(await on.state(id), step.left, step.name);
      await restart();
      for (let n = 0; n < (step.sessions ?? 1); n += 1) assert.equal((await on.session()).complete, true, step.name);
      assert.equal(await on.state(id), step.outcome, `${step.name}: ${JSON.stringify(await on.task(id))}`);
      const deeds = on.cell.state.deeds.filter((deed) => deed.startsWith(what)).length - before;
      assert.equal(deeds, times, step.name);
      assert.equal(on.cell.state.transfers.length, 0, step.name);
      if (step.outcome === 'unknown-outcome')
        await on.tasks.cancel(on.deviceId, id, { actor: { kind: 'cli', name: 'x' } });
    }
    await kill();
  });
});
