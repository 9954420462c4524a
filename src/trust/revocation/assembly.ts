import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';
import type { EventBus } from '../../platform/events.ts';
import type { Database } from '../../platform/postgres.ts';
import { startReconciler } from '../../platform/reconciler.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import type { Gate } from '../admission.ts';
import type { TrustAnchor } from '../anchors.ts';
import { createOcspClient } from '../ocsp-client.ts';
import { uncheckedAnchors } from '../revocation-policy.ts';
import { revocationChannel } from './changes.ts';
import { type CrlFetcher, createCrlFetcher } from './crl-fetcher.ts';
import { createDelegateStatus } from './delegate-status.ts';
import { createFacts, type FactsKeeper } from './facts.ts';
import type { ReadCrl } from './held-crls.ts';
import { type CloseWhere, createLiveAdmissions, type LiveAdmissions } from './live.ts';
import { createRevocationMetrics, type RevocationMetrics } from './metrics.ts';
import { createOcspKeeper, type OcspKeeper, ocspChannel } from './ocsp-keeper.ts';
import { forgetOldAnswers } from './ocsp-stored.ts';
import { createQuarantineKeeper, type QuarantineKeeper } from './quarantine.ts';
import { createRevocation, type Revocation } from './revocation.ts';

export interface AssemblyDeps {
  readonly anchors: readonly TrustAnchor[];
  /** Of people's certificates: judged by the same policy, and by none of the doors for devices. */
  readonly staffAnchor?: PathAnchor | undefined;
  readonly db: Database;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly egress: Egress;
  readonly readCrl: ReadCrl;
}

export interface RevocationAssembly {
  readonly revocation: Revocation;
  readonly quarantine: QuarantineKeeper;
  readonly facts: FactsKeeper;
  readonly ocsp: OcspKeeper;
  readonly fetcher: CrlFetcher;
  /** Reads the facts, so that no door opens without; rejects when the database does not answer. */
  load(): Promise<void>;
  /** Listens, fetches, refreshes and reviews open connections from now on; answers how to stop. */
  start(gate: Gate, closeWhere: CloseWhere): Promise<() => Promise<void>>;
}

/** Everything about revocation of one node. */
export function assembleRevocation(deps: AssemblyDeps): RevocationAssembly {
  const { db, clock, logger } = deps;
  const complain = (error: unknown, message: string): void => logger.error({ err: error }, message);
  const paths = pathAnchors(deps);
  const issuers = (name: string): readonly Certificate[] =>
    paths.filter((path) => path.name === name).flatMap((path) => [...path.certificates, ...(path.intermediates ?? [])]);
  const facts = createFacts({ db, clock, readCrl: deps.readCrl, issuers, complain });
  const names = paths.map(({ name }) => name);
  const metrics = createRevocationMetrics(deps.metrics, names, facts, clock);
  const delegateStatus = createDelegateStatus(paths, facts.peek);
  const link = { up: true };
  const client = createOcspClient(deps);
  const ocsp = createOcspKeeper({ db, client, complain, delegateStatus, linked: () => link.up });
  const fetcher = createCrlFetcher({ ...deps, facts, issuers, anchors: paths, metrics });
  const revocation = createRevocation({ clock, facts, ocsp, fetchCrls: fetcher.ensure, anchors: paths, metrics });
  const parts: Parts = { deps, facts, ocsp, fetcher, revocation, metrics, link };
  return {
    ...{ revocation, facts, ocsp, fetcher },
    quarantine: createQuarantineKeeper(db),
    load: async () => {
      await facts.refresh();
      warnUnchecked(deps, facts);
    },
    start: (gate, closeWhere) => start(parts, gate, closeWhere),
  };
}

function pathAnchors({ anchors, staffAnchor }: AssemblyDeps): readonly PathAnchor[] {
  const paths = anchors.map(({ path }) => path);
  return staffAnchor === undefined ? paths : [...paths, staffAnchor];
}

