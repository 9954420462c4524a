import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { LimitsConfig, ListenerConfig } from '../config/schema.ts';
import type { SessionServices } from '../fleet/session-services.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Admission, Gate } from '../trust/admission.ts';
import type { TrustAnchor } from '../trust/anchors.ts';
import type { OcspClient } from '../trust/ocsp-client.ts';
import { createArrivals } from './arrivals.ts';
import { type CertificateKeeper, createCertificateKeeper, type ReloadResult } from './certificate-keeper.ts';
import { createDoorMetrics } from './door-metrics.ts';
import { createFileMetrics } from './file-metrics.ts';
import { createHttp } from './http.ts';
import type { SetupFault } from './server-certificate.ts';
import { type CertificateSet, type CertificateSource, loadServerCertificates } from './server-certificates.ts';
import { createStapleMetrics } from './staple-metrics.ts';
import { createStaples, type StaplePace, type Staples } from './staples.ts';
import { createSessionRunner } from './session-runner.ts';
import type { TicketKeys } from './ticket-keys.ts';
import { buildContexts, sessionIdContextOf, type TlsContexts } from './tls-contexts.ts';
import { resolveTlsPolicy, type TlsPolicy } from './tls-profile.ts';

export interface ListenerDeps extends SessionServices {
  readonly config: ListenerConfig;
  /** Where it stands in the configuration, for faults: `listeners[0]`. */
  readonly configKey: string;
  readonly limits: LimitsConfig;
  /** All that are loaded; those that `config.anchors` names are accepted here. */
  readonly anchors: readonly TrustAnchor[];
  readonly gate: Gate;
  /** One for all listeners of a process; whoever made it stops it. */
  readonly ticketKeys: TicketKeys;
  /** Asks the responders of the server certificates; absent: nothing is stapled. */
  readonly ocsp?: OcspClient;
  readonly staplePace?: StaplePace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly events?: EventBus;
  /** Milliseconds between two looks at the certificate files. Default 2 s. */
  readonly watchInterval?: number;
  readonly mode?: 'development' | 'production';
  /** Share the port with other processes, which then take turns. */
  readonly reusePort?: boolean;
}

export interface Listener {
  /** Binds; rejects with what node:net says (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
  listen(): Promise<{ address: string; port: number }>;
  /** What devices are told to call. In development it has this machine's own port, whichever it became. */
  url(): string;
  /** Reads the certificate files again (SIGHUP): taken up together, or the old ones kept and the faults answered. */
  reload(): Promise<ReloadResult>;
  /** What it serves, what else lies in its files, and the staples at hand. */
  certificates(): readonly ListenerCertificate[];
  /** Closes the connections whose admission no longer stands; how many. */
  closeWhere(match: (admission: Admission) => boolean): number;
  /** Takes no more connections, lets answers go out for some seconds, and closes the rest. */
  close(): Promise<void>;
}

export interface ListenerCertificate {
  readonly listener: string;
  readonly keyType: string;
  readonly file: string;
  readonly subject: string;
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** False: it lies in the files and waits, or is over. */
  readonly served: boolean;
  /** It demands a staple (RFC 7633). */
  readonly mustStaple: boolean;
  /** Of the OCSP answer that goes with it; null: none is at hand. */
  readonly stapleUntil: Date | null;
}

export type ListenerResult =
  | { readonly ok: true; readonly listener: Listener }
  | { readonly ok: false; readonly faults: readonly SetupFault[] };

/** How long answers may take that are under way when the listener closes. */
const grace = 5000;

/** Prepares a CWMP door: TLS profile and certificates are judged, nothing is bound yet. */
export async function createListener(deps: ListenerDeps): Promise<ListenerResult> {
  const { config, configKey, clock } = deps;
  const policy = resolveTlsPolicy(config);
  const anchors = deps.anchors
    .filter(({ name }) => config.anchors.includes(name))
    .flatMap(({ path }) => path.certificates.map(({ der }) => der));
  const source: CertificateSource = { configKey, files: config.certificates, publicUrl: config.publicUrl, anchors };
  const loaded = await loadServerCertificates(source, clock.now());
  const faults = [
    ...(policy.ok ? [] : [cipherFault(configKey, policy.message)]),
    ...(loaded.ok ? [] : loaded.faults),
    ...(policy.ok && loaded.ok ? uselessCertificates(configKey, policy.policy, loaded.set) : []),
  ];
  if (!policy.ok || !loaded.ok || faults.length > 0) return { ok: false, faults };
  const sessionIdContext = sessionIdContextOf(config, policy.policy, anchors);
  const build = (served: CertificateSet['served']): TlsContexts =>
    buildContexts({ policy: policy.policy, served, anchors, sessionIdContext, ticketKeys: deps.ticketKeys });
  try {
    build(loaded.set.served);
  } catch (error) {
    return { ok: false, faults: [unservable(configKey, error)] };
  }
  return { ok: true, listener: await openListener(deps, policy.policy, source, loaded.set, build) };
}

