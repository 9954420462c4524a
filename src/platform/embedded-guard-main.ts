/**
 * The guard of one user of an embedded Postgres, run by its shell when that user is gone without having said so (kill
 * -9, a crash): stops the server that the user started or joined, unless others use it, in which case it waits for them.
 * Servers started since then have guards of their own. Arguments: the cluster's folder, the server's process id.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { trySoleUse } from './embedded-lease.ts';
import { isServing, readPostmaster, shutDown } from './embedded-server.ts';

const data = process.argv[2] ?? '';
const pid = Number(process.argv[3]);

/** A server that was launched in its user's last moments must first become one. */
const patience = 1000;

async function watch(): Promise<void> {
  const begun = performance.now();
  for (;;) {
    // Others may be about to sit down.
    await sleep(200);
    if (!(await isServing(data, pid))) {
      if (performance.now() - begun > patience) return;
      continue;
    }
    if (!existsSync(data)) {
      // Somebody has removed the cluster under its server: there is nothing left to write down.
      process.kill(pid, 'SIGQUIT');
      return;
    }
    const postmaster = await readPostmaster(data);
    if (postmaster?.pid !== pid || !postmaster.ready) continue;
    const sole = await trySoleUse(postmaster.socket);
    if (sole === undefined) continue;
    await shutDown(data, pid);
    await sole.end();
    return;
  }
}

await watch();
