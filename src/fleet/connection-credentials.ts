import { randomBytes } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database } from '../platform/postgres.ts';
import { type Actor, recordChange } from './changes.ts';
import { keepCredentials, loseCredentials, withoutCredentials } from './connection-credentials-queries.ts';
import type { DeviceSecrets, OpenedSecret } from './device-secrets.ts';
import type { TaskRequest } from './task.ts';
import { insertTask } from './task-queries.ts';
import { sealRequest } from './task-secrets.ts';

/**
 * Usernames and passwords by which devices of `connectionRequest: digest` know a connection request of ours: random, one
 * pair a device, made by hems, set by a task, and good for nothing else: no door of hems takes them.
 */
export interface ConnectionCredentials {
  /** Makes some for devices that have none that work; answers for how many, or that nothing can be kept. */
  provide(): Promise<number | 'no-key'>;
  open(deviceId: string, sealed: string): Promise<OpenedSecret>;
  /** The device does not know them (any more). */
  lost(deviceId: string): Promise<void>;
}

export interface CredentialDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly secrets: DeviceSecrets;
  /** Anchors with `connectionRequest: digest`. */
  readonly anchors: readonly string[];
}

const actor: Actor = { kind: 'policy', name: 'connectionRequest: digest' };
const mostAtOnce = 100;
/** Milliseconds until a task that failed to set them is followed by another. */
const pause = 3_600_000;

const nameOf = (deviceId: string): string => `connection request ${deviceId}`;

export function createConnectionCredentials(deps: CredentialDeps): ConnectionCredentials {
  const { db, clock, secrets, anchors } = deps;
  return {
    provide: async () => {
      if (anchors.length === 0) return 0;
      const before = new Date(clock.now().getTime() - pause);
      type Row = { deviceId: string; name: string };
      const { rows } = await db.query<Row>(withoutCredentials(anchors, before, mostAtOnce));
      for (const { deviceId, name } of rows) if (!(await make(deps, deviceId, name))) return 'no-key';
      return rows.length;
    },
    open: (deviceId, sealed) => secrets.open(nameOf(deviceId), sealed),
    lost: async (deviceId) => {
      await db.query(loseCredentials(deviceId, clock.now()));
    },
  };
}

async function make({ db, clock, secrets }: CredentialDeps, deviceId: string, urlName: string): Promise<boolean> {
  const at = clock.now();
  const username = `hems-${randomBytes(6).toString('hex')}`;
  const password = randomBytes(24).toString('base64url');
  const object = urlName.slice(0, -'URL'.length);
  const wish: TaskRequest = {
    kind: 'write-values',
    values: [
      { name: `${object}Username`, value: username, type: 'string' },
      { name: `${object}Password`, value: password, type: 'string' },
    ],
  };
  const taskId = uuidv7(clock);
  const [sealed, request] = await Promise.all([
    secrets.seal(nameOf(deviceId), password),
    sealRequest(secrets, taskId, wish),
  ]);
  if (sealed === undefined || !request.ok) return false;
  await db.transaction(async (tx) => {
    const task = { deviceId, id: taskId, request: request.request, priority: 0, notBefore: at, origin: actor, at };
    await tx.query(insertTask(task));
    await tx.query(keepCredentials(deviceId, username, sealed, taskId, at));
    await recordChange(tx, { deviceId, at, actor, action: 'set_wake_credentials', after: { task: taskId, username } });
  });
  return true;
}
