import { setTimeout as sleep } from 'node:timers/promises';
import type { Femtocell } from './femtocell.ts';
import { ringSize } from './femtocell-faults.ts';
import {
  addInstance,
  createParameterTree,
  deleteInstance,
  instancesOf,
  type ParameterTree,
  setParameter,
} from './parameter-tree.ts';

/* What happens to a device between its sessions. */

/** What a session has asked for and left for afterwards (TR-069 A.3.2.9): a reboot takes its time. */
export async function restartIfAsked(cell: Femtocell): Promise<void> {
  const { state, options } = cell;
  const { restart, rebootKey } = state;
  if (restart === 'none') return;
  state.restart = 'none';
  await sleep(options.rebootMs ?? 0);
  if (restart === 'factory-reset') {
    // TR-069 A.4.1.4: all that the ACS ever set, attributes included, is gone.
    state.tree = createParameterTree(options.dataModel ?? 'tr-196-2', options.deviceId, options.url);
    if (cell.connectionRequestUrl !== undefined)
      setParameter(state.tree, 'Device.ManagementServer.ConnectionRequestURL', cell.connectionRequestUrl);
    state.bootstrapped = false;
    state.pendingEvents.length = 0;
    state.scheduled.length = 0;
    state.ringRows.clear();
    state.changed.clear();
    state.deeds.push('FactoryReset');
  } else {
    state.pendingEvents.push({ eventCode: '1 BOOT', commandKey: '' }, { eventCode: 'M Reboot', commandKey: rebootKey });
    state.deeds.push(`Reboot ${rebootKey}`);
  }
  state.bootedAt = new Date();
}

/** The power goes and comes back. */
export function powerCycle({ state }: Femtocell): void {
  state.pendingEvents.push({ eventCode: '1 BOOT', commandKey: '' });
  state.bootedAt = new Date();
  state.restart = 'none';
}

/** A value changes by itself. Answers whether the device has to tell at once (active notification). */
export function changeValue({ state }: Femtocell, name: string, value: string): boolean {
  const parameter = state.tree.get(name);
  if (parameter === undefined || parameter.value === value) return false;
  parameter.value = value;
  if (parameter.notification === 0) return false;
  state.changed.add(name);
  if (!state.pendingEvents.some(({ eventCode }) => eventCode === '4 VALUE CHANGE'))
    state.pendingEvents.push({ eventCode: '4 VALUE CHANGE', commandKey: '' });
  return parameter.notification === 2;
}

export interface Alarm {
  readonly identifier: string;
  readonly managedObjectInstance: string;
  readonly eventType: string;
  readonly probableCause: string;
  readonly severity: 'Critical' | 'Major' | 'Minor' | 'Warning' | 'Indeterminate';
  readonly text: string;
}

const currentAlarms = 'Device.FaultMgmt.CurrentAlarm.';

/** Raised or cleared (TR-157 A3): the table of current alarms, the history, and the ring by which this alarm is told. */
export function alarm(cell: Femtocell, alarm: Alarm, kind: 'NewAlarm' | 'ClearedAlarm'): boolean {
  const { tree } = cell.state;
  const mechanism = mechanismOf(tree, alarm);
  if (mechanism.startsWith('3')) return false;
  const at = new Date().toISOString();
  if (kind === 'NewAlarm') raise(tree, alarm, at);
  else
    for (const number of instancesOf(tree, currentAlarms))
      if (tree.get(`${currentAlarms}${number}.AlarmIdentifier`)?.value === alarm.identifier)
        deleteInstance(tree, `${currentAlarms}${number}.`);
  const severity = kind === 'NewAlarm' ? alarm.severity : 'Cleared';
  const event = { EventTime: at, NotificationType: kind, ...textsOf({ ...alarm, severity }) };
  tell(cell, 'HistoryEvent', event);
  if (mechanism.startsWith('2')) return false;
  return tell(cell, mechanism.startsWith('1') ? 'QueuedEvent' : 'ExpeditedEvent', event);
}

/** `0 Expedited`, `1 Queued`, `2 Logged` or `3 Disabled`, as the ACS has it for this kind of alarm. */
function mechanismOf(tree: ParameterTree, { eventType, probableCause }: Alarm): string {
  for (let number = 1; ; number += 1) {
    const row = `Device.FaultMgmt.SupportedAlarm.${number}.`;
    const type = tree.get(`${row}EventType`)?.value;
    if (type === undefined) return '0 Expedited';
    if (type === eventType && tree.get(`${row}ProbableCause`)?.value === probableCause)
      return tree.get(`${row}ReportingMechanism`)?.value ?? '0 Expedited';
  }
}

function textsOf(alarm: Omit<Alarm, 'severity'> & { readonly severity: string }): Record<string, string> {
  return {
    AlarmIdentifier: alarm.identifier,
    ManagedObjectInstance: alarm.managedObjectInstance,
    EventType: alarm.eventType,
    ProbableCause: alarm.probableCause,
    PerceivedSeverity: alarm.severity,
    AdditionalText: alarm.text,
  };
}

function raise(tree: ParameterTree, alarm: Alarm, at: string): void {
  const row = `${currentAlarms}${addInstance(tree, currentAlarms) ?? 1}.`;
  const values = { ...textsOf(alarm), AlarmRaisedTime: at, AlarmChangedTime: at };
  for (const [name, value] of Object.entries(values)) setParameter(tree, row + name, value);
}

function tell(cell: Femtocell, ring: string, event: Readonly<Record<string, string>>): boolean {
  const { ringRows } = cell.state;
  const number = ringRows.get(ring) ?? 1;
  ringRows.set(ring, (number % ringSize) + 1);
  const row = `Device.FaultMgmt.${ring}.${number}.`;
  return Object.entries(event)
    .map(([name, value]) => changeValue(cell, row + name, value))
    .some(Boolean);
}

/** Informs that the ACS has scheduled (TR-069 A.3.2.11), once their time has come; answers how many. */
export function takeScheduled({ state }: Femtocell, at: Date): number {
  const due = state.scheduled.filter(({ due: time }) => time <= at.getTime());
  for (const one of due) {
    state.scheduled.splice(state.scheduled.indexOf(one), 1);
    state.pendingEvents.push({ eventCode: '3 SCHEDULED', commandKey: '' });
    state.pendingEvents.push({ eventCode: 'M ScheduleInform', commandKey: one.commandKey });
  }
  return due.length;
}

/** A file sent by the device's own schedule, e.g. measurements (TR-262 PerfMgmt). */
export function uploadByItself({ state }: Femtocell, url: string, at: Date): void {
  const file = { isDownload: false, fileType: '4 Vendor Log File 1', fileSize: 0, targetFileName: 'pm.xml' };
  state.jobs.push({ method: 'Autonomous', commandKey: '', url, ...file, notBefore: at });
}
