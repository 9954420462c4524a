import { setTimeout as delay } from 'node:timers/promises';
import { runSession } from './cwmp-session.ts';
import { type ConnectionRequestServer, listenForConnectionRequests } from './connection-request-server.ts';
import { createFemtocell, deviceIdOf, type Femtocell } from './femtocell.ts';
import { type CredentialSource, openCredentials } from './fleet-credentials.ts';
import { type FleetStatistics, newTally } from './fleet-statistics.ts';
import { certificateFault, type MisbehaviourName, misbehave } from './misbehaviour.ts';
import type { SessionReport } from './session-report.ts';
import { ofSession } from './scenarios/scenario.ts';
import { createScheduledCalls } from './scheduled-calls.ts';
import type { Script } from './script.ts';
import { playScript } from './script-run.ts';
import type { CwmpVersion } from './soap-writer.ts';
import type { TlsVersion } from './tls-client.ts';

export interface FleetOptions {
  readonly url: string;
  readonly count: number;
  /** See `openCredentials`. */
  readonly certsDir: string;
  readonly seed: string;
  /** Calls under way at once. Default 32. */
  readonly concurrency?: number;
  /** Default mixed: every other device. */
  readonly tls?: TlsVersion | 'mixed';
  readonly cwmp?: CwmpVersion;
  /** Resume TLS sessions. Default true. */
  readonly resume?: boolean;
  readonly misbehave?: MisbehaviourName;
  /** Of the fleet, 0 to 1. Default 1. */
  readonly misbehavingShare?: number;
  /** Informs again after so long, until stopped; without it every device calls once. */
  readonly periodicSeconds?: number;
  /** First calls are spread over so long. Default the period, or at once without one. */
  readonly spreadSeconds?: number;
  readonly durationSeconds?: number;
  /** What each of them lives through, instead of calling once or periodically. */
  readonly script?: Script;
  /** Each of them listens for connection requests, at 127.0.0.1; the simulation goes on until it is ended then. */
  readonly listen?: 'http' | 'https';
  /** Ends the simulation; calls under way are finished. */
  readonly signal?: AbortSignal;
  /** Told twice a second and at the end. */
  readonly onProgress?: (statistics: FleetStatistics) => void;
}

export type FleetResult =
  | { readonly ok: true; readonly statistics: FleetStatistics }
  | { readonly ok: false; readonly cause: string; readonly remedy: string };

/** Runs `count` femtocells against an ACS, reaching it over the wire alone. */
export async function simulateFleet(options: FleetOptions): Promise<FleetResult> {
  const opened = await openCredentials(options.certsDir, options.seed, new Date());
  if (!opened.ok) return opened;
  const unfit = unfitness(options, opened.source);
  if (unfit !== undefined) return unfit;
  const started = performance.now();
  const tally = newTally(options.count);
  const report = (): void => options.onProgress?.(tally.statistics());
  const progress = setInterval(report, 500);
  const told = (seen: SessionReport): void => tally.add(ofSession(seen), false);
  const scheduled = createScheduledCalls((device) => callUp(device, told), scheduledUntil(options));
  const fleet = createFleet(options, opened.source, (device, seen) => {
    told(seen);
    scheduled.follow(device);
  });
  const calls = schedule(options);
  const live = async (device: Femtocell, script: Script): Promise<void> =>
    playScript(device, script, {
      ...(options.signal && { signal: options.signal }),
      onSession: told,
    });
  const worker = async (): Promise<void> => {
    for (let call = await calls.next(); call !== undefined; call = await calls.next()) {
      const { device, misbehaves } = await fleet.device(call.index);
      if (options.script !== undefined) {
        await live(device, options.script);
        continue;
      }
      const name = misbehaves ? options.misbehave : undefined;
      if (name === undefined) {
        await callUp(device, told);
        scheduled.follow(device);
      } else tally.add(await misbehave(name, device), true);
      calls.again(call);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 32, options.count) }, worker));
    if (options.listen !== undefined) await untilOver(options, started);
    else await scheduled.over(options.signal);
  } finally {
    await scheduled.end();
    await fleet.deafen();
    clearInterval(progress);
  }
  report();
  return { ok: true, statistics: tally.statistics() };
}

/** A session, and behind it what is told at once: a restart and what a transfer came to (TR-069 3.7.1.5). */
async function callUp(device: Femtocell, told: (report: SessionReport) => void): Promise<void> {
  // It may have been asked to call, or told to, at this very moment.
  while (device.inSession) await delay(20);
  let seen = await runSession(device);
  told(seen);
  for (let call = 0; call < 3; call += 1) {
    const { transfers, pendingEvents, bootstrapped } = device.state;
    const hasRestarted = seen.complete && (pendingEvents.length > 0 || !bootstrapped);
    if (transfers.length === 0 && !hasRestarted) return;
    seen = await runSession(device);
    told(seen);
  }
}

