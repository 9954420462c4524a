import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

function stat(pid: number): { parent: number; cpu: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

/** CPU seconds (user and system, all threads, finished ones included) that a process has used so far; Linux only. */
export function cpuSeconds(pid: number): number {
  const own = stat(pid);
  if (own === undefined) throw new Error(`no process ${pid}`);
  return own.cpu;
}

/** The same for every process whose command line matches, e.g. the backends of one Postgres by its postmaster. */
export function cpuSecondsBelow(parent: number): number {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), ...stat(Number(name)) }));
  const within = new Set([parent]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const process of all)
      if (process.parent !== undefined && within.has(process.parent) && !within.has(process.pid)) {
        within.add(process.pid);
        grown = true;
      }
  }
  return all.filter(({ pid }) => within.has(pid)).reduce((sum, { cpu }) => sum + (cpu ?? 0), 0);
}
