import type { AcsRequest, CpeResponse } from '../../src/cwmp/acs-methods.ts';
import type { AcsResponse, CpeRequest } from '../../src/cwmp/cpe-methods.ts';
import { type AcsFaultCode, acsFaults } from '../../src/cwmp/faults.ts';

/* One plausible message of each kind, every argument given. */

const transfer = {
  commandKey: '7f3c',
  fileType: '1 Firmware Upgrade Image',
  url: 'https://files.hems.example/7f3c',
  username: '',
  password: '',
} as const;

const uuid = '6fdb5da5-3a0e-4b7c-8f26-1f3d3b7d2a11';

export const acsRequests: { readonly [M in AcsRequest['method']]: Extract<AcsRequest, { method: M }> } = {
  GetRPCMethods: { method: 'GetRPCMethods' },
  SetParameterValues: {
    method: 'SetParameterValues',
    parameterList: [
      { name: 'Device.A', value: 'x < y & "z"', type: 'string' },
      { name: 'Device.B', value: '7', type: 'unsignedInt' },
      { name: 'Device.C', value: 'AAEC', type: 'base64' },
      { name: 'Device.D', value: '0001-01-01T00:00:00Z', type: 'dateTime' },
    ],
    parameterKey: 'generation 7',
  },
  GetParameterValues: { method: 'GetParameterValues', parameterNames: ['Device.', 'Device.A'] },
  GetParameterNames: { method: 'GetParameterNames', parameterPath: 'Device.', nextLevel: true },
  SetParameterAttributes: {
    method: 'SetParameterAttributes',
    parameterList: [
      { name: 'Device.FaultMgmt.ExpeditedEvent.', notification: 2 },
      { name: 'Device.A', accessList: ['Subscriber'] },
      { name: 'Device.B', notification: 0, accessList: [] },
    ],
  },
  GetParameterAttributes: { method: 'GetParameterAttributes', parameterNames: ['Device.A'] },
  AddObject: { method: 'AddObject', objectName: 'Device.T.', parameterKey: 'k' },
  DeleteObject: { method: 'DeleteObject', objectName: 'Device.T.3.', parameterKey: '' },
  Download: {
    method: 'Download',
    ...transfer,
    fileSize: 4_294_967_295,
    targetFileName: 'image.bin',
    delaySeconds: 0,
    successUrl: '',
    failureUrl: '',
  },
  Reboot: { method: 'Reboot', commandKey: '7f3c' },
  GetQueuedTransfers: { method: 'GetQueuedTransfers' },
  ScheduleInform: { method: 'ScheduleInform', delaySeconds: 60, commandKey: '7f3c' },
  SetVouchers: { method: 'SetVouchers', voucherList: ['AAEC'] },
  GetOptions: { method: 'GetOptions', optionName: '' },
  Upload: { method: 'Upload', ...transfer, fileType: '2 Vendor Log File', delaySeconds: 3 },
  FactoryReset: { method: 'FactoryReset' },
  GetAllQueuedTransfers: { method: 'GetAllQueuedTransfers' },
  ScheduleDownload: {
    method: 'ScheduleDownload',
    ...transfer,
    fileSize: 0,
    targetFileName: '',
    timeWindowList: [
      { windowStart: 0, windowEnd: 3600, windowMode: '3 When Idle', userMessage: '', maxRetries: -1 },
      { windowStart: 7200, windowEnd: 9000, windowMode: '1 At Any Time', userMessage: 'soon', maxRetries: 2 },
    ],
  },
  CancelTransfer: { method: 'CancelTransfer', commandKey: '7f3c' },
  ChangeDUState: {
    method: 'ChangeDUState',
    operations: [
      {
        operation: 'Install',
        url: 'https://files.hems.example/du',
        uuid,
        executionEnvRef: 'Device.SoftwareModules.ExecEnv.1.',
      },
      { operation: 'Update', uuid, version: '1.0', url: 'https://files.hems.example/du2' },
      { operation: 'Uninstall', uuid },
    ],
    commandKey: '7f3c',
  },
};

export const acsResponses: readonly AcsResponse[] = [
  { method: 'InformResponse' },
  { method: 'GetRPCMethodsResponse', methodList: ['Inform', 'GetRPCMethods'] },
  { method: 'TransferCompleteResponse' },
  { method: 'AutonomousTransferCompleteResponse' },
  { method: 'DUStateChangeCompleteResponse' },
  { method: 'AutonomousDUStateChangeCompleteResponse' },
  { method: 'RequestDownloadResponse' },
  { method: 'KickedResponse', nextUrl: 'https://hems.example/done' },
  ...Object.keys(acsFaults).map((code): AcsResponse => ({ method: 'Fault', faultCode: Number(code) as AcsFaultCode })),
];

