import type { DeviceState, QueuedTransfer, TransferJob } from './device-state.ts';
import { arrayXml, escapeXml, faultXml, tag } from './soap-writer.ts';
import { child, type Element, textOf } from './xml-tree.ts';

/* What is asked for is noted; it is done when the session is over (transfer-run.ts). */

const unknownTime = '0001-01-01T00:00:00Z';
const times = tag('StartTime', unknownTime) + tag('CompleteTime', unknownTime);

/** TR-069 A.3.2.8: what TS 33.320 and this device know. */
function protocolFault(request: Element): string | undefined {
  return /^https:/i.test(textOf(request, 'URL').trim())
    ? undefined
    : faultXml(9013, 'Unsupported protocol for file transfer');
}

function asked(state: DeviceState, method: 'Download' | 'Upload', request: Element, at: Date): string {
  const refused = protocolFault(request);
  if (refused !== undefined) return refused;
  const commandKey = textOf(request, 'CommandKey');
  state.deeds.push(`${method} ${commandKey}`);
  const delay = Number(textOf(request, 'DelaySeconds') || 0) * 1000;
  state.jobs.push({ ...jobOf(request, method), notBefore: new Date(at.getTime() + delay) });
  return tag(`cwmp:${method}Response`, tag('Status', '1') + times);
}

function jobOf(request: Element, method: TransferJob['method']): Omit<TransferJob, 'notBefore'> {
  return {
    method,
    commandKey: textOf(request, 'CommandKey'),
    isDownload: method !== 'Upload',
    fileType: textOf(request, 'FileType'),
    fileSize: Number(textOf(request, 'FileSize') || 0),
    targetFileName: textOf(request, 'TargetFileName'),
    url: textOf(request, 'URL').trim(),
  };
}

export function download(state: DeviceState, request: Element, at: Date): string {
  return asked(state, 'Download', request, at);
}

export function upload(state: DeviceState, request: Element, at: Date): string {
  return asked(state, 'Upload', request, at);
}

/** Waits for its window until `releaseTransfers`. */
export function scheduleDownload(state: DeviceState, request: Element, at: Date): string {
  const refused = protocolFault(request);
  if (refused !== undefined) return refused;
  const windows = child(request, 'TimeWindowList')?.children ?? [];
  if (windows.length < 1 || windows.length > 2) return faultXml(9003, 'Invalid arguments');
  const commandKey = textOf(request, 'CommandKey');
  state.deeds.push(`ScheduleDownload ${commandKey}`);
  state.queued.push({ ...jobOf(request, 'ScheduleDownload'), notBefore: at });
  return tag('cwmp:ScheduleDownloadResponse', '');
}

/** The windows have come: what waited for them is done at the next occasion. */
export function releaseTransfers(state: DeviceState, at: Date): void {
  for (const waiting of state.queued.splice(0)) state.jobs.push({ ...waiting, notBefore: at });
}

export function cancelTransfer(state: DeviceState, request: Element): string {
  const commandKey = textOf(request, 'CommandKey');
  // TR-069 A.4.1.8: a transfer that is not there is cancelled already.
  for (const list of [state.queued, state.jobs]) {
    const index = list.findIndex((transfer) => transfer.commandKey === commandKey);
    if (index >= 0) list.splice(index, 1);
  }
  return tag('cwmp:CancelTransferResponse', '');
}

export function queuedTransfers({ queued, jobs }: DeviceState, all: boolean): string {
  const method = all ? 'GetAllQueuedTransfers' : 'GetQueuedTransfers';
  const struct = all ? 'AllQueuedTransferStruct' : 'QueuedTransferStruct';
  const items = [...queued, ...jobs].map((transfer) => tag(struct, basics(transfer) + (all ? details(transfer) : '')));
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
