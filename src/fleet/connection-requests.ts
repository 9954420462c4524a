import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import { lockDevice } from './admission-queries.ts';
import { recordChange } from './changes.ts';
import type { ClaimedRequest, ConnectionRequest, ConnectionRequestOutcome } from './connection-request.ts';
import * as queries from './connection-request-queries.ts';
import type { DeviceState } from './device.ts';
import type { By } from './register.ts';

export interface ConnectionRequestPolicy {
  readonly enabled: boolean;
  /** Milliseconds between two to one device. */
  readonly perDevice: number;
  /** Of the whole installation. */
  readonly perMinute: number;
}

export type AskedRequest =
  | {
      readonly ok: true;
      readonly request: ConnectionRequest /** False: one was under way. */;
      readonly created: boolean;
    }
  | { readonly ok: false; readonly problem: ConnectionRequestProblem };

export interface ConnectionRequestProblem {
  readonly kind: 'switched_off' | 'device_missing' | 'device_shut_out' | 'no_url' | 'too_soon';
  readonly message: string;
  readonly remedy: string;
}

/** Wishes that devices call now. Any door asks; a node with a way to the devices claims and settles. */
export interface ConnectionRequests {
  /** On record with who asked before anything is sent. `taskId`: not needed once that task is fetched. */
  ask(deviceId: string, by: By, options?: { readonly taskId?: string }): Promise<AskedRequest>;
  /** Newest first, fifty at most. */
  list(deviceId: string, limit: number): Promise<readonly ConnectionRequest[]>;
  get(deviceId: string, id: string): Promise<ConnectionRequest | undefined>;
  /** Those whose turn it is, within the bound of the installation. */
  claim(most: number): Promise<readonly ClaimedRequest[]>;
  settle(claimed: Pick<ClaimedRequest, 'deviceId' | 'id'>, outcome: ConnectionRequestOutcome): Promise<void>;
  /** Settles what no node had in time, and what a node has left. */
  forget(): Promise<void>;
  /** An Inform said 6 CONNECTION REQUEST. */
  sessionCame(deviceId: string, informId: string): Promise<void>;
  /** Whether another device was last seen there. */
  isAnothers(deviceId: string, address: string): Promise<boolean>;
}

export interface ConnectionRequestDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly policy: ConnectionRequestPolicy;
  readonly events?: EventBus;
}

/** Milliseconds: a wish that waits longer is out of date; a node needs no longer for one; a device calls within. */
const fresh = 60_000;
const longestSending = 180_000;
const mostDelay = 300_000;
/** A session that is open takes the task by itself. */
const head = 1500;

export function createConnectionRequests(deps: ConnectionRequestDeps): ConnectionRequests {
  const { db, clock, events, policy } = deps;
  const before = (milliseconds: number): Date => new Date(clock.now().getTime() - milliseconds);
  return {
    ask: (deviceId, by, options = {}) => db.transaction((tx) => ask(tx, deps, deviceId, by, options.taskId)),
    list: async (deviceId, limit) => (await db.query<ConnectionRequest>(queries.listRequests(deviceId, limit))).rows,
    get: async (deviceId, id) => (await db.query<ConnectionRequest>(queries.oneRequest(deviceId, id))).rows[0],
    claim: (most) =>
      db.transaction(async (tx) => {
        await tx.query(queries.claimTurn);
        const sent = await tx.query<{ count: number }>(queries.sentSince(before(60_000)));
        const left = Math.min(most, policy.perMinute - (sent.rows[0]?.count ?? 0));
        if (left <= 0) return [];
        return (await tx.query<ClaimedRequest>(queries.claimRequests(clock.now(), before(fresh), left))).rows;
      }),
    settle: async ({ deviceId, id }, outcome) => {
      const at = clock.now();
      const { count } = await db.query(queries.settleRequest(deviceId, id, outcome, at));
      if (count > 0) events?.publish({ kind: 'connection-request', at, deviceId, id, ...outcome });
    },
    forget: async () => {
      const at = clock.now();
      type Row = Pick<ConnectionRequest, 'deviceId' | 'id'> & { state: 'refused' | 'unsettled'; cause: string };
      const { rows } = await db.query<Row>(queries.settleForgotten(at, before(fresh), before(longestSending)));
      for (const row of rows) events?.publish({ kind: 'connection-request', at, ...row });
    },
    sessionCame: async (deviceId, informId) => {
      const at = clock.now();
      const { rows } = await db.query<{ id: string }>(queries.matchSession(deviceId, informId, at, before(mostDelay)));
      const [asked] = rows;
      events?.publish({
        kind: 'connection-request-session',
        at,
        deviceId,
        ...(asked !== undefined && { id: asked.id }),
      });
    },
    isAnothers: async (deviceId, address) =>
      (await db.query<{ another: boolean }>(queries.isAnothers(deviceId, address))).rows[0]?.another ?? false,
  };
}

function problem(kind: ConnectionRequestProblem['kind'], message: string, remedy: string): AskedRequest {
  return { ok: false, problem: { kind, message, remedy } };
}

async function ask(
  tx: Queryable,
  { clock, policy }: ConnectionRequestDeps,
  deviceId: string,
  by: By,
  taskId: string | undefined,
): Promise<AskedRequest> {
  const at = clock.now();
  if (!policy.enabled)
    return problem('switched_off', 'connection requests are switched off', 'set connectionRequests.enabled: true');
  const [device] = (await tx.query<{ state: DeviceState }>(lockDevice(deviceId))).rows;
  if (device === undefined)
    return problem('device_missing', `there is no device ${deviceId}`, 'see "hems device list"');
  if (device.state === 'blocked' || device.state === 'retired' || device.state === 'quarantined')
    return problem('device_shut_out', `the device is ${device.state}: its session would be refused`, 'let it in first');
  const since = new Date(at.getTime() - policy.perDevice);
  type Standing = { url: string | null; sentAt: Date | null };
  const [standing] = (await tx.query<Standing>(queries.standingOf(deviceId, since))).rows;
  if ((standing?.url ?? null) === null)
    return problem(
      'no_url',
      'the device has told no ConnectionRequestURL',
      'wait for its next Inform; a device without one is reached by PeriodicInformInterval and schedule-inform alone',
    );
  const fromThen = new Date(at.getTime() - fresh);
  const [pending] = (await tx.query<ConnectionRequest>(queries.pendingRequest(deviceId, fromThen))).rows;
  if (pending !== undefined) return { ok: true, request: pending, created: false };
  if (standing?.sentAt != null) {
    const until = new Date(standing.sentAt.getTime() + policy.perDevice).toISOString();
    return problem('too_soon', `the device was asked at ${standing.sentAt.toISOString()}`, `ask again after ${until}`);
  }
  const notBefore = taskId === undefined ? at : new Date(at.getTime() + head);
  const wish = { deviceId, id: uuidv7(clock), at, notBefore, origin: by.actor, taskId };
  const [request] = (await tx.query<ConnectionRequest>(queries.insertRequest(wish))).rows;
  if (request === undefined) throw new Error(`a connection request for ${deviceId} could not be written`);
  const after = { request: request.id, ...(taskId !== undefined && { task: taskId }) };
  await recordChange(tx, { deviceId, at, action: 'wake', after, ...by });
  return { ok: true, request, created: true };
}
