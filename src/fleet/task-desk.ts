import type { Config } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import { type ConnectionRequests, createConnectionRequests } from './connection-requests.ts';
import { createDeviceSecrets, type DeviceSecrets } from './device-secrets.ts';
import { createTasks, type Tasks } from './tasks.ts';

/** Where wishes are left, by whichever door. */
export interface TaskDesk {
  readonly tasks: Tasks;
  readonly connectionRequests: ConnectionRequests;
  readonly secrets: DeviceSecrets;
}

export interface TaskDeskDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly events?: EventBus;
  readonly config: Pick<Config, 'anchors' | 'connectionRequests' | 'secretKey'>;
}

export function createTaskDesk({ db, clock, events, config }: TaskDeskDeps): TaskDesk {
  const secrets = createDeviceSecrets(db, config.secretKey);
  const digestAnchors = digestAnchorsOf(config);
  const policy = config.connectionRequests;
  return {
    secrets,
    tasks: createTasks({ db, clock, secrets, digestAnchors, policy: { connectionRequest: 'off' } }),
    connectionRequests: createConnectionRequests({ db, clock, policy, ...(events !== undefined && { events }) }),
  };
}

export function digestAnchorsOf({ anchors }: Pick<Config, 'anchors'>): readonly string[] {
  return anchors.filter(({ connectionRequest }) => connectionRequest === 'digest').map(({ name }) => name);
}