/** What passed our checks and OpenSSL will not serve all the same. */
function unservable(configKey: string, error: unknown): SetupFault {
  const cause = `OpenSSL does not take them: ${error instanceof Error ? error.message : String(error)}`;
  return { key: `${configKey}.certificates`, cause, remedy: 'give certificates and keys that OpenSSL can serve' };
}

function cipherFault(configKey: string, cause: string): SetupFault {
  return { key: `${configKey}.ciphers`, cause, remedy: 'leave it out: the profile has a good list' };
}

/** A cipher string may leave nothing that a certificate can be used with. */
function uselessCertificates(configKey: string, { suites }: TlsPolicy, { served }: CertificateSet): SetupFault[] {
  const usable = (signer: RegExp): boolean =>
    suites.some(({ version, keyExchange }) => version === 'TLSv1.3' || signer.test(keyExchange));
  return [...served]
    .filter(([keyType]) => !usable(keyType === 'RSA' ? /RSA$/ : /ECDSA$/))
    .map(([keyType, { file }]) => ({
      key: `${configKey}.ciphers`,
      cause: `no suite in it can be used with the ${keyType} certificate ${file}`,
      remedy: 'add suites for this key type, or take the certificate out',
    }));
}

interface Parts {
  readonly server: Server;
  readonly doorUrl: () => string;
  readonly keeper: CertificateKeeper;
  readonly staples: Staples | undefined;
  readonly http: Awaited<ReturnType<typeof createHttp>>;
  readonly runner: ReturnType<typeof createSessionRunner>;
  readonly arrivals: ReturnType<typeof createArrivals>;
}

async function openListener(
  deps: ListenerDeps,
  policy: TlsPolicy,
  source: CertificateSource,
  set: CertificateSet,
  build: (served: CertificateSet['served']) => TlsContexts,
): Promise<Listener> {
  const { config, ticketKeys } = deps;
  const metrics = createDoorMetrics(deps.metrics, config.name);
  let served = set.served;
  let contexts = build(served);
  ticketKeys.onRotated(() => {
    contexts = build(served);
  });
  const staples = staplesFor(deps);
  const { events, watchInterval = 2000 } = deps;
  const keeper = await createCertificateKeeper(
    {
      ...{ listener: config.name, source, clock: deps.clock, logger: deps.logger, metrics, events, watchInterval },
      serve: (next) => {
        // One assignment: a handshake uses the old contexts or the new ones, never some of each.
        contexts = build(next);
        served = next;
        staples?.serve(next);
      },
    },
    set,
  );
  staples?.serve(served);
  const doorUrl = (): string => urlOf(deps, server);
  const runner = createSessionRunner({ ...deps, metrics, doorUrl });
  const http = await createHttp({
    ...deps,
    runner,
    metrics,
    fileMetrics: createFileMetrics(deps.metrics, config.name),
  });
  const arrivals = createArrivals({
    ...deps,
    policy,
    contexts: () => contexts,
    staple: (keyType) => staples?.staple(keyType),
    metrics,
    open: http.open,
  });
  // TLS and HTTP both close halves of a connection by themselves.
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, arrivals.receive);
  return listenerOf(deps, { server, doorUrl, keeper, staples, http, runner, arrivals });
}

function staplesFor({ config, ocsp, clock, logger, metrics, staplePace }: ListenerDeps): Staples | undefined {
  if (ocsp === undefined) return undefined;
  const counted = createStapleMetrics(metrics, config.name);
  const pace = staplePace === undefined ? {} : { pace: staplePace };
  return createStaples({ config, client: ocsp, clock, logger, metrics: counted, ...pace });
}

/** The public URL may name a balancer's port. */
function urlOf({ config, mode }: ListenerDeps, server: Server): string {
  const bound = server.address() as AddressInfo | null;
  const url = new URL(config.publicUrl);
  if (mode === 'development' && bound !== null) url.port = String(bound.port);
  return url.href;
}

function listenerOf({ config, logger, reusePort }: ListenerDeps, parts: Parts): Listener {
  const { server, doorUrl, keeper, staples, http, runner, arrivals } = parts;
  // Out of files, for one: the next connection may be luckier.
  const troubled = (error: Error): void => logger.error({ err: error, listener: config.name }, 'listener in trouble');
  return {
    url: doorUrl,
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: config.address, port: config.port, reusePort: reusePort === true }, () => {
          server.off('error', reject);
          server.on('error', troubled);
          const { address, port } = server.address() as AddressInfo;
          resolve({ address, port });
        });
      }),
    reload: keeper.reload,
    certificates: () =>
      keeper.certificates().map((one) => {
        const { keyType, file, subject, fingerprint, notBefore, notAfter, served, mustStaple } = one;
        const stapleUntil = (served ? staples?.goodUntil(keyType) : undefined) ?? null;
        const validity = { notBefore, notAfter, served, mustStaple, stapleUntil };
        return { listener: config.name, keyType, file, subject, fingerprint, ...validity };
      }),
    closeWhere: http.closeWhere,
    close: async () => {
      keeper.stop();
      staples?.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      arrivals.close();
      await http.close(grace);
      await runner.close();
      await closed;
    },
  };
}