const times = '<StartTime>0001-01-01T00:00:00Z</StartTime><CompleteTime>0001-01-01T00:00:00Z</CompleteTime>';
const unknownTime = { startTime: '0001-01-01T00:00:00Z', completeTime: '0001-01-01T00:00:00Z' };
const noFault = '<FaultCode>0</FaultCode><FaultString></FaultString>';
const fault = { faultCode: 0, faultString: '' };

interface Sample<Message> {
  /** Arguments, as a CPE writes them. */
  readonly xml: string;
  readonly message: Message;
}

type Requests = { readonly [M in Exclude<CpeRequest['method'], 'unsupported' | 'Inform'>]: Sample<CpeRequest> };
type Responses = { readonly [M in Exclude<CpeResponse['method'], 'unsupported'>]: Sample<CpeResponse> };

const opResultXml = [
  `<UUID>${uuid}</UUID><DeploymentUnitRef>Device.SoftwareModules.DeploymentUnit.1.</DeploymentUnitRef>`,
  '<Version>1.0</Version><CurrentState>Installed</CurrentState><Resolved>1</Resolved>',
  `<ExecutionUnitRefList></ExecutionUnitRefList>${times}<Fault>${noFault}</Fault>`,
].join('');
const opResult = {
  uuid,
  deploymentUnitRef: 'Device.SoftwareModules.DeploymentUnit.1.',
  version: '1.0',
  currentState: 'Installed',
  resolved: true,
  executionUnitRefList: '',
  ...unknownTime,
  fault,
  operationPerformed: undefined,
};

export const cpeRequests: Requests = {
  GetRPCMethods: { xml: '', message: { method: 'GetRPCMethods' } },
  TransferComplete: {
    xml: `<CommandKey>7f3c</CommandKey><FaultStruct>${noFault}</FaultStruct>${times}`,
    message: { method: 'TransferComplete', commandKey: '7f3c', faultStruct: fault, ...unknownTime },
  },
  AutonomousTransferComplete: {
    xml: [
      '<AnnounceURL></AnnounceURL><TransferURL>https://files.hems.example/pm</TransferURL><IsDownload>false</IsDownload>',
      '<FileType>4 Vendor Log File 1</FileType><FileSize>77</FileSize><TargetFileName>pm.xml</TargetFileName>',
      `<FaultStruct>${noFault}</FaultStruct>${times}`,
    ].join(''),
    message: {
      method: 'AutonomousTransferComplete',
      announceUrl: '',
      transferUrl: 'https://files.hems.example/pm',
      isDownload: false,
      fileType: '4 Vendor Log File 1',
      fileSize: 77,
      targetFileName: 'pm.xml',
      faultStruct: fault,
      ...unknownTime,
    },
  },
  DUStateChangeComplete: {
    xml: `<Results>${opResultXml}</Results><Results>${opResultXml}</Results><CommandKey>7f3c</CommandKey>`,
    message: { method: 'DUStateChangeComplete', results: [opResult, opResult], commandKey: '7f3c' },
  },
  AutonomousDUStateChangeComplete: {
    xml: `<Results>${opResultXml}<OperationPerformed>Update</OperationPerformed></Results>`,
    message: {
      method: 'AutonomousDUStateChangeComplete',
      results: [{ ...opResult, operationPerformed: 'Update' }],
    },
  },
  RequestDownload: {
    xml: [
      '<FileType>1 Firmware Upgrade Image</FileType><FileTypeArg soapenc:arrayType="cwmp:ArgStruct[1]">',
      '<ArgStruct><Name>Version</Name><Value>4</Value></ArgStruct></FileTypeArg>',
    ].join(''),
    message: {
      method: 'RequestDownload',
      fileType: '1 Firmware Upgrade Image',
      fileTypeArg: [{ name: 'Version', value: '4' }],
    },
  },
  Kicked: {
    xml: '<Command>c</Command><Referer>r</Referer><Arg>a</Arg><Next>https://hems.example/n</Next>',
    message: { method: 'Kicked', command: 'c', referer: 'r', arg: 'a', next: 'https://hems.example/n' },
  },
};

const transferResponse = `<Status>1</Status>${times}`;

