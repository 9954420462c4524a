import type { Logger } from 'pino';
import type { ListenerConfig } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import type { OcspAnswer, OcspClient } from '../trust/ocsp-client.ts';
import type { OcspResponder } from '../trust/ocsp-exchange.ts';
import { ocspUrlsOf } from '../x509/ocsp-pointers.ts';
import type { KeyType } from './hello-class.ts';
import type { ServerCertificate } from './server-certificate.ts';
import type { StapleMetrics } from './staple-metrics.ts';

/** OCSP answers for the certificates of a listener, at hand before a client asks (RFC 6066 8). */
export interface Staples {
  /** These are served from now on; answers for them are fetched in the background. */
  serve(served: ReadonlyMap<KeyType, ServerCertificate>): void;
  /** The DER of a fresh "good" for what is served under this key type. Without waiting: undefined if none is at hand. */
  staple(keyType: KeyType): Buffer | undefined;
  /** Until when that one is good; undefined if none is at hand. */
  goodUntil(keyType: KeyType): Date | undefined;
  stop(): void;
}

export interface StapleDeps {
  readonly config: ListenerConfig;
  readonly client: OcspClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StapleMetrics;
  readonly pace?: StaplePace;
}

/** Milliseconds. */
export interface StaplePace {
  /** Between two looks at a responder, at least and at most, while all is well. */
  readonly least: number;
  readonly most: number;
  /** After a failure; doubled at each further one up to sixteen times, and never more than `most`. */
  readonly retry: number;
}

const defaultPace: StaplePace = { least: 60_000, most: 6 * 3_600_000, retry: 60_000 };

interface Entry {
  readonly keyType: KeyType;
  readonly certificate: ServerCertificate;
  staple: { readonly der: Buffer; readonly validUntil: Date } | undefined;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  stopped: boolean;
}

/** A cell without true time may refuse a staple from its future, so `initial` doors have none unless told to. */
export function wantsStaples({ role, stapling }: ListenerConfig): boolean {
  return stapling.enabled ?? role !== 'initial';
}

export function createStaples(deps: StapleDeps): Staples {
  const entries = new Map<KeyType, Entry>();
  const drop = (keyType: KeyType, entry: Entry): void => {
    entry.stopped = true;
    clearTimeout(entry.timer);
    entries.delete(keyType);
  };
  const atHand = (keyType: KeyType) => {
    const staple = entries.get(keyType)?.staple;
    return staple !== undefined && staple.validUntil > deps.clock.now() ? staple : undefined;
  };
  return {
    serve: (served) => {
      for (const [keyType, entry] of entries)
        if (served.get(keyType)?.fingerprint !== entry.certificate.fingerprint) drop(keyType, entry);
      for (const [keyType, certificate] of served) {
        deps.metrics.mustStaple(keyType, certificate.mustStaple);
        if (!entries.has(keyType)) begin(deps, entries, keyType, certificate);
      }
    },
    staple: (keyType) => atHand(keyType)?.der,
    goodUntil: (keyType) => atHand(keyType)?.validUntil,
    stop: () => {
      for (const [keyType, entry] of entries) drop(keyType, entry);
    },
  };
}

function begin(deps: StapleDeps, entries: Map<KeyType, Entry>, keyType: KeyType, certificate: ServerCertificate): void {
  const { config, logger, metrics } = deps;
  const entry: Entry = { keyType, certificate, staple: undefined, failures: 0, timer: undefined, stopped: false };
  entries.set(keyType, entry);
  metrics.stapleUntil(keyType, undefined);
  const where = { listener: config.name, keyType, file: certificate.file };
  const obstacle = obstacleOf(deps, certificate);
  if (obstacle !== undefined) {
    if (certificate.mustStaple) logger.error(where, `the certificate demands a staple (RFC 7633), but ${obstacle}`);
    return;
  }
  void refresh(deps, entry);
}

/** Why there will never be a staple for this certificate. */
function obstacleOf({ config }: StapleDeps, { issuer, leaf }: ServerCertificate): string | undefined {
  if (!wantsStaples(config)) return 'stapling is off for this listener';
  if (issuer === undefined) return 'its issuer is neither in its chain nor among the anchors';
  if (responderUrls(config, leaf).length === 0) return 'it names no responder and none is configured';
  return undefined;
}

