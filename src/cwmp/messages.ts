import type { CpeResponse } from './acs-methods.ts';
import type { CpeRequest } from './cpe-methods.ts';
import type { CpeFault } from './faults.ts';
import type { CwmpVersion } from './versions.ts';

/*
 * CWMP messages in the standard's words (TR-069 Annex A). All text that came from a device is as it was sent: any
 * Unicode that XML can carry, C1 controls and bidi marks included. It is data, to be escaped wherever it is shown.
 */

/** What an Inform claims its sender to be; the certificate, not this, says who it is. */
export interface DeviceIdStruct {
  readonly manufacturer: string;
  /** As sent: six hexadecimal digits from a device that keeps the rules, some send lower case. */
  readonly oui: string;
  readonly productClass: string;
  readonly serialNumber: string;
}

export interface EventStruct {
  /** `0 BOOTSTRAP`, `M Reboot`, `X 00D09E Something`, …; unknown codes are carried, a missing one is empty. */
  readonly eventCode: string;
  readonly commandKey: string;
}

export interface ParameterValueStruct {
  readonly name: string;
  readonly value: string;
  /** Local part of `xsi:type`, e.g. `unsignedInt`; absent if the device sent none. */
  readonly type?: string | undefined;
}

/** The outcome of a file transfer: faultCode 0 means that there was none. */
export interface FaultStruct {
  readonly faultCode: number;
  readonly faultString: string;
}

/** The one message that an envelope's body holds. */
export type CpeMessage =
  | { readonly kind: 'request'; readonly request: CpeRequest }
  | { readonly kind: 'response'; readonly response: CpeResponse }
  | { readonly kind: 'fault'; readonly fault: CpeFault };

/** SOAP headers of an envelope from a CPE; those that only an ACS may send (and NoMoreRequests) are passed over. */
export interface CpeHeaders {
  /** Echoed unchanged in the answer; absent if the device sent none. */
  readonly id?: string | undefined;
  /** Seconds (CWMP 1.3). */
  readonly sessionTimeout?: number | undefined;
  /** As sent, e.g. `['1.0', '1.1']` (CWMP 1.4). */
  readonly supportedCwmpVersions?: readonly string[] | undefined;
}

export interface Envelope {
  /** The CWMP namespace as sent, invented ones included (`urn:dslforum-org:cwmp-1-4`): answers carry the same. */
  readonly namespace: string;
  /** The version that this envelope by itself lets one infer; what a session speaks is settled by its Inform. */
  readonly version: CwmpVersion;
  readonly headers: CpeHeaders;
  readonly body: CpeMessage;
}
