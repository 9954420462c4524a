import type { AcsRequest, Operation, SetParameterAttributesStruct, TimeWindowStruct } from './acs-methods.ts';
import type { ParameterValueStruct } from './messages.ts';
import { arrayElement, element, escapeXml, leaf, optional, strings } from './xml-writing.ts';

/* Arguments in the order of the schema, all of them there, unqualified (TR-069 3.5). */

type Writers = { readonly [M in AcsRequest['method']]: (request: Extract<AcsRequest, { method: M }>) => string };

const writers: Writers = {
  GetRPCMethods: () => '',
  SetParameterValues: ({ parameterList, parameterKey }) =>
    arrayElement('ParameterList', 'cwmp:ParameterValueStruct', parameterList.map(parameterValue)) +
    leaf('ParameterKey', parameterKey),
  GetParameterValues: ({ parameterNames }) => strings('ParameterNames', parameterNames),
  GetParameterNames: ({ parameterPath, nextLevel }) =>
    leaf('ParameterPath', parameterPath) + leaf('NextLevel', nextLevel),
  SetParameterAttributes: ({ parameterList }) =>
    arrayElement('ParameterList', 'cwmp:SetParameterAttributesStruct', parameterList.map(parameterAttributes)),
  GetParameterAttributes: ({ parameterNames }) => strings('ParameterNames', parameterNames),
  AddObject: ({ objectName, parameterKey }) => leaf('ObjectName', objectName) + leaf('ParameterKey', parameterKey),
  DeleteObject: ({ objectName, parameterKey }) => leaf('ObjectName', objectName) + leaf('ParameterKey', parameterKey),
  Download: (request) =>
    transfer(request) +
    leaf('FileSize', request.fileSize) +
    leaf('TargetFileName', request.targetFileName) +
    leaf('DelaySeconds', request.delaySeconds) +
    leaf('SuccessURL', request.successUrl) +
    leaf('FailureURL', request.failureUrl),
  Reboot: ({ commandKey }) => leaf('CommandKey', commandKey),
  GetQueuedTransfers: () => '',
  ScheduleInform: ({ delaySeconds, commandKey }) => leaf('DelaySeconds', delaySeconds) + leaf('CommandKey', commandKey),
  SetVouchers: ({ voucherList }) =>
    arrayElement(
      'VoucherList',
      'soap-enc:base64',
      voucherList.map((voucher) => leaf('base64', voucher)),
    ),
  GetOptions: ({ optionName }) => leaf('OptionName', optionName),
  Upload: (request) => transfer(request) + leaf('DelaySeconds', request.delaySeconds),
  FactoryReset: () => '',
  GetAllQueuedTransfers: () => '',
  ScheduleDownload: (request) =>
    transfer(request) +
    leaf('FileSize', request.fileSize) +
    leaf('TargetFileName', request.targetFileName) +
    arrayElement('TimeWindowList', 'cwmp:TimeWindowStruct', request.timeWindowList.map(timeWindow)),
  CancelTransfer: ({ commandKey }) => leaf('CommandKey', commandKey),
  ChangeDUState: ({ operations, commandKey }) =>
    operations.map(operationXml).join('') + optional('CommandKey', commandKey),
};

/** The message of a request of the ACS. */
export function requestXml(request: AcsRequest): string {
  const write = writers[request.method] as (request: AcsRequest) => string;
  const content = write(request);
  return content === '' ? `<cwmp:${request.method}/>` : element(`cwmp:${request.method}`, content);
}

/** Types of XML Schema by their own names; base64 is SOAP's, as in TR-106. */
function typeAttribute(type: string | undefined): string {
  if (type === undefined || !/^[A-Za-z]\w{0,31}$/.test(type)) return '';
  return ` xsi:type="${type === 'base64' ? 'soap-enc' : 'xsd'}:${type}"`;
}

function parameterValue({ name, value, type }: ParameterValueStruct): string {
  const written = `<Value${typeAttribute(type)}>${escapeXml(value)}</Value>`;
  return element('ParameterValueStruct', leaf('Name', name) + written);
}

function parameterAttributes({ name, notification, accessList }: SetParameterAttributesStruct): string {
  return element(
    'SetParameterAttributesStruct',
    leaf('Name', name) +
      leaf('NotificationChange', notification !== undefined) +
      leaf('Notification', notification ?? 0) +
      leaf('AccessListChange', accessList !== undefined) +
      strings('AccessList', accessList ?? []),
  );
}

interface TransferArguments {
  readonly commandKey: string;
  readonly fileType: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

function transfer({ commandKey, fileType, url, username, password }: TransferArguments): string {
  return (
    leaf('CommandKey', commandKey) +
    leaf('FileType', fileType) +
    leaf('URL', url) +
    leaf('Username', username) +
    leaf('Password', password)
  );
}

function timeWindow(window: TimeWindowStruct): string {
  return element(
    'TimeWindowStruct',
    leaf('WindowStart', window.windowStart) +
      leaf('WindowEnd', window.windowEnd) +
      leaf('WindowMode', window.windowMode) +
      leaf('UserMessage', window.userMessage) +
      leaf('MaxRetries', window.maxRetries),
  );
}

function operationXml(operation: Operation): string {
  const content = operationArguments(operation);
  return `<Operations xsi:type="cwmp:${operation.operation}OpStruct">${content}</Operations>`;
}

function operationArguments(operation: Operation): string {
  switch (operation.operation) {
    case 'Install':
      return (
        leaf('URL', operation.url) +
        optional('UUID', operation.uuid) +
        optional('Username', operation.username) +
        optional('Password', operation.password) +
        optional('ExecutionEnvRef', operation.executionEnvRef)
      );
    case 'Update':
      return (
        optional('UUID', operation.uuid) +
        optional('Version', operation.version) +
        optional('URL', operation.url) +
        optional('Username', operation.username) +
        optional('Password', operation.password)
      );
    case 'Uninstall':
      return (
        leaf('UUID', operation.uuid) +
        optional('Version', operation.version) +
        optional('ExecutionEnvRef', operation.executionEnvRef)
      );
  }
}
