import { spawn } from 'node:child_process';
import { extname, join } from 'node:path';

export interface Guard {
  /** Its user has seen to the server itself. */
  dismiss(): void;
}

/** Waits for a word or the end of its user; only then does it become a Node process. */
const script = 'read -r word; [ "$word" = done ] || exec "$0" "$@"';

/**
 * A process that outlives ours, holding the other end of a pipe: when that breaks without a word (kill -9, a crash),
 * it stops the server on the cluster `data` unless others use it.
 */
export function startGuard(data: string): Guard {
  const main = join(import.meta.dirname, `embedded-guard-main${extname(import.meta.filename)}`);
  const child = spawn('/bin/sh', ['-c', script, process.execPath, main, data], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { dismiss: () => child.stdin.end('done\n') };
}