/** Of a fleet that lasts; where every device calls once, nobody waits for what it was told to do later. */
function scheduledUntil({ periodicSeconds, durationSeconds, listen, script }: FleetOptions): number {
  // A script looks after it by itself.
  if (script !== undefined) return Number.NEGATIVE_INFINITY;
  if (durationSeconds !== undefined) return Date.now() + durationSeconds * 1000;
  return periodicSeconds === undefined && listen === undefined ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function unfitness(options: FleetOptions, source: CredentialSource): FleetResult | undefined {
  if (options.count > source.limit)
    return {
      ok: false,
      cause: `${options.certsDir} holds ${source.limit} device certificates, fewer than ${options.count} devices need`,
      remedy: 'lower --count, or name the data directory of a development server, which issues any number',
    };
  const fault = options.misbehave === undefined ? undefined : certificateFault(options.misbehave);
  if (fault !== undefined && source.kind !== 'development-pki')
    return {
      ok: false,
      cause: `${fault} needs a development PKI to mint the certificates`,
      remedy: 'name the data directory of a development server as --certs',
    };
  return undefined;
}

/** Nobody calls by himself any more; who is asked to still does. */
async function untilOver({ signal, durationSeconds }: FleetOptions, started: number): Promise<void> {
  const wait = durationSeconds === undefined ? longestWait : durationSeconds * 1000 - (performance.now() - started);
  await delay(wait, undefined, { ...(signal && { signal }) }).catch(() => undefined);
}

const longestWait = 2 ** 31 - 1;

interface Fleet {
  /** Ends the listening. */
  deafen(): Promise<void>;
  device(index: number): Promise<{ device: Femtocell; misbehaves: boolean }>;
}

/** Devices come into being at their first call. */
function createFleet(
  options: FleetOptions,
  source: CredentialSource,
  onSession: (device: Femtocell, seen: SessionReport) => void,
): Fleet {
  const devices = new Map<number, Femtocell>();
  const ears: ConnectionRequestServer[] = [];
  const misbehaving = options.misbehave === undefined ? 0 : Math.round(options.count * (options.misbehavingShare ?? 1));
  return {
    deafen: async () => {
      await Promise.all(ears.map((ear) => ear.close()));
    },
    device: async (index) => {
      const misbehaves = index < misbehaving;
      const present = devices.get(index);
      if (present !== undefined) return { device: present, misbehaves };
      const fault = misbehaves && options.misbehave !== undefined ? certificateFault(options.misbehave) : undefined;
      const dressed = await source.device(index, fault);
      const device = createFemtocell({
        url: options.url,
        ca: dressed.ca,
        credentials: dressed,
        deviceId: deviceIdOf(dressed.identity, dressed.manufacturer),
        tls: { version: tlsVersion(options, index) },
        ...(options.cwmp === undefined ? {} : { cwmp: options.cwmp }),
        ...(options.resume === undefined ? {} : { resume: options.resume }),
      });
      devices.set(index, device);
      if (options.listen !== undefined)
        ears.push(
          await listenForConnectionRequests(device, {
            form: options.listen,
            onSession: (seen) => onSession(device, seen),
          }),
        );
      return { device, misbehaves };
    },
  };
}

function tlsVersion({ tls = 'mixed' }: FleetOptions, index: number): TlsVersion {
  if (tls !== 'mixed') return tls;
  // Pairs, since makers alternate by device: each maker speaks both.
  return Math.floor(index / 2) % 2 === 0 ? 'TLSv1.3' : 'TLSv1.2';
}

interface Call {
  readonly index: number;
  /** On performance.now()'s scale. */
  readonly due: number;
}

interface Schedule {
  /** The next call, when it is due; undefined when there is none any more. */
  next(): Promise<Call | undefined>;
  again(call: Call): void;
}

/** All periods are equal, so a queue stays in order of time by itself. */
function schedule(options: FleetOptions): Schedule {
  const { count, periodicSeconds, spreadSeconds = periodicSeconds ?? 0, durationSeconds } = options;
  const started = performance.now();
  const end = durationSeconds === undefined ? Number.POSITIVE_INFINITY : started + durationSeconds * 1000;
  const queue: Call[] = Array.from({ length: count }, (_, index) => ({
    index,
    due: started + (index * spreadSeconds * 1000) / count,
  }));
  let head = 0;
  const stopped = (): boolean => options.signal?.aborted === true;
  return {
    next: async () => {
      const call = queue[head];
      if (call === undefined || call.due >= end || stopped()) return undefined;
      head += 1;
      const wait = Math.max(0, call.due - performance.now());
      if (wait > 0) await delay(wait, undefined, { signal: options.signal }).catch(() => undefined);
      return stopped() ? undefined : call;
    },
    again: ({ index, due }) => {
      if (periodicSeconds === undefined) return;
      queue.push({ index, due: due + periodicSeconds * 1000 });
      // What has been called lies before the head; drop it now and then.
      if (head < 4096 || head * 2 < queue.length) return;
      queue.splice(0, head);
      head = 0;
    },
  };
}
