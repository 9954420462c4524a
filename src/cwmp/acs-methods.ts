import type { ParameterValueStruct } from './messages.ts';

/* The methods of a CPE (TR-069 A.3.2 and A.4.1): what the ACS asks, and what the CPE answers. */

/** 0 off, 1 passive, 2 active; 3 to 6 are the lightweight ones of CWMP 1.4. */
export type Notification = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface SetParameterAttributesStruct {
  readonly name: string;
  /** Absent: the notification stays as it is. */
  readonly notification?: Notification | undefined;
  /** Absent: the access list stays as it is. Known entry: `Subscriber`. */
  readonly accessList?: readonly string[] | undefined;
}

export interface Transfer {
  /** At most 32 characters; comes back in TransferComplete. */
  readonly commandKey: string;
  /** `1 Firmware Upgrade Image`, `3 Vendor Configuration File`, … */
  readonly fileType: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export interface Download extends Transfer {
  readonly fileSize: number;
  readonly targetFileName: string;
  readonly delaySeconds: number;
  readonly successUrl: string;
  readonly failureUrl: string;
}

export interface TimeWindowStruct {
  /** Seconds from the request on. */
  readonly windowStart: number;
  readonly windowEnd: number;
  /** `1 At Any Time`, `2 Immediately`, `3 When Idle`, `4 Confirmation Needed`. */
  readonly windowMode: string;
  readonly userMessage: string;
  /** -1: as often as the device likes. */
  readonly maxRetries: number;
}

export interface ScheduleDownload extends Transfer {
  readonly fileSize: number;
  readonly targetFileName: string;
  /** One or two. */
  readonly timeWindowList: readonly TimeWindowStruct[];
}

/** What ChangeDUState does with one software module. */
export type Operation =
  | {
      readonly operation: 'Install';
      readonly url: string;
      readonly uuid?: string | undefined;
      readonly username?: string | undefined;
      readonly password?: string | undefined;
      readonly executionEnvRef?: string | undefined;
    }
  | {
      readonly operation: 'Update';
      readonly uuid?: string | undefined;
      readonly version?: string | undefined;
      readonly url?: string | undefined;
      readonly username?: string | undefined;
      readonly password?: string | undefined;
    }
  | {
      readonly operation: 'Uninstall';
      readonly uuid: string;
      readonly version?: string | undefined;
      readonly executionEnvRef?: string | undefined;
    };

/** What the ACS asks of a CPE. */
export type AcsRequest =
  | { readonly method: 'GetRPCMethods' }
  | {
      readonly method: 'SetParameterValues';
      readonly parameterList: readonly ParameterValueStruct[];
      readonly parameterKey: string;
    }
  | { readonly method: 'GetParameterValues'; readonly parameterNames: readonly string[] }
  | { readonly method: 'GetParameterNames'; readonly parameterPath: string; readonly nextLevel: boolean }
  | { readonly method: 'SetParameterAttributes'; readonly parameterList: readonly SetParameterAttributesStruct[] }
  | { readonly method: 'GetParameterAttributes'; readonly parameterNames: readonly string[] }
  | { readonly method: 'AddObject'; readonly objectName: string; readonly parameterKey: string }
  | { readonly method: 'DeleteObject'; readonly objectName: string; readonly parameterKey: string }
  | ({ readonly method: 'Download' } & Download)
  | { readonly method: 'Reboot'; readonly commandKey: string }
  | { readonly method: 'GetQueuedTransfers' }
  | { readonly method: 'ScheduleInform'; readonly delaySeconds: number; readonly commandKey: string }
  /** Vouchers are base64. */
  | { readonly method: 'SetVouchers'; readonly voucherList: readonly string[] }
  | { readonly method: 'GetOptions'; readonly optionName: string }
  | ({ readonly method: 'Upload'; readonly delaySeconds: number } & Transfer)
  | { readonly method: 'FactoryReset' }
  | { readonly method: 'GetAllQueuedTransfers' }
  | ({ readonly method: 'ScheduleDownload' } & ScheduleDownload)
  | { readonly method: 'CancelTransfer'; readonly commandKey: string }
  | {
      readonly method: 'ChangeDUState';
      readonly operations: readonly Operation[];
      readonly commandKey?: string | undefined;
    };

export interface ParameterInfoStruct {
  /** A parameter, or an object if it ends in a dot. */
  readonly name: string;
  readonly writable: boolean;
}

export interface ParameterAttributeStruct {
  readonly name: string;
  readonly notification: number;
  readonly accessList: readonly string[];
}

export interface QueuedTransferStruct {
  readonly commandKey: string;
  /** 1 not started, 2 in progress, 3 completed. */
  readonly state: number;
  /** From here on of GetAllQueuedTransfers alone. */
  readonly isDownload?: boolean | undefined;
  readonly fileType?: string | undefined;
  readonly fileSize?: number | undefined;
  readonly targetFileName?: string | undefined;
}

export interface OptionStruct {
  readonly optionName: string;
  readonly voucherSn: number;
  readonly state: number;
  readonly mode: number;
  readonly startDate: string;
  readonly expirationDate: string;
  readonly isTransferable: boolean;
}

/** 0: done; 1: accepted, and not done or not in force yet. */
export type Status = 0 | 1;

interface TransferAnswer {
  readonly status: Status;
  /** xsd:dateTime as sent; the unknown time while the transfer is not over. */
  readonly startTime: string;
  readonly completeTime: string;
}

/** What a CPE answers to the ACS's request, unless it answers with a fault. */
export type CpeResponse =
  | { readonly method: 'GetRPCMethodsResponse'; readonly methodList: readonly string[] }
  | { readonly method: 'SetParameterValuesResponse'; readonly status: Status }
  | { readonly method: 'GetParameterValuesResponse'; readonly parameterList: readonly ParameterValueStruct[] }
  | { readonly method: 'GetParameterNamesResponse'; readonly parameterList: readonly ParameterInfoStruct[] }
  | { readonly method: 'SetParameterAttributesResponse' }
  | { readonly method: 'GetParameterAttributesResponse'; readonly parameterList: readonly ParameterAttributeStruct[] }
  | { readonly method: 'AddObjectResponse'; readonly instanceNumber: number; readonly status: Status }
  | { readonly method: 'DeleteObjectResponse'; readonly status: Status }
  | ({ readonly method: 'DownloadResponse' } & TransferAnswer)
  | { readonly method: 'RebootResponse' }
  | { readonly method: 'GetQueuedTransfersResponse'; readonly transferList: readonly QueuedTransferStruct[] }
  | { readonly method: 'ScheduleInformResponse' }
  | { readonly method: 'SetVouchersResponse' }
  | { readonly method: 'GetOptionsResponse'; readonly optionList: readonly OptionStruct[] }
  | ({ readonly method: 'UploadResponse' } & TransferAnswer)
  | { readonly method: 'FactoryResetResponse' }
  | { readonly method: 'GetAllQueuedTransfersResponse'; readonly transferList: readonly QueuedTransferStruct[] }
  | { readonly method: 'ScheduleDownloadResponse' }
  | { readonly method: 'CancelTransferResponse' }
  | { readonly method: 'ChangeDUStateResponse' }
  | { readonly method: 'unsupported'; readonly name: string };
