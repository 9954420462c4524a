import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The account that Postgres runs under; undefined stands for the one we run under. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export function runningAsRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** `nobody` of this machine; Postgres refuses to run as root. */
export async function nobody(): Promise<Account> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(passwd) ?? [];
  // macOS writes -2 where it means the unsigned number.
  return { uid: Number(uid ?? 65_534) >>> 0, gid: Number(gid ?? 65_534) >>> 0 };
}

/** Whether `account` may pass through every folder from the root down to `folder` itself, by mode bits. */
export async function canReach(folder: string, account: Account | undefined): Promise<boolean> {
  if (account === undefined) return true;
  for (let at = folder; ; at = dirname(at)) {
    if (!(await canEnter(at, account))) return false;
    if (at === dirname(at)) return true;
  }
}

export async function canEnter(folder: string, { uid, gid }: Account): Promise<boolean> {
  const entry = await stat(folder);
  const bit = entry.uid === uid ? 0o100 : entry.gid === gid ? 0o010 : 0o001;
  return (entry.mode & bit) !== 0;
}
