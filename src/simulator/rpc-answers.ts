import type { DeviceState } from './device-state.ts';
import {
  addInstance,
  deleteInstance,
  isOfAcs,
  listParameters,
  type ParameterTree,
  type ParameterValue,
  readParameters,
  setFault,
  setParameter,
} from './parameter-tree.ts';
import { changeDuState, cancelTransfer, download, queuedTransfers, scheduleDownload, upload } from './rpc-transfers.ts';
import { arrayXml, escapeXml, faultXml, type ParameterFault, parameterListXml, tag } from './soap-writer.ts';
import { child, type Element, textOf } from './xml-tree.ts';

type Answer = (state: DeviceState, request: Element, at: Date) => string;

const answers: Readonly<Record<string, Answer>> = {
  GetRPCMethods: () => {
    const methods = Object.keys(answers).map((name) => tag('string', name));
    return tag('cwmp:GetRPCMethodsResponse', arrayXml('MethodList', 'xsd:string', methods));
  },
  GetParameterValues: getParameterValues,
  GetParameterNames: getParameterNames,
  SetParameterValues: setParameterValues,
  GetParameterAttributes: getParameterAttributes,
  SetParameterAttributes: setParameterAttributes,
  AddObject: addObject,
  DeleteObject: deleteObject,
  Download: download,
  Upload: upload,
  ScheduleDownload: scheduleDownload,
  CancelTransfer: cancelTransfer,
  GetQueuedTransfers: (state) => queuedTransfers(state, false),
  GetAllQueuedTransfers: (state) => queuedTransfers(state, true),
  ChangeDUState: changeDuState,
  ScheduleInform: (state, request, at) => {
    const delaySeconds = Number(textOf(request, 'DelaySeconds'));
    if (!(delaySeconds > 0)) return faultXml(9003, 'Invalid arguments');
    state.scheduled.push({ due: at.getTime() + delaySeconds * 1000, commandKey: textOf(request, 'CommandKey') });
    return tag('cwmp:ScheduleInformResponse', '');
  },
  Reboot: (state, request) => {
    if (state.restart === 'none') state.restart = 'reboot';
    state.rebootKey = textOf(request, 'CommandKey');
    return tag('cwmp:RebootResponse', '');
  },
  FactoryReset: (state) => {
    state.restart = 'factory-reset';
    return tag('cwmp:FactoryResetResponse', '');
  },
  SetVouchers: () => tag('cwmp:SetVouchersResponse', ''),
  GetOptions: () => tag('cwmp:GetOptionsResponse', arrayXml('OptionList', 'cwmp:OptionStruct', [])),
};

/** Answers one request of the ACS: the SOAP body's content, a response or a fault (TR-069 A.5.1). */
export function answerRequest(state: DeviceState, method: string, request: Element, at: Date): string {
  const planned = state.faults.findIndex((fault) => fault.method === method);
  const [fault] = planned < 0 ? [] : state.faults.splice(planned, 1);
  if (fault !== undefined) return faultXml(fault.code, 'As planned');
  const answer = Object.hasOwn(answers, method) ? answers[method] : undefined;
  if (answer === undefined) return faultXml(9000, 'Method not supported');
  setParameter(state.tree, 'Device.DeviceInfo.UpTime', upTime(state, at));
  return answer(state, request, at);
}

function upTime({ bootedAt }: DeviceState, at: Date): string {
  return String(Math.max(0, Math.floor((at.getTime() - bootedAt.getTime()) / 1000)));
}

const invalidName = (): string => faultXml(9005, 'Invalid parameter name');

function getParameterValues({ tree }: DeviceState, request: Element): string {
  const found: ParameterValue[] = [];
  for (const { text } of child(request, 'ParameterNames')?.children ?? []) {
    const values = readParameters(tree, text.trim());
    if (values === undefined) return invalidName();
    found.push(...values);
  }
  return tag('cwmp:GetParameterValuesResponse', parameterListXml(found));
}

function getParameterNames({ tree }: DeviceState, request: Element): string {
  const path = textOf(request, 'ParameterPath').trim();
  const nextLevel = isTrue(textOf(request, 'NextLevel'));
  if (nextLevel && path !== '' && !path.endsWith('.')) return faultXml(9003, 'Invalid arguments');
  const found = listParameters(tree, path, nextLevel);
  if (found === undefined) return invalidName();
  const items = found.map(({ name, writable }) =>
    tag('ParameterInfoStruct', tag('Name', escapeXml(name)) + tag('Writable', writable ? '1' : '0')),
  );
  return tag('cwmp:GetParameterNamesResponse', arrayXml('ParameterList', 'cwmp:ParameterInfoStruct', items));
}

