/**
 * `npm test`: format, lint, types and contract checks, then every test, grouped, against one Postgres for the whole run.
 * `--only checks|unit|architecture|contract|integration` for a part. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { prepareGround } from './support/ground.ts';
import { type PeerName, peer, peers } from './support/peers.ts';

const root = resolve(import.meta.dirname, '..');

interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly when?: boolean;
}

const program = (name: string): string => join(root, 'node_modules/.bin', name);

const checks: readonly Check[] = [
  { name: 'format', command: program('biome'), args: ['format', '.'] },
  { name: 'lint', command: program('biome'), args: ['lint', '--error-on-warnings', '.'] },
  { name: 'types', command: program('tsc'), args: ['--noEmit'] },
  {
    name: 'openapi.yaml is what the routes say',
    command: process.execPath,
    args: ['src/northbound/write-openapi.ts', '--check'],
    when: existsSync(join(root, 'src/northbound/write-openapi.ts')),
  },
];

const apart = ['architecture', 'contract', 'integration'];

interface Group {
  readonly name: string;
  readonly files: () => string[];
  /** Bound of the whole group. */
  readonly minutes: number;
}

const longestMinutes = 70;

const groups: readonly Group[] = [
  { name: 'unit', files: () => filesIn('*').filter((file) => !apart.includes(file.split('/')[1] ?? '')), minutes: 25 },
  { name: 'architecture', files: () => filesIn('architecture'), minutes: 2 },
  { name: 'contract', files: () => filesIn('contract'), minutes: 15 },
  { name: 'integration', files: () => filesIn('integration'), minutes: 35 },
];

function filesIn(folder: string): string[] {
  return globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort();
}

const tally = { passed: 0, failed: 0 };
const failures: string[] = [];
const leftOut: string[] = [];

function count(name: string, passed: boolean): void {
  tally[passed ? 'passed' : 'failed'] += 1;
  if (!passed) failures.push(name);
}

async function runCheck(check: Check, signal: AbortSignal): Promise<void> {
  const child = spawn(check.command, check.args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    timeout: 300_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const code = await new Promise<number | null>((done) => {
    child.on('error', (error) => {
      output += error.message;
      done(null);
    });
    child.on('close', done);
  });
  count(check.name, code === 0);
  console.log(`${code === 0 ? '✔' : '✖'} ${check.name}`);
  if (code !== 0) console.log(output.trimEnd());
}

/** Runs the files two at a time; what they skip is remembered with its reason. */
async function runGroup(name: string, files: string[], minutes: number, signal: AbortSignal): Promise<void> {
  if (files.length === 0) return;
  console.log(`\n${name}: ${files.length} files`);
  const bound = AbortSignal.timeout(minutes * 60_000);
  const stream = run({
    files: files.map((file) => join(root, file)),
    cwd: root,
    concurrency: 2,
    signal: AbortSignal.any([signal, bound]),
  });
  stream.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return;
    tally.passed += counts.passed;
    // What was cut short did not pass.
    tally.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
    if (counts.todo > 0) count(`${name}: ${counts.todo} tests are marked todo`, false);
  });
  stream.on('test:fail', ({ name: test, file }) => failures.push(`${test} (${file ?? name})`));
  stream.on('test:pass', ({ name: test, skip }) => {
    if (typeof skip === 'string' && skip !== '') leftOut.push(`${test}: ${skip}`);
    else if (skip === true || skip === '') count(`${test}: left out without saying why`, false);
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(text as string);
  if (bound.aborted) count(`${name} ends within ${minutes} minutes`, false);
}

async function runGroups(chosen: readonly Group[], signal: AbortSignal): Promise<void> {
  const ground = await prepareGround().catch((error: unknown) => {
    console.log(String(error));
    count('a Postgres for the tests', false);
  });
  if (ground === undefined) return;
  try {
    for (const { name, files, minutes } of chosen) if (!signal.aborted) await runGroup(name, files(), minutes, signal);
  } finally {
    const leftovers = await ground.clear();
    if (leftovers.length > 0) count(`no process is left behind: ${leftovers.join('; ')}`, false);
  }
}

function report(): void {
  const missing = (Object.keys(peers) as PeerName[]).filter((name) => peer(name) === undefined);
  if (leftOut.length > 0) console.log(`\nLeft out:\n${leftOut.map((line) => `  ${line}`).join('\n')}`);
  for (const name of missing)
    console.log(`Not installed: ${name} (apt-get install ${peers[name].apt}), for ${peers[name].for}`);
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map((line) => `  ${line}`).join('\n')}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const names = ['checks', ...groups.map(({ name }) => name)];
  if (values.only !== undefined && !names.includes(values.only)) {
    console.error(`--only ${values.only}: there are ${names.join(', ')}`);
    process.exit(2);
  }
  const wanted = (name: string): boolean => values.only === undefined || values.only === name;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const bound = setTimeout(() => {
    count(`the run ends within ${longestMinutes} minutes`, false);
    stop.abort();
  }, longestMinutes * 60_000);
  if (wanted('checks')) for (const check of checks) if (check.when !== false) await runCheck(check, stop.signal);
  const chosen = groups.filter(({ name }) => wanted(name));
  if (chosen.length > 0) await runGroups(chosen, stop.signal);
  clearTimeout(bound);
  if (stop.signal.aborted) count('the run was not interrupted', false);
  report();
  process.exit(tally.failed > 0 ? 1 : 0);
}

await main();
