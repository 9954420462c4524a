/** A stage with tasks: what is wanted of a device, and what became of it. */
import assert from 'node:assert/strict';
import type { Task, TaskRequest } from '../../src/fleet/task.ts';
import { createTasks, type TaskOptions, type Tasks } from '../../src/fleet/tasks.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { stage as dress, type Role } from '../../src/simulator/scenarios/cast.ts';
import type { SessionOptions, SessionReport } from '../../src/simulator/session-report.ts';
import type { Stage } from './stage.ts';

export const by = { actor: { kind: 'cli', name: 'maria@noc' }, reason: 'a test' } as const;

export interface TaskStage {
  readonly tasks: Tasks;
  readonly deviceId: string;
  readonly cell: Femtocell;
  add(request: TaskRequest, options?: TaskOptions): Promise<Task>;
  /** As it is now. */
  task(id: string): Promise<Task>;
  state(id: string): Promise<string>;
  /** One session of the device; nothing that the ACS does may break a rule. */
  session(options?: SessionOptions): Promise<SessionReport>;
  /** What is kept of a parameter. */
  value(name: string): Promise<string | null | undefined>;
  /** Lets so many seconds have passed since everything that was done about a task. */
  pass(id: string, seconds: number): Promise<void>;
}

/** A known device that has been bootstrapped. */
export async function taskStage(
  stage: Stage,
  props: { role?: Role; url?: string; cell?: Femtocell } = {},
): Promise<TaskStage> {
  const device = props.role ?? (await stage.known());
  const cell = props.cell ?? (await dress(stage.context, device));
  const tasks = createTasks({ db: stage.db, clock: systemClock, policy: { connectionRequest: 'off' } });
  const deviceId = await stage.deviceId(device);
  const session: TaskStage['session'] = async (options) => {
    const report = await runSession(cell, options);
    assert.deepEqual(report.violations, []);
    return report;
  };
  const task: TaskStage['task'] = async (id) => {
    const found = await tasks.get(deviceId, id);
    assert.ok(found !== undefined);
    return found;
  };
  await session();
  return {
    tasks,
    deviceId,
    cell,
    session,
    task,
    state: async (id) => (await task(id)).state,
    add: async (request, options) => {
      const added = await tasks.add(deviceId, request, by, options);
      assert.ok(added.ok, JSON.stringify(added));
      return added.task;
    },
    value: async (name) => {
      const { rows } = await stage.db.query<{ value: string | null }>({
        text: 'select value from device_parameters where device_id = $1 and name = $2',
        values: [deviceId, name],
      });
      return rows[0]?.value;
    },
    pass: async (id, seconds) => {
      await stage.db.query({
        text: `update tasks set sent_at = sent_at - make_interval(secs => $2), not_before = not_before - make_interval(secs => $2)
                where id = $1`,
        values: [id, seconds],
      });
    },
  };
}
