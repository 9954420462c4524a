import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { DoorMetrics } from './door-metrics.ts';
import type { KeyType } from './hello-class.ts';
import type { ServerCertificate, SetupFault } from './server-certificate.ts';
import {
  type CertificateSet,
  type CertificateSource,
  chooseServed,
  loadServerCertificates,
  notBeforeRisk,
} from './server-certificates.ts';

export interface KeeperDeps {
  readonly listener: string;
  readonly source: CertificateSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
  readonly events: EventBus | undefined;
  /** Milliseconds between two looks at the files. */
  readonly watchInterval: number;
  /** Called with what is to be served from now on; a throw refuses it. */
  readonly serve: (served: ReadonlyMap<KeyType, ServerCertificate>) => void;
}

export type ReloadResult = { readonly ok: true } | { readonly ok: false; readonly faults: readonly SetupFault[] };

export interface CertificateKeeper {
  /** Reads all files again and takes them up together, or keeps what is served. */
  reload(): Promise<ReloadResult>;
  /** Everything that was read, and whether a device gets it now. */
  certificates(): readonly (ServerCertificate & { readonly served: boolean })[];
  stop(): void;
}

interface Keeper extends KeeperDeps {
  all: readonly ServerCertificate[];
  served: ReadonlyMap<KeyType, ServerCertificate>;
  /** What the files looked like when they were last read, and at the last look. */
  taken: string;
  seen: string;
}

/** Keeps the certificates of a listener fresh: by order, by watching their files, and as they near their end. */
export async function createCertificateKeeper(deps: KeeperDeps, loaded: CertificateSet): Promise<CertificateKeeper> {
  const look = await lookAtFiles(deps.source);
  const keeper: Keeper = { ...deps, all: loaded.all, served: loaded.served, taken: look, seen: look };
  report(keeper, loaded.warnings);
  let busy: Promise<unknown> = Promise.resolve();
  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const result = busy.then(work);
    busy = result.catch((error) => deps.logger.error({ err: error }, 'server certificates could not be looked at'));
    return result;
  };
  // Polling sees what fs.watch does not: directories mounted and links swapped by an orchestrator.
  const timer = setInterval(() => void queued(() => watch(keeper)).catch(() => {}), deps.watchInterval).unref();
  return {
    reload: () => queued(() => reload(keeper)),
    certificates: () =>
      keeper.all.map((one) => ({ ...one, served: keeper.served.get(one.keyType)?.fingerprint === one.fingerprint })),
    stop: () => clearInterval(timer),
  };
}

/** Size, identity and times of every file; a file that is not there is a look, too. */
async function lookAtFiles({ files }: CertificateSource): Promise<string> {
  const looks = files
    .flatMap(({ chain, key }) => [chain, key])
    .map(async (file) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(file);
        return `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? 'error';
      }
    });
  return (await Promise.all(looks)).join(' ');
}

/** Chain and key are written one after the other: files are read once they look the same twice. */
async function watch(keeper: Keeper): Promise<void> {
  const look = await lookAtFiles(keeper.source);
  const changed = look !== keeper.taken;
  const settled = look === keeper.seen;
  keeper.seen = look;
  if (changed && settled) await reload(keeper);
  else if (!changed) rotateByAge(keeper);
}

/** One that nears its end gives way to the next, without anybody touching a file. */
function rotateByAge(keeper: Keeper): void {
  const served = chooseServed(keeper.all, keeper.clock.now());
  const same = [...keeper.served].every(([keyType, { fingerprint }]) => {
    const next = served.get(keyType);
    // The last of its type goes on being served after its end: refusing service would help nobody.
    return next === undefined || next.fingerprint === fingerprint;
  });
  if (same) return;
  take(keeper, keeper.all, new Map([...keeper.served, ...served]), []);
}

async function reload(keeper: Keeper): Promise<ReloadResult> {
  keeper.taken = await lookAtFiles(keeper.source);
  const loaded = await loadServerCertificates(keeper.source, keeper.clock.now());
  const result = loaded.ok ? take(keeper, loaded.set.all, loaded.set.served, loaded.set.warnings) : loaded;
  if (!result.ok) keepOld(keeper, result.faults);
  return result;
}

function take(
  keeper: Keeper,
  all: readonly ServerCertificate[],
  served: ReadonlyMap<KeyType, ServerCertificate>,
  warnings: readonly string[],
): ReloadResult {
  try {
    keeper.serve(served);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const remedy = 'give a certificate and key that OpenSSL can serve';
    return { ok: false, faults: [{ key: `${keeper.source.configKey}.certificates`, cause, remedy }] };
  }
  // TS 33.320 8.3.4 NOTE: without true time, notBefore is judged by a clock restored from the past.
  const risk = notBeforeRisk(keeper.served, served);
  keeper.all = all;
  keeper.served = served;
  report(keeper, risk === undefined ? warnings : [risk, ...warnings]);
  keeper.metrics.certificatesLoaded('loaded');
  const detail = [...served.values()].map(({ file }) => file).join(', ');
  const { listener, clock, events } = keeper;
  events?.publish({ kind: 'certificate', at: clock.now(), listener, outcome: 'loaded', detail });
  return { ok: true };
}

function report({ listener, served, logger, metrics }: Keeper, warnings: readonly string[]): void {
  for (const [keyType, { file, subject, notBefore, notAfter }] of served) {
    metrics.certificateServed(keyType, notBefore, notAfter);
    logger.info({ listener, keyType, file, subject, notBefore, notAfter }, 'server certificate');
  }
  for (const warning of warnings) logger.warn({ listener }, warning);
}

function keepOld(keeper: Keeper, faults: readonly SetupFault[]): void {
  const { listener, clock, events, logger, metrics } = keeper;
  metrics.certificatesLoaded('kept_old');
  const detail = faults.map(({ cause }) => cause).join('; ');
  logger.error({ listener, faults }, 'new server certificates are refused, the old ones go on serving');
  events?.publish({ kind: 'certificate', at: clock.now(), listener, outcome: 'kept-old', detail });
}
