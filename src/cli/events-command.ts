import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { followDecisions, type LogEntry } from '../trust/decision-log.ts';
import { refusalReasons } from '../trust/refusal.ts';
import { oneOf, span, wholeNumber } from './arguments.ts';
import type { ConfigOptions } from './configuration.ts';
import { withDecisions } from './decision-access.ts';
import { logLine } from './decision-line.ts';
import { registerOptions } from './access-options.ts';
import { print, printJson } from './terminal.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly follow: boolean;
  readonly last: number;
  readonly since: number;
  readonly refused?: boolean;
  readonly known?: boolean;
  readonly reason?: string;
}

function wanted(entry: LogEntry, options: Options): boolean {
  const { outcome, reason, peer } =
    entry.kind === 'decision' ? entry.decision : { outcome: 'refused', ...entry.summary };
  if (options.refused === true && outcome !== 'refused') return false;
  if (options.known === true && peer !== 'known') return false;
  return options.reason === undefined || options.reason === reason;
}

export function addEventsCommand(hems: Command): void {
  registerOptions(hems.command('events'))
    .description('follow the admission log: who was let in, who was refused and why')
    .option('--no-follow', 'end after what is there')
    .option('--last <n>', 'how many to begin with', wholeNumber(0, 99_999), 20)
    .option('--since <span>', 'how far back to begin: 30s, 10m, 2h, 7d', span, span('1d'))
    .option('--refused', 'refusals only')
    .option('--known', 'devices of the register only: none of the Internet’s noise')
    .option('--reason <reason>', 'this reason only', oneOf(refusalReasons))
    .action(follow);
}

async function follow(options: Options): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  // A reader that went away ("| head") is the same as Ctrl-C.
  process.stdout.once('error', () => stop.abort());
  await withDecisions(options, async (decisions) => {
    const since = new Date(systemClock.now().getTime() - options.since);
    const log = followDecisions(decisions.since, systemClock, {
      since,
      limit: options.last,
      follow: options.follow,
      signal: stop.signal,
    });
    for await (const entry of log) {
      if (stop.signal.aborted) return;
      if (!wanted(entry, options)) continue;
      if (options.json === true) printJson(entry.kind === 'decision' ? entry.decision : entry.summary);
      else print(logLine(entry));
    }
  });
}
