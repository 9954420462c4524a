import type { AcsRequest } from './acs-methods.ts';
import type { AcsResponse } from './cpe-methods.ts';
import { requestXml } from './encode-requests.ts';
import { acsFaults } from './faults.ts';
import { soapNamespaces } from './soap.ts';
import type { CwmpVersion } from './versions.ts';
import { element, escapeXml, leaf, strings } from './xml-writing.ts';

export interface OutgoingEnvelope {
  readonly namespace: string;
  /** Of an answer: that of the request, and absent if that had none. */
  readonly id?: string | undefined;
  readonly holdRequests?: boolean | undefined;
  /** InformResponse only (CWMP 1.4). */
  readonly useCwmpVersion?: CwmpVersion | undefined;
  readonly message: AcsRequest | AcsResponse;
}

export type Encoded = { readonly ok: true; readonly xml: string } | { readonly ok: false; readonly message: string };

// XML 1.0 2.2, Char: with the flag u a lone surrogate is a code point of its own, and refused with the rest.
const notXml = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Writes one message, strictly by the schema of its version; not ok if some text of it cannot be carried by XML. */
export function encodeEnvelope(envelope: OutgoingEnvelope): Encoded {
  const headers = headersXml(envelope);
  const header = headers === '' ? '' : `<soap-env:Header>${headers}</soap-env:Header>`;
  const body = `<soap-env:Body>${messageXml(envelope.message)}</soap-env:Body>`;
  const xml = `${beforeNamespace}${escapeXml(envelope.namespace)}">${header}${body}</soap-env:Envelope>`;
  const stranger = notXml.exec(xml);
  if (stranger === null) return { ok: true, xml };
  return { ok: false, message: `U+${codePoint(stranger[0])} cannot be written as XML` };
}

const beforeNamespace = [
  '<?xml version="1.0" encoding="UTF-8"?>\n',
  `<soap-env:Envelope xmlns:soap-env="${soapNamespaces.envelope}" xmlns:soap-enc="${soapNamespaces.encoding}"`,
  ` xmlns:xsd="${soapNamespaces.schema}" xmlns:xsi="${soapNamespaces.schemaInstance}" xmlns:cwmp="`,
].join('');

function headersXml({ id, holdRequests, useCwmpVersion }: OutgoingEnvelope): string {
  let xml = '';
  if (id !== undefined) xml += headerXml('ID', escapeXml(id));
  if (holdRequests === true) xml += headerXml('HoldRequests', '1');
  if (useCwmpVersion !== undefined) xml += headerXml('UseCWMPVersion', useCwmpVersion);
  return xml;
}

/** TR-069 3.5: the receiver must understand each header that an ACS may send. */
function headerXml(name: string, content: string): string {
  return `<cwmp:${name} soap-env:mustUnderstand="1">${content}</cwmp:${name}>`;
}

function messageXml(message: AcsRequest | AcsResponse): string {
  switch (message.method) {
    case 'InformResponse':
      // TR-069 A.3.3.1: MaxEnvelopes is always 1.
      return '<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>';
    case 'TransferCompleteResponse':
    case 'AutonomousTransferCompleteResponse':
    case 'DUStateChangeCompleteResponse':
    case 'AutonomousDUStateChangeCompleteResponse':
    case 'RequestDownloadResponse':
      return `<cwmp:${message.method}/>`;
    case 'KickedResponse':
      return element('cwmp:KickedResponse', leaf('NextURL', message.nextUrl));
    case 'GetRPCMethodsResponse':
      return element('cwmp:GetRPCMethodsResponse', strings('MethodList', message.methodList));
    case 'Fault': {
      const { text, blames } = acsFaults[message.faultCode];
      const fault = `<cwmp:Fault><FaultCode>${message.faultCode}</FaultCode><FaultString>${text}</FaultString></cwmp:Fault>`;
      // TR-069 3.5: Client if the sender of the request is at fault, Server if its receiver is.
      return `<soap-env:Fault><faultcode>${blames}</faultcode><faultstring>CWMP fault</faultstring><detail>${fault}</detail></soap-env:Fault>`;
    }
    default:
      return requestXml(message);
  }
}

function codePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
