import type { AcsRequest } from '../cwmp/acs-methods.ts';
import type { DuStateChangeComplete, Inform, TransferComplete } from '../cwmp/cpe-methods.ts';
import type { Answer } from '../cwmp/session.ts';
import type { CwmpVersion } from '../cwmp/versions.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import { type DeviceSecrets, noDeviceSecrets } from './device-secrets.ts';
import { markApplied } from './files/device-transfer-queries.ts';
import type { ModelQuirks } from './model-quirks.ts';
import { tellChanges } from './parameter-changes.ts';
import { namesBelow, rootOf, typesOf } from './parameter-reading-queries.ts';
import type { ParameterStore } from './parameters.ts';
import type { KeptSession } from './session-archive.ts';
import type { Task } from './task.ts';
import { answered } from './task-answers.ts';
import { taskOfDevice } from './task-queries.ts';
import { settleCancelled, settleDuStateChange, settleOpenTasks, settleTransfer } from './task-reconciling.ts';
import { recordTaskChange } from './task-recording.ts';
import { openRequest } from './task-secrets.ts';
import { markSent, nextTask } from './task-sending-queries.ts';
import { mostChecks, type NextStep, nextStep, type StepContext, treeBatch } from './task-steps.ts';

/** The session in which a task is carried out. */
export interface TaskSession {
  readonly id: string;
  readonly deviceId: string;
  readonly version: CwmpVersion;
  readonly quirks: ModelQuirks;
  /** Where the device has called. */
  readonly doorUrl?: string | undefined;
}

/** A request that is to be sent for a task. */
export interface Offer {
  readonly task: Task;
  readonly request: AcsRequest;
  readonly step: 'prepare' | 'work' | 'settle';
}

/** What sessions do about tasks. Everything is durable when it resolves. */
export interface TaskDispatcher {
  /** Before InformResponse: settles what earlier sessions have left open. Only where the Inform found tasks. */
  informed(deviceId: string, inform: Inform): Promise<void>;
  next(session: TaskSession): Promise<Offer | undefined>;
  /** Before the request leaves; false: it must not leave, for the task is not as it was. `kept`: to go on elsewhere. */
  sending(session: TaskSession, offer: Offer, kept: KeptSession): Promise<boolean>;
  /** `offer`: if it was made at this node. False: nothing more waits for the device. */
  answered(session: TaskSession, report: AnswerReport): Promise<boolean>;
  transferCompleted(deviceId: string, transfer: TransferComplete): Promise<void>;
  duStateChanged(deviceId: string, change: DuStateChangeComplete): Promise<void>;
}

export interface AnswerReport {
  readonly taskId: string;
  readonly offer: Offer | undefined;
  readonly request: AcsRequest;
  readonly answer: Answer;
}

export interface TaskDispatchDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly parameters: ParameterStore;
  readonly events?: EventBus;
  /** Downloads that turned out to be running at their device. */
  readonly applied?: (transfers: number) => void;
  readonly secrets?: DeviceSecrets;
}

export function createTaskDispatcher(deps: TaskDispatchDeps): TaskDispatcher {
  const { db, clock } = deps;
  return {
    informed: async (deviceId, inform) => {
      if (await settleOpenTasks(deps, deviceId, inform.events, clock.now()))
        await noteApplied(deps, deviceId, clock.now());
    },
    next: (session) => next(deps, session),
    sending: async (session, { task, step }, kept) => {
      const { count } = await db.query(markSent(task, step, session.id, clock.now(), kept));
      return count > 0;
    },
    answered: (session, report) => take(deps, session, report),
    transferCompleted: async (deviceId, transfer) => {
      await settleTransfer(deps, deviceId, transfer, clock.now());
      if (transfer.faultStruct.faultCode === 0) await noteApplied(deps, deviceId, clock.now());
    },
    duStateChanged: (deviceId, change) => settleDuStateChange(deps, deviceId, change, clock.now()),
  };
}

/** Downloads whose version the device shows; see `TransferFacts`. */
export async function noteApplied(
  { db, applied }: Pick<TaskDispatchDeps, 'db' | 'applied'>,
  deviceId: string,
  at: Date,
): Promise<void> {
  const { count } = await db.query(markApplied(deviceId, at));
  if (count > 0) applied?.(count);
}

