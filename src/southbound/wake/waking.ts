import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { AdmissionRecords } from '../../fleet/admission-records.ts';
import { createConnectionCredentials } from '../../fleet/connection-credentials.ts';
import type { ClaimedRequest } from '../../fleet/connection-request.ts';
import type { ConnectionRequests } from '../../fleet/connection-requests.ts';
import { createTaskDesk, digestAnchorsOf } from '../../fleet/task-desk.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';
import type { EventBus } from '../../platform/events.ts';
import type { Database } from '../../platform/postgres.ts';
import { type Reconciler, startReconciler } from '../../platform/reconciler.ts';
import type { TrustAnchor } from '../../trust/anchors.ts';
import { createDeviceServerJudge } from '../../trust/device-server.ts';
import type { Revocation } from '../../trust/revocation/revocation.ts';
import { attemptWake, type WakeAttemptDeps } from './wake-attempt.ts';

export interface WakingDeps {
  readonly config: Config;
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventBus;
  readonly egress: Egress;
  readonly anchors: readonly TrustAnchor[];
  readonly revocation: Pick<Revocation, 'judge'>;
  readonly records: Pick<AdmissionRecords, 'find'>;
}

/** Exchanges under way at this node. */
const mostInFlight = 32;
const lookEvery = 10_000;
const sweepEvery = 30_000;
/** After the head start that requests for tasks leave to sessions that are open. */
const secondLook = 1600;

/** Sends the connection requests that anybody asked for, at this node; answers how to stop it. */
export async function startWaking(deps: WakingDeps): Promise<() => Promise<void>> {
  const { config, db, clock, logger } = deps;
  if (!config.connectionRequests.enabled) return async () => undefined;
  const digestAnchors = digestAnchorsOf(config);
  if (digestAnchors.length > 0)
    logger.warn({ anchors: digestAnchors }, 'connection requests by digest: a deviation from TS 33.320 8.3.4');
  const { connectionRequests: requests, secrets } = createTaskDesk(deps);
  const credentials = createConnectionCredentials({ db, clock, secrets, anchors: digestAnchors });
  const attempt = attemptDeps(deps, { requests, credentials, digestAnchors });
  const underWay = new Set<Promise<void>>();
  const carryOut = async (claimed: ClaimedRequest): Promise<void> => {
    const outcome = await attemptWake(attempt, claimed).catch((error: unknown) => {
      logger.error({ err: error, device: claimed.deviceId }, 'a connection request failed');
      return { state: 'refused', cause: 'internal', detail: 'hems itself failed', remedy: 'see the log' } as const;
    });
    logger.info({ device: claimed.deviceId, request: claimed.id, ...outcome }, 'connection request');
    await requests.settle(claimed, outcome);
  };
  const sender: Reconciler = startReconciler({
    ...{ name: 'connection requests', every: lookEvery, logger },
    step: async () => {
      const claimed = await requests.claim(mostInFlight - underWay.size);
      for (const one of claimed) {
        const work = carryOut(one)
          .catch((error: unknown) => logger.error({ err: error }, 'a connection request could not be settled'))
          .finally(() => underWay.delete(work));
        underWay.add(work);
      }
    },
  });
  const sweeper = startReconciler({
    ...{ name: 'connection credentials', every: sweepEvery, logger },
    step: () => sweep(requests, credentials, logger),
  });
  sweeper.kick();
  const stopListening = await listen(db, sender);
  return async () => {
    await stopListening();
    await Promise.all([sender.stop(), sweeper.stop()]);
    await Promise.all(underWay);
  };
}

type Parts = Pick<WakeAttemptDeps, 'requests' | 'credentials' | 'digestAnchors'>;

function attemptDeps({ config, egress, clock, ...deps }: WakingDeps, parts: Parts): WakeAttemptDeps {
  const { networks, target, timeout, certificate } = config.connectionRequests;
  const own = certificate ?? config.listeners[0]?.certificates[0];
  return {
    ...{ egress, clock, timeout, rules: { networks, target } },
    ...parts,
    judgeServer: createDeviceServerJudge(deps),
    // Read each time: a renewed certificate is taken up without being told.
    ownCertificate: async () => {
      const [chain, key] = await Promise.all([readFile(own?.chain ?? '', 'utf8'), readFile(own?.key ?? '', 'utf8')]);
      return { chain, key };
    },
  };
}

async function sweep(requests: ConnectionRequests, credentials: Parts['credentials'], logger: Logger): Promise<void> {
  await requests.forget();
  if ((await credentials.provide()) === 'no-key')
    logger.warn('connectionRequest: digest needs HEMS_SECRET_KEY, without which no credentials can be kept');
}

async function listen(db: Database, sender: Reconciler): Promise<() => Promise<void>> {
  const timers = new Set<NodeJS.Timeout>();
  const end = await db.listen('hems_connection_requests', () => {
    sender.kick();
    const timer = setTimeout(() => {
      timers.delete(timer);
      sender.kick();
    }, secondLook).unref();
    timers.add(timer);
  });
  return async () => {
    for (const timer of timers) clearTimeout(timer);
    await end();
  };
}
