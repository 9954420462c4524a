import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { StartError } from './config/fault.ts';
import { bindFault } from './config/bind-fault.ts';
import type { Config } from './config/schema.ts';
import { type AdmissionRecords, createAdmissionRecords } from './fleet/admission-records.ts';
import { createInformRecorder, type InformRecorder } from './fleet/informs.ts';
import { ensurePartitions, keepPartitions } from './fleet/partitions.ts';
import { createSessionServices, type SessionServices } from './fleet/session-services.ts';
import { createSuspicions, type Suspicions } from './fleet/suspicions.ts';
import {
  createManagement,
  type Management,
  ManagementCertificateFault,
  type ManagementDeps,
} from './northbound/management.ts';
import type { Clock } from './platform/clock.ts';
import { createEgress } from './platform/egress/egress.ts';
import type { EventBus } from './platform/events.ts';
import { createLifecycle } from './platform/lifecycle.ts';
import { isLoopback } from './platform/loopback.ts';
import type { Database } from './platform/postgres.ts';
import { createPoolMetrics } from './platform/workers/pool-metrics.ts';
import { createListener, type Listener } from './southbound/listener.ts';
import { createTicketKeys, type TicketSecrets } from './southbound/ticket-keys.ts';
import { type AccessDeps, assembleAccess } from './trust/access/assembly.ts';
import { loadStaffAnchor } from './trust/access/staff-certificates.ts';
import { startWaking } from './southbound/wake/waking.ts';
import type { Gate } from './trust/admission.ts';
import { loadAnchors, type TrustAnchor } from './trust/anchors.ts';
import { keepAudit } from './trust/audit-keeping.ts';
import { createStanding, strictFaults } from './trust/compliance/standing.ts';
import { keepWatch } from './trust/compliance/watch.ts';
import { createGate } from './trust/gate.ts';
import { watchKeys } from './trust/key-watch.ts';
import { createPlaceWatch, type PlaceWatch } from './trust/place-watch.ts';
import { createOcspClient } from './trust/ocsp-client.ts';
import { assembleRevocation } from './trust/revocation/assembly.ts';
import { readCrl } from './trust/revocation/crl-reader.ts';
import type { CloseWhere } from './trust/revocation/live.ts';
import { PolicyUnreadable } from './trust/revocation/policy-store.ts';

export interface AppDeps {
  readonly config: Config;
  /** `development` trusts anchors of the development PKI, and then binds to loopback alone. */
  readonly mode: 'development' | 'production';
  /** Migrated. Whoever opened it closes it, after the app has stopped. */
  readonly db: Database;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Absent: this process has its doors for itself. */
  readonly host?: HostShare;
}

/** What this process has in common with others of its host, which open the same doors. */
export interface HostShare {
  /** 1 to `workers`. */
  readonly worker: number;
  readonly workers: number;
  readonly ticketSecrets: TicketSecrets;
  /** The metrics of all of them. */
  page(): Promise<string>;
}

export interface Door {
  readonly name: string;
  /** Where it can be called on this machine or, in production, what devices are told to call. */
  readonly url: string;
  readonly port: number;
}

export interface RunningApp {
  readonly doors: readonly Door[];
  /** URL of the management door. */
  readonly management: string;
  /** Reads the certificate files of all doors again; what became of it is logged and counted. */
  reload(): Promise<void>;
  /** Doors first, then what they stand on; the database is left to whoever opened it. */
  stop(): Promise<void>;
}

