import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import type { DeviceIdStruct } from '../cwmp/messages.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import { countInforms } from './inform-metrics.ts';
import { createInformProcedure, type InformProcedure } from './inform-procedure.ts';
import type { FileDoor } from './files/file-door.ts';
import { createNodeFiles } from './files/node-files.ts';
import type { InformRecorder } from './informs.ts';
import { type ModelQuirks, quirksOf } from './model-quirks.ts';
import { createNoticeRecorder, type NoticeRecorder } from './notices.ts';
import { notificationRules } from './notification-policy.ts';
import { countConnectionRequests } from './connection-request-metrics.ts';
import { createConnectionCredentials } from './connection-credentials.ts';
import { createParameterStore } from './parameters.ts';
import { createSessionArchive, type SessionArchive } from './session-archive.ts';
import type { Suspect } from './suspicions.ts';
import { createTaskDesk, digestAnchorsOf } from './task-desk.ts';
import { createTaskDispatcher, type TaskDispatcher } from './task-dispatch.ts';
import { countTasks } from './task-metrics.ts';
import { listenForTasks, type TaskNotices } from './task-notices.ts';
import { keepUp } from './task-upkeep.ts';
import { createTraceRecorder, type TraceRecorder } from './traces.ts';
import { createTransferRecorder, type TransferRecorder } from './transfers.ts';

/** What a CWMP session needs of the fleet. */
export interface SessionServices {
  readonly recordInform: InformProcedure;
  readonly recordTransfer: TransferRecorder['recordTransfer'];
  readonly recordNotice: NoticeRecorder;
  readonly tasks: TaskDispatcher;
  readonly archive: SessionArchive;
  readonly trace: TraceRecorder;
  readonly quirksOf: (claim: DeviceIdStruct) => ModelQuirks;
  readonly taskNotices: Pick<TaskNotices, 'subscribe'>;
  /** Absent: this node has no file door. */
  readonly files?: FileDoor;
}

export interface SessionServiceDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventBus;
  readonly metrics: Registry;
  readonly informs: Pick<InformRecorder, 'recordInform'>;
  readonly config: Pick<
    Config,
    'notifications' | 'models' | 'metrics' | 'files' | 'dataDir' | 'anchors' | 'connectionRequests' | 'secretKey'
  >;
  readonly suspect?: Suspect;
}

/** Composes them for one node; whoever asked stops them. */
export async function createSessionServices(
  deps: SessionServiceDeps,
): Promise<SessionServices & { stop(): Promise<void> }> {
  const { db, logger } = deps;
  const notifications = notificationRules(deps.config.notifications);
  const parameters = createParameterStore(db);
  const nodeFiles = await createNodeFiles(deps);
  const { applied } = nodeFiles;
  const { connectionRequests, secrets } = createTaskDesk(deps);
  const tasks = createTaskDispatcher({ ...deps, parameters, applied, secrets });
  const anchors = digestAnchorsOf(deps.config);
  const credentials = createConnectionCredentials({ ...deps, secrets, anchors });
  const taskNotices = await listenForTasks(db, logger);
  const stopUpkeep = keepUp(deps);
  const stopCounting = [
    countTasks(deps.events, deps.metrics),
    countInforms({ ...deps, ...deps.config.metrics }),
    countConnectionRequests(deps.events, deps.metrics),
  ];
  return {
    recordInform: createInformProcedure({
      ...{ ...deps, parameters, dispatcher: tasks, notifications, applied },
      called: connectionRequests.sessionCame,
      ...(anchors.length > 0 && { forgotten: credentials.lost }),
    }),
    ...createTransferRecorder(deps),
    recordNotice: createNoticeRecorder(deps),
    tasks,
    archive: createSessionArchive(deps),
    trace: createTraceRecorder(deps),
    quirksOf: (claim) => quirksOf(deps.config.models, claim),
    taskNotices,
    files: nodeFiles.files,
    stop: async () => {
      await stopUpkeep();
      for (const stop of stopCounting) stop();
      await nodeFiles.stop();
      await taskNotices.stop();
    },
  };
}
