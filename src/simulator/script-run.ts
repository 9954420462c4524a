import { setTimeout as sleep } from 'node:timers/promises';
import { runSession } from './cwmp-session.ts';
import { alarm, changeValue, powerCycle, uploadByItself } from './device-life.ts';
import type { Femtocell } from './femtocell.ts';
import { releaseTransfers } from './rpc-transfers.ts';
import type { Script, ScriptStep } from './script.ts';
import type { RequestCourse, SessionReport } from './session-report.ts';

export interface ScriptOptions {
  readonly signal?: AbortSignal;
  /** Told of every session. */
  readonly onSession?: (report: SessionReport) => void;
}

/** Lets a device live through a script: it bootstraps first, and calls whenever something has happened. */
export async function playScript(
  cell: Femtocell,
  { repeat, steps }: Script,
  options: ScriptOptions = {},
): Promise<void> {
  const { signal, onSession } = options;
  const call = async (step?: ScriptStep): Promise<void> => {
    onSession?.(await runSession(cell, step?.hangUp === undefined ? {} : { onRequest: hangingUp(step.hangUp) }));
  };
  if (!cell.state.bootstrapped) await call();
  for (let round = 0; round < repeat; round += 1)
    for (const step of steps) {
      await live(cell, step.after * 1000, signal, call);
      if (signal?.aborted === true) return;
      if (happen(cell, step)) await call(step);
      // What a transfer came to is told at once (TR-069 3.7.1.5).
      for (let more = 0; more < 3 && cell.state.transfers.length > 0; more += 1) await call();
    }
}

/** Time goes by, in which the device calls when the ACS has told it to (ScheduleInform). */
async function live(
  cell: Femtocell,
  milliseconds: number,
  signal: AbortSignal | undefined,
  call: () => Promise<void>,
): Promise<void> {
  const end = Date.now() + milliseconds;
  for (let left = milliseconds; ; left = end - Date.now()) {
    const next = Math.min(...cell.state.scheduled.map(({ due }) => due)) - Date.now();
    const wait = Math.max(0, Math.min(left, next));
    await sleep(wait, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    if (signal?.aborted === true || next > left) return;
    await call();
  }
}

/** Answers whether the device wants a session for it. */
function happen(cell: Femtocell, step: ScriptStep): boolean {
  const { state } = cell;
  let wanted = step.call ?? step.hangUp !== undefined;
  for (const [name, value] of Object.entries(step.set ?? {})) wanted = changeValue(cell, name, value) || wanted;
  if (step.alarm !== undefined) {
    const { cleared, ...raised } = step.alarm;
    wanted = alarm(cell, raised, cleared ? 'ClearedAlarm' : 'NewAlarm') || wanted;
  }
  state.faults.push(...(step.faults ?? []));
  state.transferPlans.push(...(step.transfers ?? []));
  if (step.powerCycle === true) powerCycle(cell);
  if (step.releaseTransfers === true) releaseTransfers(state, new Date());
  if (step.upload !== undefined) uploadByItself(cell, step.upload, new Date());
  return (
    step.call ?? (wanted || step.powerCycle === true || step.releaseTransfers === true || step.upload !== undefined)
  );
}

function hangingUp({ at, done }: NonNullable<ScriptStep['hangUp']>): (method: string) => RequestCourse {
  return (method) => (method === at ? (done ? 'do-and-hang-up' : 'hang-up') : 'answer');
}
