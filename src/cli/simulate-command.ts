import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { fleetMember } from '../simulator/fleet-credentials.ts';
import { parseScript, type Script } from '../simulator/script.ts';
import { type FleetOptions, simulateFleet } from '../simulator/fleet.ts';
import type { FleetStatistics } from '../simulator/fleet-statistics.ts';
import { type MisbehaviourName, misbehaviourNames } from '../simulator/misbehaviour.ts';
import { oneOf, span, wholeNumber } from './arguments.ts';
import { toolConfig } from './configuration.ts';
import { enrol } from './enrolment.ts';
import { exitCodes, failure } from './failure.ts';
import { counted, paint, print, printJson, printable } from './terminal.ts';

interface Options {
  readonly url: string;
  readonly count: number;
  readonly certs: string;
  readonly seed: string;
  readonly concurrency: number;
  readonly tls: '1.2' | '1.3' | 'mixed';
  readonly cwmp?: '1.0' | '1.1' | '1.2' | '1.3' | '1.4';
  readonly resume: boolean;
  readonly periodic?: number;
  readonly duration?: number;
  readonly misbehave?: MisbehaviourName;
  readonly share: number;
  readonly enrol?: boolean;
  readonly listen?: 'http' | 'https';
  readonly script?: string;
  readonly json?: boolean;
}

export function addSimulateCommand(hems: Command): void {
  hems
    .command('simulate')
    .description('femtocells that call an ACS at any URL')
    .requiredOption('--url <url>', 'the ACS, e.g. https://localhost:7547/cwmp')
    .requiredOption(
      '--certs <dir>',
      'a development data directory (issues any number by seed), or folders of device.crt, device.key and ca.crt',
    )
    .option('--count <n>', 'how many femtocells', wholeNumber(1, 1_000_000), 1)
    .option('--seed <text>', 'the same seed makes the same fleet', 'hems')
    .option('--concurrency <n>', 'calls under way at once', wholeNumber(1, 10_000), 32)
    .addOption(new Option('--tls <version>', 'TLS version').choices(['1.2', '1.3', 'mixed']).default('mixed'))
    .addOption(new Option('--cwmp <version>', 'CWMP version').choices(['1.0', '1.1', '1.2', '1.3', '1.4']))
    .option('--no-resume', 'a full handshake at every call')
    .option('--periodic <span>', 'inform again after so long, until stopped: 30s, 5m', span)
    .option('--duration <span>', 'stop after so long: 30s, 5m', span)
    .option('--misbehave <way>', `one of ${misbehaviourNames.join(', ')}`, oneOf(misbehaviourNames))
    .option('--share <percent>', 'how many of them misbehave', wholeNumber(1, 100), 100)
    .option('--script <file>', 'what each of them lives through, in YAML (docs/simulator.md)')
    .addOption(
      new Option('--listen <form>', 'listen for connection requests at 127.0.0.1, until stopped').choices([
        'http',
        'https',
      ]),
    )
    .option('--enrol', 'add the fleet to the register of the same data directory first (development)')
    .option('--json', 'statistics as JSON')
    .action(simulate);
}

async function simulate(options: Options): Promise<void> {
  if (!URL.canParse(options.url) || new URL(options.url).protocol !== 'https:')
    throw failure(exitCodes.usage, `${options.url} is no https URL`, 'a femtocell calls https alone (TS 33.320 8.3.4)');
  if (options.enrol === true) await enrolFleet(options);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const live = process.stderr.isTTY && options.json !== true;
  const result = await simulateFleet({
    ...fleetOptions(options),
    ...(options.script !== undefined && { script: await readScript(options.script) }),
    signal: stop.signal,
    ...(live && { onProgress: (statistics) => process.stderr.write(`\r\x1b[2K${progressLine(statistics, options)}`) }),
  });
  if (live) process.stderr.write('\n');
  if (!result.ok) throw failure(exitCodes.usage, result.cause, result.remedy);
  if (options.json === true) printJson(result.statistics);
  else report(result.statistics);
  const { complete, calls, misbehaved } = result.statistics;
  // Good devices are there to be let in; what becomes of the others is the ACS's business.
  if (complete < calls - misbehaved) process.exitCode = exitCodes.no;
}

async function readScript(file: string): Promise<Script> {
  const parsed = parseScript(await readFile(file, 'utf8'));
  if (!parsed.ok) throw failure(exitCodes.usage, `${file}: ${parsed.message}`, 'docs/simulator.md shows a script');
  return parsed.script;
}

function fleetOptions(options: Options): FleetOptions {
  const { url, count, certs, seed, concurrency, resume, tls, cwmp, periodic, duration, misbehave, share, listen } =
    options;
  return {
    url,
    count,
    certsDir: certs,
    seed,
    concurrency,
    resume,
    ...(listen !== undefined && { listen }),
    tls: tls === 'mixed' ? tls : `TLSv${tls}`,
    ...(cwmp !== undefined && { cwmp }),
    ...(periodic !== undefined && { periodicSeconds: periodic / 1000 }),
    ...(duration !== undefined && { durationSeconds: duration / 1000 }),
    ...(misbehave !== undefined && { misbehave, misbehavingShare: share / 100 }),
  };
}

/** The register of a development server is the same machine's: any number of devices at once, those there already passed over. */
async function enrolFleet({ certs, count, seed }: Options): Promise<void> {
  const members = Array.from({ length: count }, (_, index) => fleetMember(seed, index));
  const added = await enrol(
    toolConfig({ dataDir: certs }),
    members.map(({ anchor, identity }) => ({ identities: [{ anchor, identity }] })),
  );
  process.stderr.write(`${added} of ${count} femtocells were new to the register.\n`);
}

function progressLine({ calls, complete, devices }: FleetStatistics, options: Options): string {
  const wanted = options.periodic === undefined ? devices : undefined;
  const text = `${calls} calls, ${complete} complete`;
  if (wanted === undefined) return text;
  const filled = Math.round((Math.min(calls, wanted) / wanted) * 30);
  return `[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${text} of ${wanted}`;
}

function report(statistics: FleetStatistics): void {
  const { devices, calls, complete, resumed, milliseconds, elapsedSeconds } = statistics;
  print(`${counted(devices, 'femtocell')} made ${counted(calls, 'call')} in ${elapsedSeconds.toFixed(1)} s.`);
  print(`${paint('green', `${complete} complete`)} (${resumed} resumed their TLS session)`);
  if (complete > 0) {
    const { median, p95, max } = milliseconds;
    print(`a session took ${median.toFixed(0)} ms (median), ${p95.toFixed(0)} ms (p95), ${max.toFixed(0)} ms (max)`);
  }
  for (const [what, count] of statistics.others) print(`${paint('red', String(count))} ${printable(what)}`);
  for (const [what, count] of statistics.violations)
    print(`${paint('red', `${count} against the rules:`)} the ACS ${printable(what)}`);
}
