import type { CpeFault } from './faults.ts';
import type {
  CpeHeaders,
  CpeMessage,
  CpeRequest,
  CpeResponse,
  DeviceIdStruct,
  EventStruct,
  Inform,
  ParameterValueStruct,
  TransferComplete,
} from './messages.ts';
import { printable, Refusal } from './refusal.ts';
import { array, many, required, type StructShape, struct, text } from './shape.ts';
import { soapNamespaces } from './soap.ts';
import { trimSpace } from './white-space.ts';

/* The arguments of the messages a CPE sends (TR-069 Annex A), by the names of the schema. */

const asSent = text('longText', (value) => value);
const shortText = text('shortText', (value) => value);
/** Names, codes and identities, which some devices set on lines of their own. */
const word = text('shortText', trimSpace);

/** An empty number is read as absent. */
const unsignedInt = text('shortText', (value): number | undefined => {
  const digits = trimSpace(value);
  if (digits === '') return undefined;
  const number = Number(digits);
  if (!/^\+?\d{1,10}$/.test(digits) || number > 0xffff_ffff)
    throw new Refusal('invalid-arguments', `${printable(digits)} is not an unsignedInt`);
  return number;
});

const parameterValue = struct(
  { Name: word, Value: text('longText', (value, type) => ({ value, type })) },
  (read): ParameterValueStruct => ({
    name: required(read.Name, 'Name'),
    // An absent Value is an empty one: some devices leave it out.
    value: read.Value?.value ?? '',
    type: read.Value?.type,
  }),
);

const parameterList = array('ParameterValueStruct', parameterValue, 'parameters');

const deviceId = struct(
  { Manufacturer: word, OUI: word, ProductClass: word, SerialNumber: word },
  (read): DeviceIdStruct => ({
    manufacturer: read.Manufacturer ?? '',
    oui: read.OUI ?? '',
    productClass: read.ProductClass ?? '',
    serialNumber: read.SerialNumber ?? '',
  }),
);

const event = struct(
  { EventCode: word, CommandKey: word },
  (read): EventStruct => ({ eventCode: read.EventCode ?? '', commandKey: read.CommandKey ?? '' }),
);

const inform = struct(
  {
    DeviceId: deviceId,
    Event: array('EventStruct', event, 'events'),
    MaxEnvelopes: unsignedInt,
    CurrentTime: word,
    RetryCount: unsignedInt,
    ParameterList: parameterList,
  },
  (read): Inform => ({
    method: 'Inform',
    deviceId: required(read.DeviceId, 'DeviceId'),
    events: read.Event ?? [],
    maxEnvelopes: read.MaxEnvelopes ?? 1,
    currentTime: read.CurrentTime ?? '',
    retryCount: read.RetryCount ?? 0,
    parameterList: read.ParameterList ?? [],
  }),
);

const faultStruct = struct({ FaultCode: unsignedInt, FaultString: asSent }, (read) => ({
  // Not 0 where it is missing: that would call a failed transfer a good one.
  faultCode: required(read.FaultCode, 'FaultCode'),
  faultString: read.FaultString ?? '',
}));

const transferComplete = struct(
  { CommandKey: word, FaultStruct: faultStruct, StartTime: word, CompleteTime: word },
  (read): TransferComplete => ({
    method: 'TransferComplete',
    commandKey: read.CommandKey ?? '',
    faultStruct: required(read.FaultStruct, 'FaultStruct'),
    startTime: read.StartTime ?? '',
    completeTime: read.CompleteTime ?? '',
  }),
);

const methodList = array('string', word, 'methods');

function request(shape: StructShape<CpeRequest>): StructShape<CpeMessage> {
  return { ...shape, build: (read) => ({ kind: 'request', request: shape.build(read) }) };
}

function response(shape: StructShape<CpeResponse>): StructShape<CpeMessage> {
  return { ...shape, build: (read) => ({ kind: 'response', response: shape.build(read) }) };
}

const requestShapes: ReadonlyMap<string, StructShape<CpeMessage>> = new Map([
  ['Inform', request(inform)],
  ['GetRPCMethods', request(struct({}, () => ({ method: 'GetRPCMethods' })))],
  ['TransferComplete', request(transferComplete)],
]);

const getRpcMethodsResponse = struct(
  { MethodList: methodList },
  (read): CpeResponse => ({ method: 'GetRPCMethodsResponse', methodList: read.MethodList ?? [] }),
);

const getParameterValuesResponse = struct(
  { ParameterList: parameterList },
  (read): CpeResponse => ({ method: 'GetParameterValuesResponse', parameterList: read.ParameterList ?? [] }),
);

const responseShapes: ReadonlyMap<string, StructShape<CpeMessage>> = new Map([
  ['GetRPCMethodsResponse', response(getRpcMethodsResponse)],
  ['GetParameterValuesResponse', response(getParameterValuesResponse)],
]);

/** The methods that are answered with something else than fault 8000. */
export const supportedMethods: readonly string[] = [...requestShapes.keys()];

/** The shape of the message that an element of CWMP's namespace begins. */
export function messageShape(name: string): { kind: 'request' | 'response'; shape: StructShape<CpeMessage> } {
  // TR-069 3.5: a response bears its method's name with `Response` after it.
  if (name.endsWith('Response')) {
    const unsupported = () => response(struct({}, () => ({ method: 'unsupported', name })));
    return { kind: 'response', shape: responseShapes.get(name) ?? unsupported() };
  }
  const unsupported = () => request(struct({}, () => ({ method: 'unsupported', name })));
  return { kind: 'request', shape: requestShapes.get(name) ?? unsupported() };
}

const setParameterValuesFault = struct(
  { ParameterName: word, FaultCode: unsignedInt, FaultString: asSent },
  (read) => ({
    parameterName: read.ParameterName ?? '',
    faultCode: required(read.FaultCode, 'FaultCode'),
    faultString: read.FaultString ?? '',
  }),
);

const cwmpFault = struct(
  {
    FaultCode: unsignedInt,
    FaultString: asSent,
    SetParameterValuesFault: many(setParameterValuesFault, 'parameterFaults'),
  },
  (read): CpeFault => ({
    faultCode: required(read.FaultCode, 'FaultCode'),
    faultString: read.FaultString ?? '',
    setParameterValuesFaults: read.SetParameterValuesFault ?? [],
  }),
);

/** TR-069 3.5: a SOAP fault without `cwmp:Fault` in its detail is invalid; faultcode and faultstring say nothing. */
export const faultShape = struct(
  { detail: struct({ Fault: cwmpFault }, (read) => required(read.Fault, 'cwmp:Fault')) },
  (read): CpeMessage => ({ kind: 'fault', fault: required(read.detail, 'detail') }),
  [soapNamespaces.envelope],
);

/** An unsignedInt that is passed over where it is none. */
const hint = text('shortText', (value) => (/^\d{1,9}$/.test(trimSpace(value)) ? Number(trimSpace(value)) : undefined));

const versions = text('shortText', (value) =>
  value
    .split(',')
    .map(trimSpace)
    .filter((version) => version !== ''),
);

/** Headers that are ours but say nothing to an ACS: those that only an ACS may send, and one of 2004. */
export const idleHeaders: readonly string[] = ['HoldRequests', 'UseCWMPVersion', 'NoMoreRequests'];

export const headerShape = struct(
  { ID: shortText, SessionTimeout: hint, SupportedCWMPVersions: versions },
  (read): CpeHeaders => ({
    // Unchanged, white space included, for the device compares it.
    id: read.ID,
    sessionTimeout: read.SessionTimeout,
    supportedCwmpVersions: read.SupportedCWMPVersions,
  }),
);
