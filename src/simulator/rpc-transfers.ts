import type { DeviceState, QueuedTransfer } from './device-state.ts';
import { setParameter } from './parameter-tree.ts';
import { arrayXml, escapeXml, faultXml, tag } from './soap-writer.ts';
import { child, type Element, textOf } from './xml-tree.ts';

/* Transfers are pretended: nothing is fetched, and the next session reports the outcome. */

const unknownTime = '0001-01-01T00:00:00Z';
const times = tag('StartTime', unknownTime) + tag('CompleteTime', unknownTime);

/** TR-069 A.3.2.8: what TS 33.320 and this device know. */
function protocolFault(request: Element): string | undefined {
  return /^https:/i.test(textOf(request, 'URL').trim())
    ? undefined
    : faultXml(9013, 'Unsupported protocol for file transfer');
}

/** A URL that says so fails: `?fault=9010`. */
function outcome(request: Element): number {
  return Number(/[?&]fault=(\d{4})\b/.exec(textOf(request, 'URL'))?.[1] ?? 0);
}

function complete(state: DeviceState, method: string, commandKey: string, faultCode: number, at: Date): void {
  const now = at.toISOString();
  const faultString = faultCode === 0 ? '' : 'As planned';
  state.transfers.push({ commandKey, faultCode, faultString, startTime: now, completeTime: now });
  state.pendingEvents.push(
    { eventCode: '7 TRANSFER COMPLETE', commandKey: '' },
    { eventCode: `M ${method}`, commandKey },
  );
}

export function download(state: DeviceState, request: Element, at: Date): string {
  const refused = protocolFault(request);
  if (refused !== undefined) return refused;
  const commandKey = textOf(request, 'CommandKey');
  const faultCode = outcome(request);
  state.deeds.push(`Download ${commandKey}`);
  complete(state, 'Download', commandKey, faultCode, at);
  // HEMS-16: a new image runs from the next boot on.
  if (faultCode === 0 && textOf(request, 'FileType').startsWith('1 ')) {
    setParameter(state.tree, 'Device.DeviceInfo.SoftwareVersion', textOf(request, 'TargetFileName') || '3.2.2');
    state.pendingEvents.push({ eventCode: '1 BOOT', commandKey: '' });
  }
  return tag('cwmp:DownloadResponse', tag('Status', '1') + times);
}

export function upload(state: DeviceState, request: Element, at: Date): string {
  const refused = protocolFault(request);
  if (refused !== undefined) return refused;
  const commandKey = textOf(request, 'CommandKey');
  state.deeds.push(`Upload ${commandKey}`);
  complete(state, 'Upload', commandKey, outcome(request), at);
  return tag('cwmp:UploadResponse', tag('Status', '1') + times);
}

/** Waits for its window until `releaseTransfers`. */
export function scheduleDownload(state: DeviceState, request: Element): string {
  const refused = protocolFault(request);
  if (refused !== undefined) return refused;
  const windows = child(request, 'TimeWindowList')?.children ?? [];
  if (windows.length < 1 || windows.length > 2) return faultXml(9003, 'Invalid arguments');
  const commandKey = textOf(request, 'CommandKey');
  state.deeds.push(`ScheduleDownload ${commandKey}`);
  state.queued.push({
    commandKey,
    isDownload: true,
    fileType: textOf(request, 'FileType'),
    fileSize: Number(textOf(request, 'FileSize')),
    targetFileName: textOf(request, 'TargetFileName'),
  });
  return tag('cwmp:ScheduleDownloadResponse', '');
}

/** The windows have come: what waited for them is done. */
export function releaseTransfers(state: DeviceState, at: Date): void {
  for (const { commandKey } of state.queued.splice(0)) complete(state, 'ScheduleDownload', commandKey, 0, at);
}

export function cancelTransfer(state: DeviceState, request: Element): string {
  const commandKey = textOf(request, 'CommandKey');
  const index = state.queued.findIndex((transfer) => transfer.commandKey === commandKey);
  // TR-069 A.4.1.9: a transfer that is not there is cancelled already.
  if (index >= 0) state.queued.splice(index, 1);
  return tag('cwmp:CancelTransferResponse', '');
}

export function queuedTransfers({ queued }: DeviceState, all: boolean): string {
  const method = all ? 'GetAllQueuedTransfers' : 'GetQueuedTransfers';
  const struct = all ? 'AllQueuedTransferStruct' : 'QueuedTransferStruct';
  const items = queued.map((transfer) => tag(struct, basics(transfer) + (all ? details(transfer) : '')));
  return tag(`cwmp:${method}Response`, arrayXml('TransferList', `cwmp:${struct}`, items));
}

function basics({ commandKey }: QueuedTransfer): string {
  return tag('CommandKey', escapeXml(commandKey)) + tag('State', '1');
}

function details({ isDownload, fileType, fileSize, targetFileName }: QueuedTransfer): string {
  return (
    tag('IsDownload', isDownload ? '1' : '0') +
    tag('FileType', escapeXml(fileType)) +
    tag('FileSize', String(fileSize)) +
    tag('TargetFileName', escapeXml(targetFileName))
  );
}

/** Every operation goes well, and is told in the next session (TR-069 A.4.2.3). */
export function changeDuState(state: DeviceState, request: Element, at: Date): string {
  const commandKey = textOf(request, 'CommandKey');
  const now = at.toISOString();
  const results = request.children
    .filter(({ name }) => name === 'Operations')
    .map((operation) => {
      const installed = [...operation.attributes].some(([, type]) => /(Install|Update)OpStruct$/.test(type));
      const fault = tag('FaultCode', '0') + tag('FaultString', '');
      return tag(
        'Results',
        [
          tag('UUID', escapeXml(textOf(operation, 'UUID'))),
          tag('DeploymentUnitRef', 'Device.SoftwareModules.DeploymentUnit.1.'),
          tag('Version', escapeXml(textOf(operation, 'Version'))),
          tag('CurrentState', installed ? 'Installed' : 'Uninstalled'),
          tag('Resolved', '1'),
          tag('ExecutionUnitRefList', ''),
          tag('StartTime', now),
          tag('CompleteTime', now),
          tag('Fault', fault),
        ].join(''),
      );
    });
  state.deeds.push(`ChangeDUState ${commandKey}`);
  state.pendingEvents.push(
    { eventCode: '11 DU STATE CHANGE COMPLETE', commandKey: '' },
    { eventCode: 'M ChangeDUState', commandKey },
  );
  state.ownRequests.push({
    method: 'DUStateChangeComplete',
    body: tag('cwmp:DUStateChangeComplete', results.join('') + tag('CommandKey', escapeXml(commandKey))),
  });
  return tag('cwmp:ChangeDUStateResponse', '');
}
