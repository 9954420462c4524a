import type {
  AutonomousDuStateChangeComplete,
  AutonomousTransferComplete,
  CpeRequest,
  DuStateChangeComplete,
  Inform,
  Kicked,
  OpResultStruct,
  RequestDownload,
  TransferComplete,
} from './cpe-methods.ts';
import type { DeviceIdStruct, EventStruct } from './messages.ts';
import { array, many, required, type StructShape, struct } from './shape.ts';
import { asSent, boolean, faultStruct, parameterList, unsignedInt, word } from './value-shapes.ts';

/* The arguments of what a CPE asks (TR-069 Annex A), by the names of the schema. */

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

const autonomousTransferComplete = struct(
  {
    AnnounceURL: word,
    TransferURL: word,
    IsDownload: boolean,
    FileType: word,
    FileSize: unsignedInt,
    TargetFileName: word,
    FaultStruct: faultStruct,
    StartTime: word,
    CompleteTime: word,
  },
  (read): AutonomousTransferComplete => ({
    method: 'AutonomousTransferComplete',
    announceUrl: read.AnnounceURL ?? '',
    transferUrl: read.TransferURL ?? '',
    isDownload: read.IsDownload ?? true,
    fileType: read.FileType ?? '',
    fileSize: read.FileSize ?? 0,
    targetFileName: read.TargetFileName ?? '',
    faultStruct: required(read.FaultStruct, 'FaultStruct'),
    startTime: read.StartTime ?? '',
    completeTime: read.CompleteTime ?? '',
  }),
);

const opResult = struct(
  {
    UUID: word,
    DeploymentUnitRef: word,
    Version: word,
    CurrentState: word,
    Resolved: boolean,
    ExecutionUnitRefList: word,
    StartTime: word,
    CompleteTime: word,
    Fault: faultStruct,
    OperationPerformed: word,
  },
  (read): OpResultStruct => ({
    uuid: read.UUID ?? '',
    deploymentUnitRef: read.DeploymentUnitRef ?? '',
    version: read.Version ?? '',
    currentState: read.CurrentState ?? '',
    resolved: read.Resolved ?? false,
    executionUnitRefList: read.ExecutionUnitRefList ?? '',
    startTime: read.StartTime ?? '',
    completeTime: read.CompleteTime ?? '',
    fault: required(read.Fault, 'Fault'),
    operationPerformed: read.OperationPerformed,
  }),
);

const results = many(opResult, 'items');

const duStateChangeComplete = struct(
  { Results: results, CommandKey: word },
  (read): DuStateChangeComplete => ({
    method: 'DUStateChangeComplete',
    results: read.Results ?? [],
    commandKey: read.CommandKey ?? '',
  }),
);

const autonomousDuStateChangeComplete = struct(
  { Results: results },
  (read): AutonomousDuStateChangeComplete => ({
    method: 'AutonomousDUStateChangeComplete',
    results: read.Results ?? [],
  }),
);

const argument = struct({ Name: word, Value: asSent }, (read) => ({ name: read.Name ?? '', value: read.Value ?? '' }));

const requestDownload = struct(
  { FileType: word, FileTypeArg: array('ArgStruct', argument, 'items') },
  (read): RequestDownload => ({
    method: 'RequestDownload',
    fileType: read.FileType ?? '',
    fileTypeArg: read.FileTypeArg ?? [],
  }),
);

const kicked = struct(
  { Command: word, Referer: word, Arg: word, Next: word },
  (read): Kicked => ({
    method: 'Kicked',
    command: read.Command ?? '',
    referer: read.Referer ?? '',
    arg: read.Arg ?? '',
    next: read.Next ?? '',
  }),
);

export const requestShapes: Readonly<Record<Exclude<CpeRequest['method'], 'unsupported'>, StructShape<CpeRequest>>> = {
  Inform: inform,
  GetRPCMethods: struct({}, (): CpeRequest => ({ method: 'GetRPCMethods' })),
  TransferComplete: transferComplete,
  AutonomousTransferComplete: autonomousTransferComplete,
  DUStateChangeComplete: duStateChangeComplete,
  AutonomousDUStateChangeComplete: autonomousDuStateChangeComplete,
  RequestDownload: requestDownload,
  Kicked: kicked,
};
