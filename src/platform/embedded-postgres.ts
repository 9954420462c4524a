import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { DatabaseError } from './database-error.ts';
import { findBinaries, type PostgresBinaries, usableBinaries } from './embedded-binaries.ts';
import { initialise } from './embedded-cluster.ts';
import { type Guard, startGuard } from './embedded-guard.ts';
import { type Home, prepareHome, socketFolder } from './embedded-home.ts';
import { adminUrl, type Lease, tryLease } from './embedded-lease.ts';
import {
  clearStalePid,
  isServing,
  type LaunchedServer,
  launch,
  type Postmaster,
  readPostmaster,
  shutDown,
} from './embedded-server.ts';

export interface EmbeddedPostgres {
  /** Database `hems` as its owner, role `hems`, which is no superuser. */
  readonly url: string;
  /** Database `postgres` as the superuser of that name; for making databases in tests. */
  readonly adminUrl: string;
  /** The server ran already: another process's, or left by one that was killed. */
  readonly adopted: boolean;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** Where the cluster lies. */
  readonly directory: string;
  /** Gives it up; the last user's call stops the server and resolves when everything is written. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** The cluster lies in `<dataDir>/postgres`; made if missing. */
  readonly dataDir: string;
  readonly logger?: Logger;
  /** False for throw-away data in tests: no fsync. */
  readonly durable?: boolean;
  /** Megabytes that the server keeps pages in (default 32). */
  readonly sharedBuffers?: number;
  /** Milliseconds until a start is given up (default 60 000: recovery after a crash takes time). */
  readonly startWithin?: number;
  /** Takes the cluster when root starts it and Postgres' own user cannot reach `dataDir` (default /var/lib/hems). */
  readonly elsewhere?: string;
}

/**
 * A real Postgres on a unix socket that only its owner and root can reach, started from the bundled binaries or, if it
 * runs already, joined. Throws DatabaseError (kind `embedded`) when that cannot be.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = await prepareHome(options.dataDir, options.elsewhere);
  if (home.elsewhere)
    options.logger?.info({ directory: home.dir }, 'the database lies where its own user can reach it');
  const binaries = await usableBinaries(home.dir, home.account, await findBinaries());
  // First the guard, then the server: there is no moment at which we could die and leave one without the other.
  const guard = startGuard(home.data);
  const place: Place = {
    home,
    binaries,
    guard,
    durable: options.durable !== false,
    sharedBuffers: options.sharedBuffers ?? 32,
    within: options.startWithin ?? 60_000,
  };
  try {
    const seat = await takeSeat(place);
    await ensureDatabase(seat.lease);
    return hold(place, seat, options.logger);
  } catch (error) {
    guard.dismiss();
    throw error;
  }
}

interface Place {
  readonly home: Home;
  readonly binaries: PostgresBinaries;
  readonly guard: Guard;
  readonly durable: boolean;
  readonly sharedBuffers: number;
  readonly within: number;
}

interface Seat {
  readonly lease: Lease;
  readonly postmaster: Postmaster;
  readonly adopted: boolean;
}

/** Joins the running server, or starts one; of several that try at once the server's own lock file lets one win. */
async function takeSeat(place: Place, socket?: string): Promise<Seat> {
  const { home } = place;
  const deadline = performance.now() + place.within;
  let launched: LaunchedServer | undefined;
  while (performance.now() < deadline) {
    const postmaster = await readPostmaster(home.data);
    if (postmaster !== undefined && (await isServing(home.data, postmaster.pid))) {
      const lease = postmaster.ready ? await tryLease(postmaster.socket) : undefined;
      if (lease !== undefined) {
        place.guard.watch(postmaster.pid);
        return { lease, postmaster, adopted: launched?.child.pid !== postmaster.pid };
      }
      await sleep(10);
      continue;
    }
    if (launched === undefined) {
      if (postmaster !== undefined) await clearStalePid(home, postmaster);
      await initialise(home, place.binaries, place.durable);
      launched = await launch(home, place.binaries, {
        socket: socket ?? (await socketFolder(home)),
        durable: place.durable,
        sharedBuffers: place.sharedBuffers,
        onLaunch: place.guard.watch,
      });
    } else if (launched.child.exitCode !== null || launched.child.signalCode !== null) {
      await refuseUnlessRival(home, launched);
      launched = undefined;
    }
    await sleep(10);
  }
  const complaint = (await launched?.complaint()) ?? 'its socket does not let us in';
  throw unusable(home, `it was not ready within ${place.within / 1000} s: ${complaint}`);
}

