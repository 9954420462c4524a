import { hash } from 'node:crypto';
import type { Inform } from '../cwmp/cpe-methods.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database } from '../platform/postgres.ts';
import type { InformOutcome, InformRecorder, InformReport } from './informs.ts';
import { type NotificationRule, notificationTasks, policyDigest } from './notification-policy.ts';
import { tellChanges } from './parameter-changes.ts';
import { keepDigest, keepNotificationPolicy } from './parameter-queries.ts';
import type { ParameterStore } from './parameters.ts';
import { noteApplied, type TaskDispatcher } from './task-dispatch.ts';
import { insertTask, withdrawNotifications } from './task-queries.ts';

export interface InformProcedureDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly informs: Pick<InformRecorder, 'recordInform'>;
  readonly parameters: ParameterStore;
  readonly dispatcher: TaskDispatcher;
  readonly notifications: readonly NotificationRule[];
  readonly events?: EventBus;
  readonly applied?: (transfers: number) => void;
  /** The device says 6 CONNECTION REQUEST. */
  readonly called?: (deviceId: string, informId: string) => Promise<void>;
  /** It is as it left the factory: what it was told is gone. */
  readonly forgotten?: (deviceId: string) => Promise<void>;
}

export type InformProcedure = (report: InformReport) => Promise<InformOutcome>;

/**
 * Everything that an Inform leads to before its InformResponse: the record of it; then, only where there is something
 * to do, the parameters that are not as the last Inform had them, the tasks that it settles, and those that the
 * notification policy wants. An Inform that says nothing new costs its one statement.
 */
export function createInformProcedure(deps: InformProcedureDeps): InformProcedure {
  const policy = policyDigest(deps.notifications);
  return async (report) => {
    const outcome = await deps.informs.recordInform(report);
    if (outcome.kind === 'refused') return outcome;
    const { inform, connection } = report;
    const { deviceId } = connection;
    await takeOver(deps, deviceId, inform, outcome.parametersDigest);
    if (outcome.unsettled) await deps.dispatcher.informed(deviceId, inform);
    // TR-069 3.7.1.5: at its bootstrap a device has forgotten what it was asked to tell.
    const forgot = inform.events.some(({ eventCode }) => eventCode === '0 BOOTSTRAP');
    if (forgot) await deps.forgotten?.(deviceId);
    // TR-069 3.2.2: what a connection request leads to.
    if (inform.events.some(({ eventCode }) => eventCode === '6 CONNECTION REQUEST'))
      await deps.called?.(deviceId, outcome.informId);
    if (deps.notifications.length === 0 || (outcome.notificationPolicy === policy && !forgot)) return outcome;
    const wanted = await askForNotifications(deps, deviceId, inform, policy, outcome.informId);
    return { ...outcome, hasTasks: outcome.hasTasks || wanted };
  };
}

async function takeOver(
  { db, clock, parameters, events, applied }: InformProcedureDeps,
  deviceId: string,
  { parameterList }: Inform,
  kept: string | null,
): Promise<void> {
  const digest = hash('sha1', JSON.stringify(parameterList), 'hex').slice(0, 20);
  if (digest === kept) return;
  const at = clock.now();
  const stored = await parameters.values(deviceId, parameterList, at);
  // After the values: whoever breaks off between the two does it all again.
  await db.query(keepDigest(deviceId, digest));
  await noteApplied({ db, ...(applied && { applied }) }, deviceId, at);
  tellChanges(events, deviceId, 'inform', stored.changes, at);
}

/** The key makes it once a bootstrap, however often the device has to repeat the Inform. */
async function askForNotifications(
  { db, clock, notifications }: InformProcedureDeps,
  deviceId: string,
  inform: Inform,
  policy: string,
  informId: string,
): Promise<boolean> {
  const at = clock.now();
  const requests = notificationTasks(notifications, inform);
  // What an earlier Inform asked for and no session has sent yet is asked for again below.
  await db.query(withdrawNotifications(deviceId, at));
  for (const [index, request] of requests.entries())
    await db.query(
      insertTask({
        deviceId,
        id: uuidv7(clock),
        request,
        priority: -10,
        notBefore: at,
        idempotencyKey: `notifications ${policy} ${index} ${informId}`,
        origin: { kind: 'policy', name: 'notifications' },
        at,
      }),
    );
  await db.query(keepNotificationPolicy(deviceId, policy));
  return requests.length > 0;
}