/** Tasks that may be over without anything to be asked, looked at in one turn. */
const mostLooks = 20;

async function next(deps: TaskDispatchDeps, session: TaskSession): Promise<Offer | undefined> {
  for (let look = 0; look < mostLooks; look += 1) {
    const at = deps.clock.now();
    const { rows } = await deps.db.query<Task>(nextTask(session.deviceId, session.id, mostChecks, at));
    const [task] = rows;
    if (task === undefined) return undefined;
    const opened = await openRequest(deps.secrets ?? noDeviceSecrets, task.id, task.request);
    if (!opened.ok) {
      await recordTaskChange(
        deps,
        task,
        { state: 'failed', fault: { cause: 'not-sent', message: opened.message } },
        at,
      );
      continue;
    }
    const { request } = opened;
    const chosen: NextStep = nextStep({ ...task, request }, await contextOf(deps.db, session, task));
    if (chosen.kind === 'send') return { task, request: chosen.request, step: chosen.step };
    await recordTaskChange(deps, task, chosen.change, at);
  }
  return undefined;
}

async function contextOf(db: Database, session: TaskSession, task: Task): Promise<StepContext> {
  const { deviceId, version, quirks, doorUrl } = session;
  const { request, progress, state } = task;
  const context: StepContext = { version, quirks, root: 'Device', doorUrl };
  if (state === 'unknown-outcome') {
    if (request.kind !== 'reboot') return context;
    const { rows } = await db.query<{ root: string }>(rootOf(deviceId));
    return { ...context, root: rows[0]?.root ?? 'Device' };
  }
  if (request.kind === 'write-values') {
    const names = request.values.flatMap(({ name, type }) => (type === undefined ? [name] : []));
    if (names.length === 0) return context;
    const { rows } = await db.query<{ name: string; type: string }>(typesOf(deviceId, names));
    return { ...context, types: new Map(rows.map(({ name, type }) => [name, type])) };
  }
  if (request.kind === 'read-tree' && progress.phase === 'values') {
    const batch = Math.min(progress.batch ?? treeBatch, quirks.valuesPerRequest);
    const { rows } = await db.query<{ name: string }>(namesBelow(deviceId, request.path, progress.after ?? '', batch));
    return { ...context, names: rows.map(({ name }) => name) };
  }
  return context;
}

/** The task as `markSent` left it. */
function marked({ task, step }: Offer): Task {
  const isSettling = step === 'settle';
  return { ...task, step, state: isSettling ? task.state : 'sent', attempts: task.attempts + (isSettling ? 0 : 1) };
}

async function load(db: Database, deviceId: string, taskId: string): Promise<Task | undefined> {
  const { rows } = await db.query<Task>(taskOfDevice(deviceId, taskId));
  return rows[0];
}

async function take(deps: TaskDispatchDeps, session: TaskSession, report: AnswerReport): Promise<boolean> {
  const { taskId, offer, request, answer } = report;
  const { deviceId } = session;
  const at = deps.clock.now();
  if (answer.kind === 'response') {
    const stored = await deps.parameters.learn(deviceId, request, answer.response, at);
    tellChanges(deps.events, deviceId, 'task', stored.changes, at);
  }
  const own = offer === undefined || answer.kind === 'not-sent' ? offer?.task : marked(offer);
  const task = own ?? (await load(deps.db, deviceId, taskId));
  if (task === undefined) return true;
  const change = answered(task, request, answer, at);
  if (request.method === 'CancelTransfer' && change.state === 'done')
    await settleCancelled(deps, deviceId, request.commandKey, at);
  const recorded = await recordTaskChange(deps, task, change, at, true);
  if (recorded !== undefined) return recorded.waiting;
  // Another session has taken it for lost meanwhile; an answer that came after all is worth more than that.
  const now = await load(deps.db, deviceId, taskId);
  if (now?.state !== 'unknown-outcome' || now.attempts !== task.attempts || answer.kind === 'none') return true;
  await recordTaskChange(deps, now, answered({ ...now, step: task.step }, request, answer, at), at);
  return true;
}
