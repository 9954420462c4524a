import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ConnectionRequest } from '../fleet/connection-request.ts';
import { span } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { wakeText } from './device-wake-view.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { type TaskAccess, withTasks } from './task-access.ts';
import { print, printable, printJson } from './terminal.ts';

interface WakeOptions extends DeviceOptions {
  readonly timeout: number;
}

export function addWakeCommand(device: Command): void {
  registerOptions(device.command('wake'))
    .description('ask the device to call now (connection request), and wait for its session')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .option('--timeout <span>', 'how long to wait for the session', span, 45_000)
    .option('--reason <text>', 'for the audit')
    .action(wake);
}

/** A server takes a request up within moments. */
const takenUpWithin = 15_000;
const between = 200;

async function wake(text: string, options: WakeOptions): Promise<void> {
  await withTasks(options, async (access) => {
    const deviceId = await oneDevice(access.register, text);
    const asked = await access.connectionRequests.ask(deviceId, byOperator(options.reason));
    if (!asked.ok) throw failure(exitCodes.no, asked.problem.message, asked.problem.remedy);
    const last = await follow(access, asked.request, options.timeout);
    if (last.sessionAt !== null && last.sentAt !== null) {
      if (options.json === true) return printJson(last);
      const seconds = ((last.sessionAt.getTime() - last.sentAt.getTime()) / 1000).toFixed(1);
      return print(`Its session came ${seconds} s after the request. ${printable(wakeText(last), 300)}`);
    }
    if (options.json === true) printJson(last);
    throw notWoken(last, options.timeout);
  });
}

/** Until its session comes, or nothing more is to be expected. */
async function follow(access: TaskAccess, first: ConnectionRequest, within: number): Promise<ConnectionRequest> {
  const started = performance.now();
  let request = first;
  for (;;) {
    const waited = performance.now() - started;
    const untaken = request.state === 'waiting' && waited > takenUpWithin;
    if (request.sessionAt !== null || untaken || waited > within || !isHopeful(request)) return request;
    await sleep(between);
    request = (await access.connectionRequests.get(request.deviceId, request.id)) ?? request;
  }
}

/** A device that did not answer in time may call all the same. */
function isHopeful({ state, cause }: ConnectionRequest): boolean {
  return (
    state === 'waiting' || state === 'sending' || state === 'accepted' || (state === 'no-answer' && cause === 'timeout')
  );
}

function notWoken(request: ConnectionRequest, within: number) {
  if (request.state === 'waiting')
    return failure(
      exitCodes.unavailable,
      'no server has taken it up',
      'start "hems serve" where devices can be reached',
    );
  if (request.state === 'accepted')
    return failure(
      exitCodes.no,
      `${printable(wakeText(request), 300)}; no session came within ${Math.round(within / 1000)} s`,
      'a device calls within 30 seconds; see its ManagementServer.URL and "hems events"',
    );
  return failure(exitCodes.no, printable(wakeText(request), 300), request.remedy ?? undefined);
}

/** For whoever waits for a task: the device is asked to call, and what speaks against it is said once. */
export async function wakeFor(access: TaskAccess, deviceId: string, taskId: string, reason?: string): Promise<void> {
  if (!access.wakes) return;
  const asked = await access.connectionRequests.ask(deviceId, byOperator(reason), { taskId });
  if (asked.ok || asked.problem.kind === 'too_soon') return;
  process.stderr.write(`Not asked to call: ${printable(asked.problem.message)}.\n`);
}