function isTrue(text: string): boolean {
  return /^(1|true)$/.test(text.trim());
}

function typeOf(value: Element | undefined): string | undefined {
  const [, type] = [...(value?.attributes ?? [])].find(([name]) => name.endsWith(':type')) ?? [];
  return type?.slice(type.indexOf(':') + 1);
}

/** Atomic: all values or none, and one SetParameterValuesFault for each that cannot be (TR-069 A.3.2.1). */
function setParameterValues(state: DeviceState, request: Element): string {
  const wanted = (child(request, 'ParameterList')?.children ?? []).map((item) => ({
    name: textOf(item, 'Name').trim(),
    value: textOf(item, 'Value'),
    type: typeOf(child(item, 'Value')),
  }));
  const twice = new Set(wanted.map(({ name }) => name)).size < wanted.length;
  const faults: ParameterFault[] = wanted.flatMap(({ name, value, type }) => {
    const code = setFault(state.tree, name, value, type);
    return code === undefined ? [] : [{ name, code, message: 'Refused by the device' }];
  });
  if (twice || faults.length > 0) return faultXml(9003, 'Invalid arguments', faults);
  for (const { name, value } of wanted) setParameter(state.tree, name, value);
  keepKey(state.tree, request);
  return tag('cwmp:SetParameterValuesResponse', tag('Status', '0'));
}

/** TR-069 A.3.2.1: kept after success only, and told in every Inform. */
function keepKey(tree: ParameterTree, request: Element): void {
  setParameter(tree, 'Device.ManagementServer.ParameterKey', textOf(request, 'ParameterKey'));
}

/** Full paths of what a full or partial path names. */
function below(tree: ParameterTree, path: string): string[] | undefined {
  if (tree.has(path)) return [path];
  if (path !== '' && !path.endsWith('.')) return undefined;
  const names = [...tree.keys()].filter((name) => name.startsWith(path));
  return names.length === 0 ? undefined : names;
}

function getParameterAttributes({ tree }: DeviceState, request: Element): string {
  const items: string[] = [];
  for (const { text } of child(request, 'ParameterNames')?.children ?? []) {
    const names = below(tree, text.trim());
    if (names === undefined) return invalidName();
    for (const name of names) {
      const { notification = 0, accessList = [] } = tree.get(name) ?? {};
      const access = arrayXml(
        'AccessList',
        'xsd:string',
        accessList.map((entry) => tag('string', escapeXml(entry))),
      );
      items.push(
        tag(
          'ParameterAttributeStruct',
          tag('Name', escapeXml(name)) + tag('Notification', String(notification)) + access,
        ),
      );
    }
  }
  return tag('cwmp:GetParameterAttributesResponse', arrayXml('ParameterList', 'cwmp:ParameterAttributeStruct', items));
}

/** Atomic too (TR-069 A.3.2.4); a partial path is for all that is below. */
function setParameterAttributes({ tree }: DeviceState, request: Element): string {
  const wanted = (child(request, 'ParameterList')?.children ?? []).map((item) => ({
    names: below(tree, textOf(item, 'Name').trim()),
    notification: isTrue(textOf(item, 'NotificationChange')) ? Number(textOf(item, 'Notification')) : undefined,
    accessList: isTrue(textOf(item, 'AccessListChange'))
      ? (child(item, 'AccessList')?.children ?? []).map(({ text }) => text)
      : undefined,
  }));
  if (wanted.some(({ names }) => names === undefined)) return invalidName();
  if (wanted.some(({ notification = 0 }) => !(notification >= 0 && notification <= 2)))
    return faultXml(9003, 'Invalid arguments');
  for (const { names = [], notification, accessList } of wanted)
    for (const name of names) {
      const parameter = tree.get(name);
      if (parameter === undefined) continue;
      if (notification !== undefined) parameter.notification = notification;
      if (accessList !== undefined) parameter.accessList = accessList;
    }
  return tag('cwmp:SetParameterAttributesResponse', '');
}

function addObject(state: DeviceState, request: Element): string {
  const table = textOf(request, 'ObjectName').trim();
  const number = isOfAcs(table) ? addInstance(state.tree, table) : undefined;
  if (number === undefined) return invalidName();
  state.deeds.push(`AddObject ${number}`);
  keepKey(state.tree, request);
  return tag('cwmp:AddObjectResponse', tag('InstanceNumber', String(number)) + tag('Status', '0'));
}

function deleteObject(state: DeviceState, request: Element): string {
  const object = textOf(request, 'ObjectName').trim();
  if (!isOfAcs(object.replace(/\d+\.$/, '')) || !deleteInstance(state.tree, object)) return invalidName();
  keepKey(state.tree, request);
  return tag('cwmp:DeleteObjectResponse', tag('Status', '0'));
}
