import assert from 'node:assert/strict';
import type { CpeResponse } from '../../src/cwmp/acs-methods.ts';
import type { CpeRequest, Inform } from '../../src/cwmp/cpe-methods.ts';
import { type DecodeError, type DecodeOptions, decodeEnvelope } from '../../src/cwmp/decode.ts';
import type { Envelope } from '../../src/cwmp/messages.ts';

/* Messages as a CPE writes them, by hand: the reader under test has no part in them. */

export const namespace = 'urn:dslforum-org:cwmp-1-1';

export interface Wire {
  readonly body: string;
  /** CWMP's namespace. */
  readonly namespace?: string;
  /** Content of the SOAP header; none leaves the header out. */
  readonly header?: string;
}

export const idHeader = (id: string): string => `<cwmp:ID soap:mustUnderstand="1">${id}</cwmp:ID>`;

export function envelopeXml({ body, header = idHeader('17'), namespace: cwmp = namespace }: Wire): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"',
    ' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="${cwmp}">`,
    header === '' ? '' : `<soap:Header>${header}</soap:Header>`,
    `<soap:Body>${body}</soap:Body></soap:Envelope>`,
  ].join('');
}

export const deviceIdXml = [
  '<DeviceId><Manufacturer>Acme</Manufacturer><OUI>00D09E</OUI><ProductClass>Femto</ProductClass>',
  '<SerialNumber>000123</SerialNumber></DeviceId>',
].join('');

export const eventXml = [
  '<Event soapenc:arrayType="cwmp:EventStruct[2]"><EventStruct><EventCode>0 BOOTSTRAP</EventCode><CommandKey></CommandKey>',
  '</EventStruct><EventStruct><EventCode>M Reboot</EventCode><CommandKey>task 7</CommandKey></EventStruct></Event>',
].join('');

export const parameterListXml = [
  '<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[2]"><ParameterValueStruct>',
  '<Name>Device.DeviceInfo.SoftwareVersion</Name><Value xsi:type="xsd:string">1.0</Value></ParameterValueStruct>',
  '<ParameterValueStruct><Name>Device.X</Name><Value xsi:type="xsd:unsignedInt">7</Value></ParameterValueStruct></ParameterList>',
].join('');

export function informXml(change: (xml: string) => string = (xml) => xml): string {
  return change(
    [
      `<cwmp:Inform>${deviceIdXml}${eventXml}<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2025-11-24T08:00:00Z</CurrentTime>`,
      `<RetryCount>3</RetryCount>${parameterListXml}</cwmp:Inform>`,
    ].join(''),
  );
}

export const transferCompleteXml = [
  '<cwmp:TransferComplete><CommandKey>task 9</CommandKey><FaultStruct><FaultCode>9010</FaultCode>',
  '<FaultString>no such file</FaultString></FaultStruct><StartTime>2025-11-24T08:00:00Z</StartTime>',
  '<CompleteTime>2025-11-24T08:01:00Z</CompleteTime></cwmp:TransferComplete>',
].join('');

export const getRpcMethodsXml = '<cwmp:GetRPCMethods/>';

export const valuesXml = `<cwmp:GetParameterValuesResponse>${parameterListXml}</cwmp:GetParameterValuesResponse>`;

export const methodsXml = [
  '<cwmp:GetRPCMethodsResponse><MethodList soapenc:arrayType="xsd:string[2]"><string>GetRPCMethods</string>',
  '<string>Reboot</string></MethodList></cwmp:GetRPCMethodsResponse>',
].join('');

export const faultXml = [
  '<soap:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>',
  '<FaultCode>9003</FaultCode><FaultString>Invalid arguments</FaultString><SetParameterValuesFault>',
  '<ParameterName>Device.X</ParameterName><FaultCode>9007</FaultCode><FaultString>Invalid value</FaultString>',
  '</SetParameterValuesFault></cwmp:Fault></detail></soap:Fault>',
].join('');

export function read(wire: Wire | string | Uint8Array, options?: DecodeOptions): Envelope {
  const decoded = decodeEnvelope(bytesOf(wire), options);
  if (!decoded.ok) assert.fail(`refused: ${decoded.error.code}: ${decoded.error.message}`);
  return decoded.envelope;
}

export function refusal(wire: Wire | string | Uint8Array, options?: DecodeOptions): DecodeError {
  const decoded = decodeEnvelope(bytesOf(wire), options);
  assert.ok(!decoded.ok, 'was read, but should have been refused');
  assert.match(decoded.error.message, /^[\x20-\x7e…]{1,170}$/, 'what is logged is one line of printable ASCII');
  return decoded.error;
}

export function readRequest(wire: Wire, options?: DecodeOptions): CpeRequest {
  const { body } = read(wire, options);
  assert.equal(body.kind, 'request');
  return body.request;
}

export function readInform(wire: Wire | string | Uint8Array, options?: DecodeOptions): Inform {
  const { body } = read(wire, options);
  assert.ok(body.kind === 'request' && body.request.method === 'Inform');
  return body.request;
}

export function readResponse(wire: Wire): CpeResponse {
  const { body } = read(wire);
  assert.equal(body.kind, 'response');
  return body.response;
}

function bytesOf(wire: Wire | string | Uint8Array): Uint8Array {
  if (wire instanceof Uint8Array) return wire;
  return Buffer.from(typeof wire === 'string' ? wire : envelopeXml(wire));
}
