import type { ParameterValue } from './parameter-tree.ts';

export type CwmpVersion = '1.0' | '1.1' | '1.2' | '1.3' | '1.4';

/** TR-069 A4 and A5 kept the namespace of A3. */
export const namespaces: Readonly<Record<CwmpVersion, string>> = {
  '1.0': 'urn:dslforum-org:cwmp-1-0',
  '1.1': 'urn:dslforum-org:cwmp-1-1',
  '1.2': 'urn:dslforum-org:cwmp-1-2',
  '1.3': 'urn:dslforum-org:cwmp-1-2',
  '1.4': 'urn:dslforum-org:cwmp-1-2',
};

export interface DeviceIdStruct {
  readonly manufacturer: string;
  /** Six hex digits, upper case. */
  readonly oui: string;
  readonly productClass: string;
  readonly serialNumber: string;
}

export interface EventStruct {
  readonly eventCode: string;
  readonly commandKey: string;
}

export interface Inform {
  readonly deviceId: DeviceIdStruct;
  readonly events: readonly EventStruct[];
  readonly currentTime: string;
  readonly retryCount: number;
  readonly parameterList: readonly ParameterValue[];
}

export interface TransferComplete {
  readonly commandKey: string;
  /** 0: done. */
  readonly faultCode: number;
  readonly faultString: string;
  readonly startTime: string;
  readonly completeTime: string;
}

/** A call of the device's own. */
export interface OwnRequest {
  readonly method: string;
  /** The SOAP body's content. */
  readonly body: string;
}

export interface Envelope {
  readonly version: CwmpVersion;
  /** Absent: no cwmp:ID header, as some devices do. */
  readonly id?: string;
  /** The SOAP body's content, e.g. from `informXml`. */
  readonly body: string;
  /** Inform alone carries the version headers (SessionTimeout from 1.3 on, SupportedCWMPVersions from 1.4 on). */
  readonly isInform?: boolean;
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

export function tag(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

const value = (name: string, text: string | number): string => tag(name, escapeXml(String(text)));

export function envelopeXml(envelope: Envelope): string {
  const namespace = namespaces[envelope.version];
  const headers = [
    ...(envelope.id === undefined ? [] : [`<cwmp:ID s:mustUnderstand="1">${escapeXml(envelope.id)}</cwmp:ID>`]),
    ...(envelope.isInform === true ? versionHeaders(envelope.version) : []),
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/"',
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    ` xmlns:cwmp="${namespace}">`,
    headers.length === 0 ? '' : tag('s:Header', headers.join('')),
    tag('s:Body', envelope.body),
    '</s:Envelope>',
  ].join('');
}

function versionHeaders(version: CwmpVersion): string[] {
  const timeout = '<cwmp:SessionTimeout s:mustUnderstand="0">60</cwmp:SessionTimeout>';
  const supported = '<cwmp:SupportedCWMPVersions s:mustUnderstand="0">1.0,1.1,1.2,1.3,1.4</cwmp:SupportedCWMPVersions>';
  if (version === '1.3') return [timeout];
  return version === '1.4' ? [timeout, supported] : [];
}

export function informXml(inform: Inform): string {
  const { manufacturer, oui, productClass, serialNumber } = inform.deviceId;
  const events = inform.events.map(({ eventCode, commandKey }) =>
    tag('EventStruct', value('EventCode', eventCode) + value('CommandKey', commandKey)),
  );
  const deviceId = [
    value('Manufacturer', manufacturer),
    value('OUI', oui),
    value('ProductClass', productClass),
    value('SerialNumber', serialNumber),
  ];
  const content = [
    tag('DeviceId', deviceId.join('')),
    arrayXml('Event', 'cwmp:EventStruct', events),
    value('MaxEnvelopes', 1),
    value('CurrentTime', inform.currentTime),
    value('RetryCount', inform.retryCount),
    parameterListXml(inform.parameterList),
  ];
  return tag('cwmp:Inform', content.join(''));
}

export function arrayXml(name: string, type: string, items: readonly string[]): string {
  return `<${name} e:arrayType="${type}[${items.length}]">${items.join('')}</${name}>`;
}

export function parameterListXml(parameters: readonly ParameterValue[]): string {
  const items = parameters.map(
    (parameter) =>
      `<ParameterValueStruct>${value('Name', parameter.name)}<Value xsi:type="xsd:${parameter.type}">${escapeXml(parameter.value)}</Value></ParameterValueStruct>`,
  );
  return arrayXml('ParameterList', 'cwmp:ParameterValueStruct', items);
}

export function transferCompleteXml(transfer: TransferComplete): string {
  const content = [
    value('CommandKey', transfer.commandKey),
    tag('FaultStruct', value('FaultCode', transfer.faultCode) + value('FaultString', transfer.faultString)),
    value('StartTime', transfer.startTime),
    value('CompleteTime', transfer.completeTime),
  ];
  return tag('cwmp:TransferComplete', content.join(''));
}

export interface ParameterFault {
  readonly name: string;
  readonly code: number;
  readonly message: string;
}

export function faultXml(code: number, message: string, parameters: readonly ParameterFault[] = []): string {
  const details = parameters.map(({ name, code: faultCode, message: text }) =>
    tag(
      'SetParameterValuesFault',
      value('ParameterName', name) + value('FaultCode', faultCode) + value('FaultString', text),
    ),
  );
  const fault = tag('cwmp:Fault', value('FaultCode', code) + value('FaultString', message) + details.join(''));
  return tag('s:Fault', `<faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>${tag('detail', fault)}`);
}