function responderUrls({ stapling }: ListenerConfig, leaf: ServerCertificate['leaf']): readonly string[] {
  return stapling.responder === undefined ? ocspUrlsOf(leaf) : [stapling.responder];
}

async function refresh(deps: StapleDeps, entry: Entry): Promise<void> {
  const { logger, config, pace = defaultPace } = deps;
  const delay = await askOnce(deps, entry).catch((error: unknown) => {
    logger.error({ err: error, listener: config.name }, 'a staple could not be refreshed');
    return pace.retry;
  });
  if (!entry.stopped) entry.timer = setTimeout(() => void refresh(deps, entry), delay).unref();
}

/** Answers in how many milliseconds to ask again. */
async function askOnce(deps: StapleDeps, entry: Entry): Promise<number> {
  const { client, clock, config, pace = defaultPace } = deps;
  const { leaf, issuer } = entry.certificate;
  if (issuer === undefined) return pace.most;
  const answer = await client.ask(
    {
      certificate: leaf,
      issuer,
      responders: respondersOf(config, leaf),
      // Whether its responder is revoked is for the client to judge.
      unmarkedDelegates: 'accept',
      issuerValidity: 'check',
      purpose: 'staple',
    },
    clock.now(),
  );
  if (entry.stopped) return pace.most;
  return answer.status.kind === 'good' && answer.der !== undefined && answer.validUntil !== undefined
    ? keep(deps, entry, answer.der, answer.validUntil)
    : failed(deps, entry, answer);
}

function respondersOf(config: ListenerConfig, leaf: ServerCertificate['leaf']): OcspResponder[] {
  const { proxy, timeout } = config.stapling;
  const urls = responderUrls(config, leaf);
  // The operator put the certificate there and so named the responder in it, wherever that stands.
  const privateHosts = urls.map((url) => new URL(url)).map(({ host, protocol }) => withPort(host, protocol));
  return urls.map((url) => ({
    url,
    egress: { privateHosts, ...(proxy === undefined ? {} : { proxy }) },
    timeout,
    method: 'POST',
    // One answer is for many clients.
    nonce: 'off',
    certIdHash: 'sha1',
    rules: { sha1: 'refuse', maxAge: undefined, grace: 0, configured: [] },
  }));
}

function withPort(host: string, protocol: string): string {
  if (/:\d+$/.test(host)) return host;
  return `${host}:${protocol === 'https:' ? 443 : 80}`;
}

/** Again at half of its life, each node at another moment. */
function keep(
  { clock, metrics, pace = defaultPace }: StapleDeps,
  entry: Entry,
  der: Uint8Array,
  validUntil: Date,
): number {
  entry.staple = { der: Buffer.from(der), validUntil };
  entry.failures = 0;
  metrics.stapleUntil(entry.keyType, validUntil);
  metrics.refreshed('stapled');
  const half = ((validUntil.getTime() - clock.now().getTime()) / 2) * (0.9 + 0.2 * Math.random());
  return Math.min(pace.most, Math.max(pace.least, half));
}

/** The staple at hand goes on until its end. "revoked" is no staple: it would tell every client to leave. */
function failed(
  { clock, config, logger, metrics, pace = defaultPace }: StapleDeps,
  entry: Entry,
  { status, attempts }: OcspAnswer,
): number {
  const revoked = status.kind === 'revoked';
  metrics.refreshed(revoked ? 'revoked' : 'failed');
  const { certificate, keyType } = entry;
  if (revoked) {
    entry.staple = undefined;
    metrics.stapleUntil(keyType, undefined);
  }
  const bare = entry.staple === undefined || entry.staple.validUntil <= clock.now();
  const where = { listener: config.name, keyType, file: certificate.file, attempts };
  if (revoked) logger.error(where, 'our own certificate is revoked');
  else if (bare && certificate.mustStaple)
    logger.error(where, 'the certificate demands a staple (RFC 7633), and there is none');
  else logger.warn(where, bare ? 'there is no staple' : 'the staple could not be refreshed; the old one still counts');
  entry.failures += 1;
  return Math.min(pace.most, pace.retry * 2 ** Math.min(entry.failures - 1, 4));
}