/** A server that gave way to another one, or to the last backends of a killed one, is no fault. */
async function refuseUnlessRival(home: Home, launched: LaunchedServer): Promise<void> {
  // Somebody's guard found it unused in the moment before we sat down.
  if (launched.child.exitCode === 0) return;
  const complaint = await launched.complaint();
  if (/lock file .* (already exists|is empty)|pre-existing shared memory block/.test(complaint)) {
    await sleep(50);
    return;
  }
  const rival = await readPostmaster(home.data);
  if (rival !== undefined && rival.pid !== launched.child.pid && (await isServing(home.data, rival.pid))) return;
  throw unusable(home, complaint);
}

function unusable(home: Home, complaint: string): DatabaseError {
  return new DatabaseError(
    'embedded',
    `the database in ${home.data} does not start: ${complaint}`,
    `see ${home.log}; free disk space and shared memory (/dev/shm) are the usual causes`,
  );
}

/** `hems` owns its database and is no superuser: what the schema forbids holds for the service too. */
async function ensureDatabase(lease: Lease): Promise<void> {
  await unlessThere(lease, `select 1 from pg_roles where rolname = 'hems'`, 'create role hems login');
  // The roles that a migration would create if it might: the owner migrates, the server gives its rights away.
  for (const role of ['hems_owner', 'hems_service', 'hems_readonly']) {
    await unlessThere(lease, `select 1 from pg_roles where rolname = '${role}'`, `create role ${role} nologin`);
    await unlessThere(
      lease,
      `select 1 from pg_auth_members where roleid = '${role}'::regrole and member = 'hems'::regrole`,
      `grant ${role} to hems`,
    );
  }
  await unlessThere(lease, `select 1 from pg_database where datname = 'hems'`, 'create database hems owner hems');
}

async function unlessThere(lease: Lease, question: string, statement: string): Promise<void> {
  if ((await lease.query(question)).length > 0) return;
  try {
    await lease.query(statement);
  } catch (error) {
    // Another process did it in the same moment.
    if (!['42710', '42P04', '23505'].includes(String((error as { code?: unknown }).code))) throw error;
  }
}

function hold(place: Place, first: Seat, logger: Logger | undefined): EmbeddedPostgres {
  let seat = first;
  let stopping: Promise<void> | undefined;
  const keep = async (): Promise<void> => {
    await seat.lease.gone;
    for (let pause = 100; stopping === undefined; pause = Math.min(pause * 2, 5000)) {
      logger?.warn('the embedded database went away; it is started again');
      try {
        // The same socket, since the pool knows no other.
        seat = await takeSeat(place, first.postmaster.socket);
        if (stopping === undefined) return await keep();
        await leave(place, seat, logger);
      } catch (error) {
        logger?.error({ err: error }, 'the embedded database cannot be started');
        await sleep(pause, undefined, { ref: false });
      }
    }
  };
  const kept = keep();
  return {
    url: `postgresql://hems@localhost/hems?host=${encodeURIComponent(first.postmaster.socket)}`,
    adminUrl: adminUrl(first.postmaster.socket),
    adopted: first.adopted,
    pid: first.postmaster.pid,
    directory: place.home.data,
    stop: () => {
      stopping ??= leave(place, seat, logger).finally(() => place.guard.dismiss());
      return stopping.then(() => kept);
    },
  };
}

async function leave(place: Place, { lease, postmaster }: Seat, logger: Logger | undefined): Promise<void> {
  if ((await lease.release()) === 'last') {
    const clean = await shutDown(place.home.data, postmaster.pid);
    if (!clean) logger?.warn('the embedded database did not stop in time and was told to drop everything');
    if (postmaster.socket !== place.home.socket) await rm(postmaster.socket, { recursive: true, force: true });
  }
  await lease.end();
}
