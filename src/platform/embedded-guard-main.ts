/**
 * The guard of one user of an embedded Postgres, run by its shell when that user is gone without having said so (kill -9, a crash):
 * stops the server unless others use it, in which case it waits for them. Started by `startGuard` through a shell that
 * sleeps in `read`, so that it weighs nothing until then. Argument: the cluster's folder.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { trySoleUse } from './embedded-lease.ts';
import { isServing, readPostmaster, shutDown } from './embedded-server.ts';

const data = process.argv[2] ?? '';

/** Its user may have died between starting the server and seeing it ready. */
const patience = 3000;

async function watch(): Promise<void> {
  let seen = performance.now();
  while (performance.now() - seen < patience) {
    const postmaster = await readPostmaster(data);
    if (postmaster === undefined || !(await isServing(data, postmaster.pid))) {
      await sleep(100);
      continue;
    }
    seen = performance.now();
    const sole = postmaster.ready ? await trySoleUse(postmaster.socket) : undefined;
    if (sole === undefined) {
      await sleep(postmaster.ready ? 500 : 50);
      continue;
    }
    await shutDown(data, postmaster.pid);
    await sole.end();
    return;
  }
}

await watch();
