import {
  listParameters,
  type ParameterTree,
  type ParameterValue,
  readParameters,
  setFault,
  setParameter,
} from './parameter-tree.ts';
import {
  arrayXml,
  escapeXml,
  type EventStruct,
  faultXml,
  type ParameterFault,
  parameterListXml,
  tag,
  type TransferComplete,
} from './soap-writer.ts';
import { child, type Element, textOf } from './xml-tree.ts';

/** What an RPC may change in the device. */
export interface DeviceState {
  readonly tree: ParameterTree;
  /** Events of the next Inform. */
  readonly pendingEvents: EventStruct[];
  /** Transfers to report in the next session. */
  readonly transfers: TransferComplete[];
  /** False until the ACS has answered a `0 BOOTSTRAP`. */
  bootstrapped: boolean;
}

type Answer = (state: DeviceState, request: Element, at: Date) => string;

const answers: Readonly<Record<string, Answer>> = {
  GetRPCMethods: () => {
    const methods = Object.keys(answers).map((name) => tag('string', name));
    return tag('cwmp:GetRPCMethodsResponse', arrayXml('MethodList', 'xsd:string', methods));
  },
  GetParameterValues: getParameterValues,
  GetParameterNames: getParameterNames,
  SetParameterValues: setParameterValues,
  Download: download,
  Reboot: (state, request) => {
    state.pendingEvents.push(
      { eventCode: '1 BOOT', commandKey: '' },
      { eventCode: 'M Reboot', commandKey: textOf(request, 'CommandKey') },
    );
    return tag('cwmp:RebootResponse', '');
  },
  FactoryReset: (state) => {
    state.bootstrapped = false;
    state.pendingEvents.length = 0;
    setParameter(state.tree, 'Device.ManagementServer.ParameterKey', '');
    return tag('cwmp:FactoryResetResponse', '');
  },
};

/** Answers one request of the ACS: the SOAP body's content, a response or a fault (TR-069 A.5.1). */
export function answerRequest(state: DeviceState, method: string, request: Element, at: Date): string {
  const answer = Object.hasOwn(answers, method) ? answers[method] : undefined;
  return answer === undefined ? faultXml(9000, 'Method not supported') : answer(state, request, at);
}

function getParameterValues(state: DeviceState, request: Element): string {
  const found: ParameterValue[] = [];
  for (const { text } of child(request, 'ParameterNames')?.children ?? []) {
    const values = readParameters(state.tree, text.trim());
    if (values === undefined) return faultXml(9005, 'Invalid parameter name');
    found.push(...values);
  }
  return tag('cwmp:GetParameterValuesResponse', parameterListXml(found));
}

function getParameterNames(state: DeviceState, request: Element): string {
  const path = textOf(request, 'ParameterPath').trim();
  const nextLevel = /^(1|true)$/.test(textOf(request, 'NextLevel').trim());
  const found = listParameters(state.tree, path, nextLevel);
  if (found === undefined) return faultXml(9005, 'Invalid parameter name');
  const items = found.map(({ name, writable }) =>
    tag('ParameterInfoStruct', tag('Name', escapeXml(name)) + tag('Writable', writable ? '1' : '0')),
  );
  return tag('cwmp:GetParameterNamesResponse', arrayXml('ParameterList', 'cwmp:ParameterInfoStruct', items));
}

/** Atomic: all values or none, and one SetParameterValuesFault for each that cannot be (TR-069 A.3.2.1). */
function setParameterValues(state: DeviceState, request: Element): string {
  const wanted = (child(request, 'ParameterList')?.children ?? []).map((item) => ({
    name: textOf(item, 'Name').trim(),
    value: textOf(item, 'Value'),
  }));
  const twice = new Set(wanted.map(({ name }) => name)).size < wanted.length;
  const faults: ParameterFault[] = wanted.flatMap(({ name, value }) => {
    const code = setFault(state.tree, name, value);
    return code === undefined ? [] : [{ name, code, message: 'Refused by the device' }];
  });
  if (twice || faults.length > 0) return faultXml(9003, 'Invalid arguments', faults);
  for (const { name, value } of wanted) setParameter(state.tree, name, value);
  setParameter(state.tree, 'Device.ManagementServer.ParameterKey', textOf(request, 'ParameterKey'));
  return tag('cwmp:SetParameterValuesResponse', tag('Status', '0'));
}

/** Pretends: nothing is fetched; the next session reports the transfer as done. */
function download(state: DeviceState, request: Element, at: Date): string {
  const commandKey = textOf(request, 'CommandKey');
  const now = at.toISOString();
  state.transfers.push({ commandKey, faultCode: 0, faultString: '', startTime: now, completeTime: now });
  state.pendingEvents.push(
    { eventCode: '7 TRANSFER COMPLETE', commandKey: '' },
    { eventCode: 'M Download', commandKey },
  );
  const unknownTime = '0001-01-01T00:00:00Z';
  return tag(
    'cwmp:DownloadResponse',
    tag('Status', '1') + tag('StartTime', unknownTime) + tag('CompleteTime', unknownTime),
  );
}
