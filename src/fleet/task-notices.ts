import type { Logger } from 'pino';
import type { Database } from '../platform/postgres.ts';

/** Tells of devices for which a task was queued, at any node. */
export interface TaskNotices {
  /** Answers the end of it. */
  subscribe(handler: (deviceId: string) => void): () => void;
  stop(): Promise<void>;
}

/** While the database cannot be listened to, a task waits for the device's next Inform. */
export async function listenForTasks(db: Database, logger: Logger): Promise<TaskNotices> {
  const handlers = new Set<(deviceId: string) => void>();
  const stop = await db
    .listen('hems_tasks', (deviceIds) => {
      for (const deviceId of deviceIds.split(' ')) for (const handler of handlers) handler(deviceId);
    })
    .catch((error: unknown) => {
      logger.warn({ err: error }, 'new tasks are not told to open sessions');
      return async () => undefined;
    });
  return {
    subscribe: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    stop: async () => {
      await stop();
    },
  };
}