/** Wires the rooms and opens the doors. Throws StartError with every fault found; nothing stays open then. */
export async function startApp(deps: AppDeps): Promise<RunningApp> {
  const { config, clock, logger, db } = deps;
  requireLoopback(deps);
  const { anchors, staffAnchor } = await readAnchors(deps);
  const lifecycle = createLifecycle(logger);
  // Several are counted by their supervisor.
  if (deps.host === undefined) createPoolMetrics(deps.metrics, 1, () => 1);
  try {
    const { suspect, places, informs, records } = await keepRecords(deps, lifecycle);
    const egress = createEgress(deps);
    lifecycle.started('egress', () => egress.close());
    const assembly = assembleRevocation({ ...deps, anchors, staffAnchor, egress, readCrl });
    await assembly.load().catch(unreadable);
    const standing = createStanding({ ...deps, facts: assembly.facts.peek });
    refuseFor(strictFaults(deps, standing));
    const { revocation, quarantine } = assembly;
    const gate = createGate({ ...config, ...deps, anchors, records, informs, revocation, quarantine, suspect });
    lifecycle.started('gate', () => gate.close());
    const ticketKeys = createTicketKeys(config.maxResumptionAge, deps.host?.ticketSecrets);
    lifecycle.started('ticket keys', () => ticketKeys.stop());
    const services = await createSessionServices({ ...deps, informs, suspect });
    lifecycle.started('session services', () => services.stop());
    const ocsp = createOcspClient({ ...deps, egress });
    const listeners = await prepareListeners({ ...deps, anchors, gate, ticketKeys, ocsp, ...services });
    const doors = await Promise.all(listeners.map((listener, index) => openDoor(deps, listener, index)));
    for (const listener of listeners) lifecycle.started('listener', () => listener.close());
    const closeWhere: CloseWhere = (match) => listeners.reduce((sum, listener) => sum + listener.closeWhere(match), 0);
    lifecycle.started('revocation', await assembly.start(gate, closeWhere));
    lifecycle.started('places', await places.watch(gate, suspect));
    lifecycle.started('keys', await watchKeys({ db, gate, closeWhere, logger }));
    lifecycle.started('waking', await startWaking({ ...deps, anchors, egress, revocation, records }));
    const serverCertificates = () => listeners.flatMap((listener) => listener.certificates());
    const parts = { ...deps, anchors, standing, staffAnchor, egress, revocation, serverCertificates };
    const { management, url } = await openManagement(parts, lifecycle);
    lifecycle.started('watch', keepWatch({ ...deps, anchors, standing, doors, management: url }));
    logger.info({ doors, management: url, clock: clock.now() }, 'ready');
    return { doors, management: url, reload: () => reloadAll([...listeners, management]), stop: lifecycle.stop };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

/** None, or no start. */
function refuseFor(faults: StartError['faults']): void {
  if (faults.length > 0) throw new StartError(faults);
}

type Lifecycle = ReturnType<typeof createLifecycle>;

interface Records extends Pick<Suspicions, 'suspect'> {
  readonly places: PlaceWatch;
  readonly informs: InformRecorder;
  readonly records: AdmissionRecords;
}

/** Where what happens is written down: partitions, signed checkpoints, suspicions, the register. */
async function keepRecords(deps: AppDeps, lifecycle: Lifecycle): Promise<Records> {
  await ensurePartitions(deps.db);
  lifecycle.started('partitions', keepPartitions(deps.db, deps.logger));
  lifecycle.started('audit checkpoints', keepAudit(deps));
  const suspicions = createSuspicions(deps);
  lifecycle.started('suspicions', () => suspicions.close());
  const { suspect } = suspicions;
  const places = createPlaceWatch(deps);
  const informs = createInformRecorder({ ...deps, suspect, moved: places.tell });
  return { suspect, places, informs, records: createAdmissionRecords({ ...deps, suspect }) };
}

type ListenerParts = AppDeps &
  SessionServices & {
    readonly anchors: readonly TrustAnchor[];
    readonly gate: Gate;
    readonly ticketKeys: ReturnType<typeof createTicketKeys>;
    readonly ocsp: ReturnType<typeof createOcspClient>;
  };

/** All are judged before one is bound, so that all faults are told at once. */
async function prepareListeners(parts: ListenerParts): Promise<Listener[]> {
  const { listeners, limits } = parts.config;
  const sharing = { ...parts, reusePort: parts.host !== undefined };
  const results = await Promise.all(
    listeners.map((config, index) => createListener({ ...sharing, config, configKey: `listeners[${index}]`, limits })),
  );
  const faults = results.flatMap((result) => (result.ok ? [] : result.faults));
  const ready = results.flatMap((result) => (result.ok ? [result.listener] : []));
  if (faults.length === 0) return ready;
  await Promise.all(ready.map((listener) => listener.close()));
  throw new StartError(faults);
}

async function openDoor({ config }: AppDeps, listener: Listener, index: number): Promise<Door> {
  const own = config.listeners[index];
  const key = `listeners[${index}]`;
  const { port } = await listener.listen().catch((error) => {
    throw bindFault(key, { address: own?.address ?? '', port: own?.port ?? 0 }, error);
  });
  return { name: own?.name ?? '', url: listener.url(), port };
}

function unreadable(error: unknown): never {
  if (!(error instanceof PolicyUnreadable)) throw error;
  throw new StartError([{ key: 'revocation policy', cause: error.message, remedy: error.remedy }]);
}

/** The development PKI is a toy behind glass: its keys lie beside it, so nobody from outside may come in by it. */
function requireLoopback({ config, mode }: AppDeps): void {
  if (mode !== 'development') return;
  const bound = [
    ...config.listeners.map(({ address }, index) => ({ key: `listeners[${index}].address`, address })),
    { key: 'management.address', address: config.management.address },
  ];
  const faults = bound
    .filter(({ address }) => !isLoopback(address))
    .map(({ key, address }) => ({
      key,
      cause: `${address} is beyond loopback, where the development PKI must not be trusted`,
      remedy: 'bind to 127.0.0.1, or serve a configuration of your own without --dev',
    }));
  refuseFor(faults);
}

/** Those of devices, and that of people. */
async function readAnchors({ config, mode, clock, logger }: AppDeps) {
  const options = { readFile: readText, at: clock.now(), production: mode === 'production' };
  const { clientCertificates } = config.management;
  const [devices, staff] = await Promise.all([
    loadAnchors(config.anchors, options),
    clientCertificates === undefined ? undefined : loadStaffAnchor(clientCertificates, options),
  ]);
  const faults = [devices, staff].flatMap((one) => (one === undefined || one.ok ? [] : one.faults));
  if (!devices.ok || staff?.ok === false) throw new StartError(faults);
  for (const warning of devices.warnings) logger.warn(warning, 'trust anchor');
  return { anchors: devices.anchors, staffAnchor: staff?.anchor };
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8');

type ManagementParts = Omit<ManagementDeps, 'readFile' | 'credentials'> & Omit<AccessDeps, 'management'>;

async function openManagement(deps: ManagementParts, lifecycle: Lifecycle) {
  const management = await prepareManagement(deps);
  lifecycle.started('management', () => management.close());
  const url = await management.listen().catch((error) => {
    throw bindFault('management', deps.config.management, error);
  });
  return { management, url };
}

async function prepareManagement(deps: ManagementParts): Promise<Management> {
  try {
    const credentials = assembleAccess({ ...deps, ...deps.config });
    return await createManagement({ ...deps, credentials, readFile: readText });
  } catch (error) {
    if (!(error instanceof ManagementCertificateFault)) throw error;
    const remedy = 'name a PEM chain, leaf first, and its private key';
    throw new StartError([{ key: 'management.tls', cause: error.message, remedy, missing: true }]);
  }
}

async function reloadAll(doors: readonly Pick<Listener | Management, 'reload'>[]): Promise<void> {
  await Promise.all(doors.map((door) => door.reload()));
}
