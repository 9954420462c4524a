import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { AuditConfig, Config } from '../config/schema.ts';
import type { AdmissionRecords } from '../fleet/admission-records.ts';
import type { InformRecorder } from '../fleet/informs.ts';
import type { Suspect } from '../fleet/suspicions.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database } from '../platform/postgres.ts';
import { createPathCache } from '../x509/path-cache.ts';
import type { Admission, Gate, HandshakeFacts } from './admission.ts';
import type { TrustAnchor } from './anchors.ts';
import { createChainMemory } from './chain-memory.ts';
import type { Decision } from './decision.ts';
import { createDecisionRecorder } from './decision-recorder.ts';
import { evidenceOf } from './evidence.ts';
import { createJudge, unjudged } from './judge.ts';
import type { Judge, Judgement, Refused } from './judgement.ts';
import { createOpenAdmissions } from './open-admissions.ts';
import { readLeaf } from './path-judgement.ts';
import type { QuarantineKeeper } from './revocation/quarantine.ts';
import type { Revocation } from './revocation/revocation.ts';
import { secondLockErrors } from './second-lock.ts';

export interface GateDeps {
  readonly anchors: readonly TrustAnchor[];
  readonly secondLock: Config['secondLock'];
  readonly audit: AuditConfig;
  readonly db: Database;
  readonly records: AdmissionRecords;
  readonly informs: Pick<InformRecorder, 'hasAdmissionRow'>;
  readonly revocation: Pick<Revocation, 'judge'>;
  /** Keeps a known device that the policy puts in quarantine, for a person to release. */
  readonly quarantine: QuarantineKeeper;
  /** Told of devices that may not be who they were. */
  readonly suspect?: Suspect;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Leaves whose verified signatures are remembered (default 50 000, about 20 MB). */
  readonly pathCacheEntries?: number;
}

/** The one way in. What it cannot judge it refuses. */
export function createGate(deps: GateDeps): Gate {
  const { clock } = deps;
  const recorder = createDecisionRecorder({ ...deps, anchorNames: deps.anchors.map(({ name }) => name) });
  const complain = (error: unknown): void =>
    recorder.complain(error, 'a client was refused because it could not be judged');
  const suspect: Suspect = deps.suspect ?? (() => undefined);
  const open = createOpenAdmissions(suspect);
  const judge = judgeOf(deps, complain);

  return {
    admit: async (handshake) => {
      const at = clock.now();
      try {
        const judgement = await judge(handshake, at);
        if (!judgement.ok) {
          returned(suspect, handshake, judgement.refused);
          return recorder.refused(handshake, judgement.refused);
        }
        const admission = admissionOf(uuidv7(clock), at, handshake, judgement);
        recorder.admitted(decisionOf(admission));
        open.add(admission);
        return admission;
      } catch (error) {
        complain(error);
        const leaf = readLeaf(handshake.chain);
        return recorder.refused(handshake, { ...unjudged(error), peer: 'stranger', ...(leaf && { leaf }) });
      }
    },
    refuseTls: ({ stage, reason, detail, ...facts }) => {
      recorder.refused(facts, { stage, reason, detail, peer: 'stranger' });
    },
    refuseSession: (admission, reason, detail) => {
      recorder.refused(admission.handshake, { stage: 'session', reason, detail, ...whoOf(admission) });
    },
    withdraw: (admission, why) => {
      const { cause: reason, detail } = why;
      const said = 'outcome' in why ? ({ stage: 'revocation', verdict: why } as const) : ({ stage: 'path' } as const);
      recorder.refused(admission.handshake, { ...said, reason, detail, ...whoOf(admission) });
    },
    open: () => open.values(),
    openOf: open.of,
    released: (admission) => {
      open.delete(admission);
      if (!deps.informs.hasAdmissionRow(admission)) recorder.row(decisionOf(admission));
    },
    close: () => recorder.close(),
  };
}

function whoOf({ identity, deviceId, path }: Admission) {
  return { peer: 'known', identity, deviceId, leaf: path.leaf } as const;
}

/** A device that is gone for good should not come back. */
function returned(suspect: Suspect, { remoteAddress, listener }: HandshakeFacts, refused: Refused): void {
  const { deviceId, detail, identity, leaf } = refused;
  if (deviceId === undefined || (detail !== 'retired' && detail !== 'replaced')) return;
  const evidence = {
    was: detail,
    address: remoteAddress,
    listener,
    identity: identity?.value,
    anchor: identity?.anchor,
  };
  suspect({
    deviceId,
    kind: 'gone_device_returned',
    evidence: { ...evidence, fingerprint: leaf?.fingerprint, serialNumber: leaf?.serialNumber },
  });
}

function judgeOf(deps: GateDeps, complain: (error: unknown) => void): ReturnType<typeof createJudge> {
  return createJudge({
    anchors: deps.anchors,
    revocation: deps.revocation,
    quarantined: (...quarantined) => {
      deps.quarantine(...quarantined).catch((error) => complain(error));
    },
    secondLock: deps.secondLock,
    records: deps.records,
    cache: createPathCache({ maxEntries: deps.pathCacheEntries ?? 50_000 }),
    memory: createChainMemory(deps.records),
    objection: secondLockCounter(deps.metrics, deps.secondLock),
    complain,
  });
}

function admissionOf(id: string, at: Date, handshake: HandshakeFacts, judgement: Judgement & { ok: true }): Admission {
  const { deviceId, identity, path, sharedSecret, verdict } = judgement;
  const { fingerprint } = path.leaf;
  const evidence = evidenceOf(verdict);
  const facts = { id, at, deviceId, identity, path, fingerprint, handshake, sharedSecret, verdict, evidence };
  // The only place that makes one: the brand exists for the compiler alone.
  return { outcome: 'admitted', ...facts } as unknown as Admission;
}

function decisionOf({ id, at, handshake, identity, deviceId, path, verdict }: Admission): Decision {
  const who = { identity, leaf: path.leaf, peer: 'known', deviceId } as const;
  return { outcome: 'admitted', id, at, facts: handshake, ...who, verdict };
}

function secondLockCounter(metrics: Registry, mode: Config['secondLock']): Judge['objection'] {
  const counter = new Counter({
    name: 'hems_trust_second_lock_total',
    help: 'Paths that hems accepts and OpenSSL does not, by its error',
    labelNames: ['error'] as const,
    registers: [metrics],
  });
  if (mode !== 'off') for (const error of secondLockErrors) counter.inc({ error }, 0);
  return (error) => counter.inc({ error });
}
