import type {
  CpeResponse,
  OptionStruct,
  ParameterAttributeStruct,
  ParameterInfoStruct,
  QueuedTransferStruct,
  Status,
} from './acs-methods.ts';
import { printable, Refusal } from './refusal.ts';
import { array, required, type StructShape, struct } from './shape.ts';
import { boolean, methodList, parameterList, unsignedInt, word } from './value-shapes.ts';

/* The arguments of what a CPE answers (TR-069 Annex A), by the names of the schema. */

/** Devices leave it out where they mean 0; another number than these two has no meaning that could be acted on. */
function statusOf(status: number | undefined): Status {
  if (status === undefined || status === 0) return 0;
  if (status === 1) return 1;
  throw new Refusal('invalid-arguments', `${printable(String(status))} is no Status`);
}

const parameterInfo = struct(
  { Name: word, Writable: boolean },
  (read): ParameterInfoStruct => ({ name: required(read.Name, 'Name'), writable: read.Writable ?? false }),
);

const parameterAttributes = struct(
  { Name: word, Notification: unsignedInt, AccessList: array('string', word, 'items') },
  (read): ParameterAttributeStruct => ({
    name: required(read.Name, 'Name'),
    notification: read.Notification ?? 0,
    accessList: read.AccessList ?? [],
  }),
);

const transferState = { CommandKey: word, State: unsignedInt };

const queuedTransfer = struct(
  transferState,
  (read): QueuedTransferStruct => ({ commandKey: read.CommandKey ?? '', state: read.State ?? 1 }),
);

const anyQueuedTransfer = struct(
  { ...transferState, IsDownload: boolean, FileType: word, FileSize: unsignedInt, TargetFileName: word },
  (read): QueuedTransferStruct => ({
    commandKey: read.CommandKey ?? '',
    state: read.State ?? 1,
    isDownload: read.IsDownload,
    fileType: read.FileType,
    fileSize: read.FileSize,
    targetFileName: read.TargetFileName,
  }),
);

const option = struct(
  {
    OptionName: word,
    VoucherSN: unsignedInt,
    State: unsignedInt,
    Mode: unsignedInt,
    StartDate: word,
    ExpirationDate: word,
    IsTransferable: boolean,
  },
  (read): OptionStruct => ({
    optionName: read.OptionName ?? '',
    voucherSn: read.VoucherSN ?? 0,
    state: read.State ?? 0,
    mode: read.Mode ?? 0,
    startDate: read.StartDate ?? '',
    expirationDate: read.ExpirationDate ?? '',
    isTransferable: read.IsTransferable ?? false,
  }),
);

type Named<Name extends CpeResponse['method']> = Extract<CpeResponse, { readonly method: Name }>;

type BareResponse = Exclude<
  { [R in CpeResponse as R['method']]: keyof R extends 'method' ? R['method'] : never }[CpeResponse['method']],
  never
>;

/** A response without arguments. */
function bare(method: BareResponse): StructShape<CpeResponse> {
  return struct({}, (): CpeResponse => ({ method }));
}

function transferResponse(method: 'DownloadResponse' | 'UploadResponse'): StructShape<CpeResponse> {
  return struct(
    { Status: unsignedInt, StartTime: word, CompleteTime: word },
    (read): CpeResponse => ({
      method,
      // Not 0 where it is missing: that would call a transfer done of which nothing is known.
      status: statusOf(required(read.Status, 'Status')),
      startTime: read.StartTime ?? '',
      completeTime: read.CompleteTime ?? '',
    }),
  );
}

export const responseShapes: Readonly<Record<Exclude<CpeResponse['method'], 'unsupported'>, StructShape<CpeResponse>>> =
  {
    GetRPCMethodsResponse: struct(
      { MethodList: methodList },
      (read): Named<'GetRPCMethodsResponse'> => ({
        method: 'GetRPCMethodsResponse',
        methodList: read.MethodList ?? [],
      }),
    ),
    SetParameterValuesResponse: struct(
      { Status: unsignedInt },
      (read): Named<'SetParameterValuesResponse'> => ({
        method: 'SetParameterValuesResponse',
        status: statusOf(read.Status),
      }),
    ),
    GetParameterValuesResponse: struct(
      { ParameterList: parameterList },
      (read): Named<'GetParameterValuesResponse'> => ({
        method: 'GetParameterValuesResponse',
        parameterList: read.ParameterList ?? [],
      }),
    ),
    GetParameterNamesResponse: struct(
      { ParameterList: array('ParameterInfoStruct', parameterInfo, 'parameters') },
      (read): Named<'GetParameterNamesResponse'> => ({
        method: 'GetParameterNamesResponse',
        parameterList: read.ParameterList ?? [],
      }),
    ),
    SetParameterAttributesResponse: bare('SetParameterAttributesResponse'),
    GetParameterAttributesResponse: struct(
      { ParameterList: array('ParameterAttributeStruct', parameterAttributes, 'parameters') },
      (read): Named<'GetParameterAttributesResponse'> => ({
        method: 'GetParameterAttributesResponse',
        parameterList: read.ParameterList ?? [],
      }),
    ),
    AddObjectResponse: struct(
      { InstanceNumber: unsignedInt, Status: unsignedInt },
      (read): Named<'AddObjectResponse'> => ({
        method: 'AddObjectResponse',
        instanceNumber: required(read.InstanceNumber, 'InstanceNumber'),
        status: statusOf(read.Status),
      }),
    ),
    DeleteObjectResponse: struct(
      { Status: unsignedInt },
      (read): Named<'DeleteObjectResponse'> => ({ method: 'DeleteObjectResponse', status: statusOf(read.Status) }),
    ),
    DownloadResponse: transferResponse('DownloadResponse'),
    RebootResponse: bare('RebootResponse'),
    GetQueuedTransfersResponse: struct(
      { TransferList: array('QueuedTransferStruct', queuedTransfer, 'items') },
      (read): Named<'GetQueuedTransfersResponse'> => ({
        method: 'GetQueuedTransfersResponse',
        transferList: read.TransferList ?? [],
      }),
    ),
    ScheduleInformResponse: bare('ScheduleInformResponse'),
    SetVouchersResponse: bare('SetVouchersResponse'),
    GetOptionsResponse: struct(
      { OptionList: array('OptionStruct', option, 'items') },
      (read): Named<'GetOptionsResponse'> => ({ method: 'GetOptionsResponse', optionList: read.OptionList ?? [] }),
    ),
    UploadResponse: transferResponse('UploadResponse'),
    FactoryResetResponse: bare('FactoryResetResponse'),
    GetAllQueuedTransfersResponse: struct(
      { TransferList: array('AllQueuedTransferStruct', anyQueuedTransfer, 'items') },
      (read): Named<'GetAllQueuedTransfersResponse'> => ({
        method: 'GetAllQueuedTransfersResponse',
        transferList: read.TransferList ?? [],
      }),
    ),
    ScheduleDownloadResponse: bare('ScheduleDownloadResponse'),
    CancelTransferResponse: bare('CancelTransferResponse'),
    ChangeDUStateResponse: bare('ChangeDUStateResponse'),
  };
