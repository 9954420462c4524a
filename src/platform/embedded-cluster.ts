import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from './database-error.ts';
import type { PostgresBinaries } from './embedded-binaries.ts';
import type { Home } from './embedded-home.ts';
import { cannotRun, environment, oneLine, spawnedAs } from './embedded-server.ts';

/** A cluster in `home.data` unless there is one; made aside and renamed, so that it is there whole or not at all. */
export async function initialise(home: Home, binaries: PostgresBinaries, durable: boolean): Promise<void> {
  if (await matchingVersion(home, binaries)) return;
  // The name says who makes it, so that others can wait for it, and clear it away if he was killed.
  const draft = join(home.dir, `data.${process.pid}.${randomBytes(4).toString('hex')}`);
  await mkdir(draft, { mode: 0o700 });
  try {
    if (await settledByOthers(home, draft)) return;
    if (home.account !== undefined) await chown(draft, home.account.uid, home.account.gid);
    await runInitdb(home, binaries, { into: draft, durable });
    await rename(draft, home.data);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Another process was first.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Of several that begin at once the one whose draft sorts first goes on; the others spare the machine and wait. */
async function settledByOthers(home: Home, mine: string): Promise<boolean> {
  // Not for ever: after a container's restart an abandoned draft may name a number that is somebody else's now.
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(20)) {
    if (await stat(home.data).catch(() => undefined)) return true;
    const drafts = (await readdir(home.dir))
      .filter((name) => /^data\.\d+\./.test(name))
      .map((name) => join(home.dir, name));
    for (const abandoned of drafts.filter((name) => !isAlive(name)))
      await rm(abandoned, { recursive: true, force: true }).catch(() => undefined);
    const [first] = drafts.filter(isAlive).sort();
    if (first === undefined || first === mine) return false;
  }
  return false;
}

function isAlive(draft: string): boolean {
  try {
    return process.kill(Number(basename(draft).split('.')[1]), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function matchingVersion(home: Home, binaries: PostgresBinaries): Promise<boolean> {
  const found = await readFile(join(home.data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (found === undefined) return false;
  if (found.trim() === binaries.version.split('.')[0]) return true;
  throw new DatabaseError(
    'embedded',
    `the database in ${home.data} was made by Postgres ${found.trim()}; the bundled one is ${binaries.version}`,
    'run the hems version that made it and move the data with pg_dump, or choose another HEMS_DATA_DIR',
  );
}

interface InitdbOptions {
  readonly into: string;
  readonly durable: boolean;
}

async function runInitdb(home: Home, binaries: PostgresBinaries, { into, durable }: InitdbOptions): Promise<void> {
  const child = spawn(
    join(binaries.native, 'bin', 'initdb'),
    [
      ...['-D', into, '-U', 'postgres', '--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8'],
      // Whoever may enter the socket's folder (its owner and root) may read the files themselves: a password or `peer`
      // would guard nothing more, and `peer` fails for user ids without a name, as containers have them.
      ...['--auth=trust', '--no-instructions', ...(durable ? [] : ['--no-sync'])],
    ],
    { ...spawnedAs(home), cwd: '/', env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  const [code] = (await once(child, 'close').catch((error: Error) => {
    throw cannotRun(error);
  })) as [number | null];
  if (code !== 0)
    throw new DatabaseError(
      'embedded',
      `the database could not be created: ${oneLine(complaint)}`,
      initdbRemedy(complaint),
    );
}

function initdbRemedy(complaint: string): string {
  if (/could not look up effective user ID/.test(complaint))
    return 'Postgres needs an account name: give this user id an entry in /etc/passwd, or set DATABASE_URL to a server of your own';
  return 'mend the cause, or set DATABASE_URL to a PostgreSQL 15 or newer of your own';
}
