import type { ShownJob } from './job-access.ts';
import { type Colour, paint, print, printable, table } from './terminal.ts';

const colours: Readonly<Partial<Record<ShownJob['state'], Colour>>> = {
  done: 'green',
  failed: 'red',
  cancelled: 'dim',
};

function how({ kind, done, total }: ShownJob): string {
  const unit = kind === 'device-import' ? ' bytes' : '';
  return total === null ? `${done}${unit}` : `${done} of ${total}${unit}`;
}

export function printJobs(jobs: readonly ShownJob[]): void {
  if (jobs.length === 0) return void print('No jobs.');
  print(
    table(jobs, [
      { title: 'JOB', value: ({ id }) => id },
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => colours[state] },
      { title: 'DONE', value: how },
      { title: 'ASKED FOR', value: ({ createdAt }) => createdAt.toISOString() },
      { title: 'BY', value: ({ actor }) => actor, limit: 40 },
    ]),
  );
}

export function printJob(job: ShownJob): void {
  const { id, kind, state, input, result, fault, output, actor, reason, createdAt, finishedAt } = job;
  const colour = colours[state];
  print(`Job ${id}, ${kind}`);
  print(
    `  ${colour === undefined ? state : paint(colour, state)}${finishedAt ? ` since ${finishedAt.toISOString()}` : ''}, ${how(job)}`,
  );
  print(
    `  asked for ${createdAt.toISOString()} by ${printable(actor)}${reason === null ? '' : `: ${printable(reason)}`}`,
  );
  print(`  wanted ${printable(JSON.stringify(input), 1000)}`);
  if (Object.keys(result).length > 0) print(`  result ${printable(JSON.stringify(result), 2000)}`);
  if (fault !== null) print(`  ${printable(fault, 2000)}`);
  if (output) print(`  a file comes of it: hems job show ${id} --output FILE`);
}
