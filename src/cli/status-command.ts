import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { readStatus, type Status } from '../trust/compliance/status.ts';
import { span } from './arguments.ts';
import type { ConfigOptions } from './configuration.ts';
import { withRevocationDatabase } from './revocation-access.ts';
import { serverApi } from './server/server-api.ts';
import { statusText } from './status-view.ts';
import { print, printJson } from './terminal.ts';
import { registerOptions } from './access-options.ts';

interface StatusOptions extends ConfigOptions {
  readonly json?: boolean;
  readonly watch?: boolean | number;
}

export function addStatusCommand(hems: Command): void {
  registerOptions(hems.command('status'))
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
  await withStatus(options, async (read) => {
    do {
      const found = await read();
      if (options.json === true) printJson(found);
      else print(`${watch !== undefined && process.stdout.isTTY ? clearScreen : ''}${statusText(found)}`);
      if (watch !== undefined) await sleep(pause, undefined, { signal: stop.signal }).catch(() => undefined);
    } while (watch !== undefined && !stop.signal.aborted);
  });
}

function withStatus<T>(options: ConfigOptions, fn: (read: () => Promise<Status>) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(() => api.get<Status>('/api/v1/status'));
  return withRevocationDatabase(options, (db) => fn(() => readStatus(db, systemClock.now())));
}
