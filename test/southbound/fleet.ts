/** A fleet that a door can be tried with: it stores nothing and, unless told otherwise, wants nothing of devices. */
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import { noQuirks } from '../../src/fleet/model-quirks.ts';
import type { SessionServices } from '../../src/fleet/session-services.ts';
import type { Offer, TaskDispatcher } from '../../src/fleet/task-dispatch.ts';
import type { Task } from '../../src/fleet/task.ts';

const none = async (): Promise<undefined> => undefined;

export const idleTasks: TaskDispatcher = {
  informed: none,
  next: none,
  sending: async () => true,
  answered: async () => true,
  transferCompleted: none,
  duStateChanged: none,
};

export const idleServices: Omit<SessionServices, 'recordInform' | 'recordTransfer'> = {
  recordNotice: none,
  tasks: idleTasks,
  archive: { keep: none, take: none, drop: none, awaits: async () => false },
  trace: () => undefined,
  quirksOf: () => noQuirks,
  taskNotices: { subscribe: () => () => undefined },
};

/** What an Inform is answered with that was stored. */
export const storedInform = {
  kind: 'stored',
  informId: 'x',
  learnt: false,
  hasTasks: false,
  unsettled: false,
  traced: false,
  parametersDigest: null,
  notificationPolicy: null,
} as const;

/** Has these asked, in order, of whoever comes; the last one again and again if `repeated`. */
export function asking(
  requests: readonly AcsRequest[],
  options: { repeated?: boolean } = {},
): Partial<SessionServices> {
  const waiting = [...requests];
  const offer = (deviceId: string, request: AcsRequest): Offer => ({
    task: { id: `task of ${deviceId}`, deviceId } as Task,
    request,
    step: 'work',
  });
  const next: TaskDispatcher['next'] = async ({ deviceId }) => {
    const request = options.repeated === true ? waiting[0] : waiting.shift();
    return request === undefined ? undefined : offer(deviceId, request);
  };
  const kept = new Map<string, unknown>();
  const sending: TaskDispatcher['sending'] = async ({ deviceId }, _offer, { session }) => {
    kept.set(deviceId, session);
    return true;
  };
  const archive: SessionServices['archive'] = {
    keep: async (deviceId, { session }) => void kept.set(deviceId, session),
    take: async (deviceId) => {
      const session = kept.get(deviceId);
      kept.delete(deviceId);
      return session;
    },
    drop: async (deviceId) => void kept.delete(deviceId),
    awaits: async (deviceId) => kept.has(deviceId),
  };
  return { tasks: { ...idleTasks, next, sending }, archive };
}
