import { spawn } from 'node:child_process';
import { extname, join } from 'node:path';

export interface Guard {
  /** The server to see to: the one that was started or joined last. */
  watch(pid: number): void;
  /** Its user has seen to the server itself. */
  dismiss(): void;
}

/** Keeps the last number it is told; only when its user is gone without a word does it become a Node process. */
const script = `pid=0
while read -r word; do
  [ "$word" = done ] && exit
  pid=$word
done
[ "$pid" = 0 ] || exec "$0" "$@" "$pid"`;

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
  return {
    watch: (pid) => child.stdin.write(`${pid}\n`),
    dismiss: () => child.stdin.end('done\n'),
  };
}