export const cpeResponses: Responses = {
  GetRPCMethodsResponse: {
    xml: '<MethodList soapenc:arrayType="xsd:string[1]"><string>Reboot</string></MethodList>',
    message: { method: 'GetRPCMethodsResponse', methodList: ['Reboot'] },
  },
  SetParameterValuesResponse: {
    xml: '<Status>1</Status>',
    message: { method: 'SetParameterValuesResponse', status: 1 },
  },
  GetParameterValuesResponse: {
    xml: [
      '<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct><Name>Device.A</Name>',
      '<Value xsi:type="xsd:int">-3</Value></ParameterValueStruct></ParameterList>',
    ].join(''),
    message: {
      method: 'GetParameterValuesResponse',
      parameterList: [{ name: 'Device.A', value: '-3', type: 'int' }],
    },
  },
  GetParameterNamesResponse: {
    xml: [
      '<ParameterList soapenc:arrayType="cwmp:ParameterInfoStruct[2]"><ParameterInfoStruct><Name>Device.T.</Name>',
      '<Writable>1</Writable></ParameterInfoStruct><ParameterInfoStruct><Name>Device.A</Name><Writable>false</Writable>',
      '</ParameterInfoStruct></ParameterList>',
    ].join(''),
    message: {
      method: 'GetParameterNamesResponse',
      parameterList: [
        { name: 'Device.T.', writable: true },
        { name: 'Device.A', writable: false },
      ],
    },
  },
  SetParameterAttributesResponse: { xml: '', message: { method: 'SetParameterAttributesResponse' } },
  GetParameterAttributesResponse: {
    xml: [
      '<ParameterList soapenc:arrayType="cwmp:ParameterAttributeStruct[1]"><ParameterAttributeStruct>',
      '<Name>Device.A</Name><Notification>2</Notification><AccessList soapenc:arrayType="xsd:string[1]">',
      '<string>Subscriber</string></AccessList></ParameterAttributeStruct></ParameterList>',
    ].join(''),
    message: {
      method: 'GetParameterAttributesResponse',
      parameterList: [{ name: 'Device.A', notification: 2, accessList: ['Subscriber'] }],
    },
  },
  AddObjectResponse: {
    xml: '<InstanceNumber>3</InstanceNumber><Status>0</Status>',
    message: { method: 'AddObjectResponse', instanceNumber: 3, status: 0 },
  },
  DeleteObjectResponse: { xml: '<Status>0</Status>', message: { method: 'DeleteObjectResponse', status: 0 } },
  DownloadResponse: { xml: transferResponse, message: { method: 'DownloadResponse', status: 1, ...unknownTime } },
  RebootResponse: { xml: '', message: { method: 'RebootResponse' } },
  GetQueuedTransfersResponse: {
    xml: [
      '<TransferList soapenc:arrayType="cwmp:QueuedTransferStruct[1]"><QueuedTransferStruct>',
      '<CommandKey>7f3c</CommandKey><State>2</State></QueuedTransferStruct></TransferList>',
    ].join(''),
    message: { method: 'GetQueuedTransfersResponse', transferList: [{ commandKey: '7f3c', state: 2 }] },
  },
  ScheduleInformResponse: { xml: '', message: { method: 'ScheduleInformResponse' } },
  SetVouchersResponse: { xml: '', message: { method: 'SetVouchersResponse' } },
  GetOptionsResponse: {
    xml: [
      '<OptionList soapenc:arrayType="cwmp:OptionStruct[1]"><OptionStruct><OptionName>o</OptionName>',
      '<VoucherSN>5</VoucherSN><State>1</State><Mode>0</Mode><StartDate>2026-01-01T00:00:00Z</StartDate>',
      '<IsTransferable>0</IsTransferable></OptionStruct></OptionList>',
    ].join(''),
    message: {
      method: 'GetOptionsResponse',
      optionList: [
        {
          optionName: 'o',
          voucherSn: 5,
          state: 1,
          mode: 0,
          startDate: '2026-01-01T00:00:00Z',
          expirationDate: '',
          isTransferable: false,
        },
      ],
    },
  },
  UploadResponse: { xml: transferResponse, message: { method: 'UploadResponse', status: 1, ...unknownTime } },
  FactoryResetResponse: { xml: '', message: { method: 'FactoryResetResponse' } },
  GetAllQueuedTransfersResponse: {
    xml: [
      '<TransferList soapenc:arrayType="cwmp:AllQueuedTransferStruct[1]"><AllQueuedTransferStruct>',
      '<CommandKey>7f3c</CommandKey><State>1</State><IsDownload>1</IsDownload><FileType>2 Web Content</FileType>',
      '<FileSize>9</FileSize><TargetFileName>w</TargetFileName></AllQueuedTransferStruct></TransferList>',
    ].join(''),
    message: {
      method: 'GetAllQueuedTransfersResponse',
      transferList: [
        {
          commandKey: '7f3c',
          state: 1,
          isDownload: true,
          fileType: '2 Web Content',
          fileSize: 9,
          targetFileName: 'w',
        },
      ],
    },
  },
  ScheduleDownloadResponse: { xml: '', message: { method: 'ScheduleDownloadResponse' } },
  CancelTransferResponse: { xml: '', message: { method: 'CancelTransferResponse' } },
  ChangeDUStateResponse: { xml: '', message: { method: 'ChangeDUStateResponse' } },
};