interface Parts {
  readonly deps: AssemblyDeps;
  readonly facts: FactsKeeper;
  readonly ocsp: OcspKeeper;
  readonly fetcher: CrlFetcher;
  readonly revocation: Revocation;
  readonly metrics: RevocationMetrics;
  /** Whether notifications arrive. */
  readonly link: { up: boolean };
}

/** TS 33.320 8.3.2.1 leaves it to the operator; who does not check should know. */
function warnUnchecked(deps: AssemblyDeps, facts: FactsKeeper): void {
  const { logger } = deps;
  const names = pathAnchors(deps).map(({ name }) => name);
  const unchecked = uncheckedAnchors(facts.peek()?.policy?.document, names);
  if (unchecked.length > 0) logger.warn({ anchors: unchecked }, 'revocation is not checked for these trust anchors');
}

/** Facts are confirmed well within their five seconds, whether notifications arrive or not. */
const confirmEvery = 2000;
const reviewEvery = 1000;
const fetchEvery = 5000;
const refreshEvery = 10_000;
const forgetEvery = 3_600_000;

async function start({ deps, facts, ocsp, fetcher, link, ...parts }: Parts, gate: Gate, closeWhere: CloseWhere) {
  const { clock, logger, db, events } = deps;
  const live = createLiveAdmissions({ ...deps, ...parts, gate, facts, ocsp, closeWhere });
  const run = (name: string, every: number, step: () => Promise<unknown>) =>
    startReconciler({ name, every, step, logger });
  const reviewer = run('review', reviewEvery, () => live.review(clock.now()));
  const confirmer = run('facts', confirmEvery, () => facts.refresh());
  const fetching = run('crls', fetchEvery, () => fetcher.tick(clock.now()));
  const refresher = run('ocsp', refreshEvery, () => ocsp.refresh(clock.now()));
  const forgetter = run('old ocsp answers', forgetEvery, () => forgetOldAnswers(db, clock.now()));
  let version = facts.peek()?.policy?.version;
  facts.onChange((now) => {
    // Rules may have changed that answers were judged by.
    if (now.policy?.version !== version) ocsp.forget();
    version = now.policy?.version;
    const detail = `policy ${version ?? 'none'}, change ${now.seq}`;
    events.publish({ kind: 'revocation', at: clock.now(), what: 'facts_changed', subject: String(now.seq), detail });
    reviewer.kick();
    fetching.kick();
  });
  ocsp.onChange(() => reviewer.kick());
  const unlisten = await listen(db, { confirmer, reviewer, ocsp, live, clock, link });
  fetching.kick();
  return async () => {
    await unlisten();
    await Promise.all([reviewer, confirmer, fetching, refresher, forgetter].map((one) => one.stop()));
  };
}

interface Ears {
  readonly confirmer: { kick(): void };
  readonly reviewer: { kick(): void };
  readonly ocsp: OcspKeeper;
  readonly live: LiveAdmissions;
  readonly clock: Clock;
  readonly link: { up: boolean };
}

/** A node that another node or the command line told of a change does not wait for its next look. */
async function listen(
  db: Database,
  { confirmer, reviewer, ocsp, live, clock, link }: Ears,
): Promise<() => Promise<void>> {
  const ends = [
    await db.listen(
      revocationChannel,
      () => confirmer.kick(),
      (state) => {
        link.up = state === 'up';
        if (!link.up) return;
        // What was said meanwhile is lost: answers are taken from the database again.
        ocsp.forget();
        confirmer.kick();
        reviewer.kick();
      },
    ),
    await db.listen(ocspChannel, (certificate) => {
      ocsp.forget(certificate);
      reviewer.kick();
    }),
    await db.listen('hems_devices', (payload) => {
      const [deviceId, state] = payload.split(' ');
      if (deviceId === undefined) return;
      if (state === 'blocked' || state === 'retired' || state === 'quarantined')
        live.deviceFell(deviceId, state, clock.now());
    }),
  ];
  return async () => {
    // One connection listens for all.
    for (const end of ends) await end();
  };
}
