import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { readStatus } from '../trust/compliance/status.ts';
import { span } from './arguments.ts';
import type { ConfigOptions } from './configuration.ts';
import { withRevocationDatabase } from './revocation-access.ts';
import { statusText } from './status-view.ts';
import { print, printJson } from './terminal.ts';
import { databaseOptions } from './access-options.ts';

interface StatusOptions extends ConfigOptions {
  readonly json?: boolean;
  readonly watch?: boolean | number;
}

export function addStatusCommand(hems: Command): void {
  databaseOptions(hems.command('status'))
    .description('nodes and their doors, refusals of the last hour, revocation, devices, tasks')
    .option('--watch [every]', 'again and again, every 5s or as often as you say', span)
    .action(status);
}

const clearScreen = '\u001b[H\u001b[2J';
const every = 5000;

async function status(options: StatusOptions): Promise<void> {
  const { watch } = options;
  const pause = typeof watch === 'number' ? Math.max(watch, 500) : every;
  const stop = new AbortController();
  // A reader that went away ("| head") is the same as Ctrl-C.
  process.stdout.once('error', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    if (watch !== undefined) process.once(signal, () => stop.abort());
  await withRevocationDatabase(options, async (db) => {
    do {
      const found = await readStatus(db, systemClock.now());
      if (options.json === true) printJson(found);
      else print(`${watch !== undefined && process.stdout.isTTY ? clearScreen : ''}${statusText(found)}`);
      if (watch !== undefined) await sleep(pause, undefined, { signal: stop.signal }).catch(() => undefined);
    } while (watch !== undefined && !stop.signal.aborted);
  });
}
