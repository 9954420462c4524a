import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { findBinaries, type PostgresBinaries, usableBinaries } from '../../src/platform/embedded-binaries.ts';
import { temporaryFolder } from './embedded-users.ts';

const root = process.geteuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };

/** The package as npm unpacks it when install scripts do not run: no links. */
async function unpacked(folder: string): Promise<PostgresBinaries> {
  const { native, version } = await findBinaries();
  const copy = join(folder, 'package/native');
  mkdirSync(join(folder, 'package'), { recursive: true });
  execFileSync('cp', ['-a', native, copy]);
  const lib = join(copy, 'lib');
  for (const name of readdirSync(lib)) if (lstatSync(join(lib, name)).isSymbolicLink()) rmSync(join(lib, name));
  return { native: copy, version };
}

function runs(t: TestContext, { native }: PostgresBinaries, as: { uid?: number; gid?: number } = {}): void {
  const told = execFileSync(join(native, 'bin/postgres'), ['--version'], {
    cwd: '/',
    encoding: 'utf8',
    env: {},
    ...as,
  });
  t.diagnostic(told.trim());
  assert.match(told, /PostgreSQL\) 18\./);
}

describe('the bundled binaries', { timeout: 60_000 }, () => {
  test('get their library links where no install script made them, also when several processes try at once', async (t) => {
    const folder = temporaryFolder(t);
    const installed = await unpacked(folder);
    const list = JSON.parse(readFileSync(join(installed.native, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
    const found = await Promise.all(Array.from({ length: 5 }, () => usableBinaries(folder, undefined, installed)));
    assert.deepEqual(new Set(found.map(({ native }) => native)), new Set([installed.native]));
    for (const { target } of list) assert.ok(statSync(join(installed.native, '..', target)).isFile(), target);
    runs(t, installed);
  });

  test("below a closed folder they are copied once to where Postgres' user can run them", {
    skip: !root && 'needs root',
  }, async (t) => {
    const folder = temporaryFolder(t);
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    const installed = await unpacked(closed);
    chmodSync(closed, 0o700);
    const home = join(folder, 'home');
    mkdirSync(home);
    const found = await Promise.all(Array.from({ length: 3 }, () => usableBinaries(home, nobody, installed)));
    const copy = join(home, `binaries-${installed.version}`);
    assert.deepEqual(new Set(found.map(({ native }) => native)), new Set([copy]));
    assert.deepEqual(readdirSync(home), [`binaries-${installed.version}`], 'drafts are cleared away');
    assert.equal(statSync(copy).uid, 0, 'not its to change');
    runs(t, found[0]!, nobody);
    const before = statSync(copy).ctimeMs;
    await usableBinaries(home, nobody, installed);
    assert.equal(statSync(copy).ctimeMs, before, 'copied once');
  });
});
