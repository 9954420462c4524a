import { setTimeout as sleep } from 'node:timers/promises';
import type { Femtocell } from './femtocell.ts';
import { ringSize } from './femtocell-model.ts';
import { addInstance, createParameterTree, deleteInstance, instancesOf, setParameter } from './parameter-tree.ts';

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

/** Raised or cleared (TR-157 A3): the table of current alarms, and the next row of the expedited events. */
export function alarm(cell: Femtocell, { identifier, ...alarm }: Alarm, kind: 'NewAlarm' | 'ClearedAlarm'): boolean {
  const { tree } = cell.state;
  const at = new Date().toISOString();
  if (kind === 'NewAlarm') {
    const row = `${currentAlarms}${addInstance(tree, currentAlarms) ?? 1}.`;
    setParameter(tree, `${row}AlarmIdentifier`, identifier);
    setParameter(tree, `${row}AlarmRaisedTime`, at);
    setParameter(tree, `${row}ManagedObjectInstance`, alarm.managedObjectInstance);
    setParameter(tree, `${row}PerceivedSeverity`, alarm.severity);
  } else {
    for (const number of instancesOf(tree, currentAlarms))
      if (tree.get(`${currentAlarms}${number}.AlarmIdentifier`)?.value === identifier)
        deleteInstance(tree, `${currentAlarms}${number}.`);
  }
  const row = `Device.FaultMgmt.ExpeditedEvent.${cell.state.nextRingRow}.`;
  cell.state.nextRingRow = (cell.state.nextRingRow % ringSize) + 1;
  const values = {
    EventTime: at,
    AlarmIdentifier: identifier,
    NotificationType: kind,
    ManagedObjectInstance: alarm.managedObjectInstance,
    EventType: alarm.eventType,
    ProbableCause: alarm.probableCause,
    PerceivedSeverity: kind === 'NewAlarm' ? alarm.severity : 'Cleared',
    AdditionalText: alarm.text,
  };
  const told = Object.entries(values).map(([name, value]) => changeValue(cell, row + name, value));
  return told.some(Boolean);
}

/** A file sent by the device's own schedule, e.g. measurements (TR-262 PerfMgmt). */
export function uploadByItself({ state }: Femtocell, url: string, at: Date): void {
  const file = { isDownload: false, fileType: '4 Vendor Log File 1', fileSize: 0, targetFileName: 'pm.xml' };
  state.jobs.push({ method: 'Autonomous', commandKey: '', url, ...file, notBefore: at });
}
