import type { AcsFaultCode } from './faults.ts';
import type { DeviceIdStruct, EventStruct, FaultStruct, ParameterValueStruct } from './messages.ts';

/* The methods of an ACS (TR-069 A.3.3 and A.4.2): what a CPE asks, and what the ACS answers. */

export interface Inform {
  readonly method: 'Inform';
  readonly deviceId: DeviceIdStruct;
  readonly events: readonly EventStruct[];
  readonly maxEnvelopes: number;
  /** xsd:dateTime as sent; `0001-01-01T00:00:00Z` from a device that does not know the time yet. */
  readonly currentTime: string;
  readonly retryCount: number;
  readonly parameterList: readonly ParameterValueStruct[];
}

export interface TransferComplete {
  readonly method: 'TransferComplete';
  readonly commandKey: string;
  readonly faultStruct: FaultStruct;
  /** xsd:dateTime as sent. */
  readonly startTime: string;
  readonly completeTime: string;
}

/** A transfer that nobody asked for by an RPC. */
export interface AutonomousTransferComplete {
  readonly method: 'AutonomousTransferComplete';
  readonly announceUrl: string;
  readonly transferUrl: string;
  readonly isDownload: boolean;
  readonly fileType: string;
  readonly fileSize: number;
  readonly targetFileName: string;
  readonly faultStruct: FaultStruct;
  readonly startTime: string;
  readonly completeTime: string;
}

/** What became of one operation of ChangeDUState. */
export interface OpResultStruct {
  readonly uuid: string;
  readonly deploymentUnitRef: string;
  readonly version: string;
  /** `Installed`, `Uninstalled`, `Failed`. */
  readonly currentState: string;
  readonly resolved: boolean;
  readonly executionUnitRefList: string;
  readonly startTime: string;
  readonly completeTime: string;
  readonly fault: FaultStruct;
  /** Of AutonomousDUStateChangeComplete alone. */
  readonly operationPerformed?: string | undefined;
}

export interface DuStateChangeComplete {
  readonly method: 'DUStateChangeComplete';
  readonly results: readonly OpResultStruct[];
  readonly commandKey: string;
}

export interface AutonomousDuStateChangeComplete {
  readonly method: 'AutonomousDUStateChangeComplete';
  readonly results: readonly OpResultStruct[];
}

export interface RequestDownload {
  readonly method: 'RequestDownload';
  readonly fileType: string;
  readonly fileTypeArg: readonly { readonly name: string; readonly value: string }[];
}

/** Of web pages that a user of the device has open; deprecated. */
export interface Kicked {
  readonly method: 'Kicked';
  readonly command: string;
  readonly referer: string;
  readonly arg: string;
  readonly next: string;
}

/** A request that hems knows by its name only: it is answered with fault 8000. */
export interface UnsupportedRequest {
  readonly method: 'unsupported';
  /** The method's name as sent, e.g. `X_00D09E_Hello`. */
  readonly name: string;
}

/** What the device tells rather than asks: it is answered and recorded. */
export type Notice =
  | TransferComplete
  | AutonomousTransferComplete
  | DuStateChangeComplete
  | AutonomousDuStateChangeComplete
  | RequestDownload
  | Kicked;

/** What a CPE asks of the ACS. */
export type CpeRequest = Inform | { readonly method: 'GetRPCMethods' } | Notice | UnsupportedRequest;

/** What the ACS answers to a CPE's request. */
export type AcsResponse =
  | { readonly method: 'InformResponse' }
  | { readonly method: 'GetRPCMethodsResponse'; readonly methodList: readonly string[] }
  | { readonly method: `${Exclude<Notice, Kicked>['method']}Response` }
  | { readonly method: 'KickedResponse'; readonly nextUrl: string }
  | { readonly method: 'Fault'; readonly faultCode: AcsFaultCode };
