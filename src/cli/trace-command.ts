import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { TraceMessageRow } from '../fleet/trace-queries.ts';
import { systemClock } from '../platform/clock.ts';
import { span } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { type TaskAccess, withTasks } from './task-access.ts';
import { paint, print, printJson } from './terminal.ts';

interface Options extends DeviceOptions {
  readonly for: number;
  readonly follow?: boolean;
  readonly stop?: boolean;
}

export function addTraceCommand(device: Command): void {
  registerOptions(device.command('trace'))
    .description('the SOAP of the device’s sessions from its next Inform on, secrets masked')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .option('--for <span>', 'how long', span, 600_000)
    .option('--stop', 'keep no more of them, from its next Inform on')
    .option('--no-follow', 'switch it on and print what is there, without waiting')
    .option('--reason <text>', 'for the audit')
    .action(trace);
}

/** Messages kept longer than this are of an earlier look. */
const back = 3_600_000;

async function trace(text: string, options: Options): Promise<void> {
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  await withTasks(options, async ({ traces, register }) => {
    const deviceId = await oneDevice(register, text);
    if (options.stop === true) return stop(traces, deviceId, options);
    const began = systemClock.now();
    const until = new Date(began.getTime() + options.for);
    await traces.begin(deviceId, until, byOperator(options.reason));
    if (options.follow !== false)
      process.stderr.write(`Traced until ${until.toISOString()}; waiting for the next Inform. Ctrl-C leaves it on.\n`);
    const since = options.follow === false ? new Date(began.getTime() - back) : began;
    let after: string | undefined;
    do {
      const rows = await traces.read(deviceId, since, after, 200);
      for (const row of rows) show(row, options);
      after = rows.at(-1)?.id ?? after;
      if (options.follow === false && rows.length < 200) return;
      if (rows.length === 0) await sleep(500, undefined, { signal: ended.signal }).catch(() => undefined);
    } while (!ended.signal.aborted && systemClock.now() < until);
  });
}

async function stop(traces: TaskAccess['traces'], deviceId: string, { reason, json }: Options): Promise<void> {
  if (!(await traces.end(deviceId, byOperator(reason))))
    throw failure(exitCodes.no, `device ${deviceId} is not traced`);
  if (json === true) return printJson({ deviceId, traced: false });
  print(`Device ${deviceId} is not traced any more; what was kept stays for seven days.`);
}

function show(row: TraceMessageRow, { json }: Options): void {
  if (json === true) return void printJson(row);
  const { at, direction, status, milliseconds, bytes, sessionId, body } = row;
  const arrow =
    direction === 'from-device' ? '◀ from the device' : `▶ HTTP ${status} after ${milliseconds?.toFixed(0)} ms`;
  print(paint('bold', `${at.toISOString()} ${arrow}, ${bytes} bytes (session ${sessionId.slice(0, 8)})`));
  if (body !== '') print(body);
}
