import type { Row } from './parameter-tree.ts';
import type { DeviceIdStruct } from './soap-writer.ts';

/** Which data model the device speaks: Device:1 with TR-196 issue 1 (UMTS only), or Device:2 with issue 2. */
export type DataModel = 'tr-196-1' | 'tr-196-2';

const unknownTime = '0001-01-01T00:00:00Z';

export function modelRows(model: DataModel, id: DeviceIdStruct, url: string): readonly Row[] {
  return [...models[model], ...deviceRows(id), ...managementRows(url), ...faultRows];
}

function managementRows(url: string): Row[] {
  return [
    ['Device.ManagementServer.URL', 'string', url, 'W'],
    ['Device.ManagementServer.Username', 'string', '', 'W'],
    ['Device.ManagementServer.Password', 'string', '', 'W'],
    ['Device.ManagementServer.ParameterKey', 'string', '', 'R', 'forced'],
    // Empty: TS 33.320 8.3.4 leaves a connection request no credentials to stand on.
    ['Device.ManagementServer.ConnectionRequestURL', 'string', '', 'R', 'forced'],
    ['Device.ManagementServer.ConnectionRequestUsername', 'string', '', 'W'],
    ['Device.ManagementServer.ConnectionRequestPassword', 'string', '', 'W'],
    ['Device.ManagementServer.PeriodicInformEnable', 'boolean', '1', 'W'],
    ['Device.ManagementServer.PeriodicInformInterval', 'unsignedInt', '300', 'W'],
    ['Device.ManagementServer.PeriodicInformTime', 'dateTime', unknownTime, 'W'],
  ];
}

function deviceRows(id: DeviceIdStruct): Row[] {
  return [
    ['Device.DeviceInfo.Manufacturer', 'string', id.manufacturer, 'R'],
    ['Device.DeviceInfo.ManufacturerOUI', 'string', id.oui, 'R'],
    ['Device.DeviceInfo.ProductClass', 'string', id.productClass, 'R'],
    ['Device.DeviceInfo.SerialNumber', 'string', id.serialNumber, 'R'],
    ['Device.DeviceInfo.HardwareVersion', 'string', '1.0', 'R', 'forced'],
    ['Device.DeviceInfo.SoftwareVersion', 'string', '3.2.1', 'R', 'forced'],
    ['Device.DeviceInfo.ProvisioningCode', 'string', '', 'W', 'forced'],
    ['Device.DeviceInfo.UpTime', 'unsignedInt', '0', 'R'],
  ];
}

const cell = 'Device.Services.FAPService.1.';

const models: Readonly<Record<DataModel, readonly Row[]>> = {
  'tr-196-1': [
    ['Device.DeviceSummary', 'string', 'Device:1.6[](Baseline:3), FAPService:1.0[1](Baseline:1)', 'R', 'forced'],
    ['Device.LAN.IPAddress', 'string', '192.0.2.17', 'R', 'forced'],
    [`${cell}FAPControl.OpState`, 'boolean', '0', 'R', 'forced'],
    [`${cell}FAPControl.AdminState`, 'boolean', '0', 'W'],
    [`${cell}FAPControl.RFTxStatus`, 'boolean', '0', 'R', 'forced'],
    [`${cell}CellConfig.CN.PLMNID`, 'string', '00101', 'W'],
    [`${cell}CellConfig.RAN.RF.UARFCNDL`, 'string', '10562', 'W'],
    [`${cell}AccessMgmt.AccessMode`, 'string', 'Closed Access', 'W'],
    [`${cell}AccessMgmt.AccessControlList`, 'string', '001010123456789,001010123456790', 'W'],
  ],
  'tr-196-2': [
    ['Device.RootDataModelVersion', 'string', '2.2', 'R', 'forced'],
    ['Device.ManagementServer.AliasBasedAddressing', 'boolean', '0', 'R', 'forced'],
    [`${cell}DeviceType`, 'string', 'Standalone', 'R'],
    [`${cell}DNPrefix`, 'string', 'DC=hems.example,SubNetwork=1', 'W'],
    [`${cell}Capabilities.SupportedSystems`, 'string', 'LTE', 'R'],
    [`${cell}Capabilities.MaxTxPower`, 'unsignedInt', '100', 'R'],
    [`${cell}Capabilities.LTE.DuplexMode`, 'string', 'FDDMode', 'R'],
    [`${cell}FAPControl.EnclosureTamperingDetected`, 'boolean', '0', 'W'],
    [`${cell}FAPControl.LTE.OpState`, 'boolean', '0', 'R', 'forced'],
    [`${cell}FAPControl.LTE.AdminState`, 'boolean', '0', 'W'],
    [`${cell}FAPControl.LTE.RFTxStatus`, 'boolean', '0', 'R', 'forced'],
    [`${cell}FAPControl.LTE.Gateway.SecGWServer1`, 'string', 'segw.hems.example', 'W'],
    [`${cell}FAPControl.LTE.Gateway.S1SigLinkServerList`, 'string', '', 'W'],
    [`${cell}FAPControl.LTE.Gateway.S1SigLinkPort`, 'unsignedInt', '36412', 'W'],
    [`${cell}AccessMgmt.LTE.AccessMode`, 'string', 'Hybrid Access', 'W'],
    [`${cell}AccessMgmt.LTE.CSGID`, 'unsignedInt', '1', 'W'],
    [`${cell}AccessMgmt.UMTS.AccessControlList`, 'string', '001010123456789', 'W'],
    [`${cell}CellConfig.LTE.EPC.TAC`, 'unsignedInt', '1', 'W'],
    [`${cell}CellConfig.LTE.RAN.Common.CellIdentity`, 'unsignedInt', '17', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.EARFCNDL`, 'string', '3100', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.EARFCNUL`, 'string', '21100', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.DLBandwidth`, 'string', '50', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.ReferenceSignalPower`, 'string', '-10', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.PhyCellID`, 'string', '0..503', 'W'],
    [`${cell}REM.LTE.ScanOnBoot`, 'boolean', '1', 'W'],
    [`${cell}REM.LTE.ScanStatus`, 'string', 'Success', 'R'],
    ['Device.FAP.GPS.ScanOnBoot', 'boolean', '1', 'W'],
    ['Device.FAP.GPS.ScanStatus', 'string', 'Success', 'R'],
    ['Device.FAP.GPS.LockedLatitude', 'int', '52520008', 'R'],
    ['Device.FAP.GPS.LockedLongitude', 'int', '13404954', 'R'],
    ['Device.FAP.Tunnel.UseForCWMP', 'boolean', '0', 'W'],
  ],
};

const alarmText = [
  'ManagedObjectInstance',
  'EventType',
  'ProbableCause',
  'SpecificProblem',
  'PerceivedSeverity',
] as const;

/** Rings of fixed size: an event takes the next row, whatever was in it (TR-157 A3). */
export const ringSize = 4;

function ring(name: string): Row[] {
  return Array.from({ length: ringSize }, (_, index): Row[] => {
    const row = `Device.FaultMgmt.${name}.${index + 1}.`;
    return [
      [`${row}EventTime`, 'dateTime', unknownTime, 'R'],
      [`${row}AlarmIdentifier`, 'string', '', 'R'],
      [`${row}NotificationType`, 'string', '', 'R'],
      ...alarmText.map((text): Row => [`${row}${text}`, 'string', '', 'R']),
      [`${row}AdditionalText`, 'string', '', 'R'],
    ];
  }).flat();
}

const faultRows: readonly Row[] = [
  ['Device.FaultMgmt.SupportedAlarmNumberOfEntries', 'unsignedInt', '1', 'R'],
  ['Device.FaultMgmt.CurrentAlarmNumberOfEntries', 'unsignedInt', '0', 'R'],
  ['Device.FaultMgmt.ExpeditedEventNumberOfEntries', 'unsignedInt', String(ringSize), 'R'],
  ['Device.FaultMgmt.SupportedAlarm.1.EventType', 'string', 'Equipment Alarm', 'R'],
  ['Device.FaultMgmt.SupportedAlarm.1.ProbableCause', 'string', 'Equipment Malfunction', 'R'],
  ['Device.FaultMgmt.SupportedAlarm.1.SpecificProblem', 'string', '', 'R'],
  ['Device.FaultMgmt.SupportedAlarm.1.PerceivedSeverity', 'string', 'Major', 'R'],
  ['Device.FaultMgmt.SupportedAlarm.1.ReportingMechanism', 'string', '0 Expedited', 'W'],
  ...ring('ExpeditedEvent'),
  ...ring('QueuedEvent'),
  ...ring('HistoryEvent'),
];

/** Tables that the ACS may add to, and what a new row holds. */
export const modelObjects: readonly { readonly pattern: RegExp; readonly rows: readonly Row[] }[] = [
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.CellConfig\.LTE\.RAN\.NeighborList\.LTECell\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['PLMNID', 'string', '', 'W'],
      ['CID', 'unsignedInt', '0', 'W'],
      ['EUTRACarrierARFCN', 'unsignedInt', '0', 'W'],
      ['PhyCellID', 'unsignedInt', '0', 'W'],
      ['Blacklisted', 'boolean', '0', 'W'],
    ],
  },
  {
    pattern: /^Device\.Services\.FAPService\.\d+\.CellConfig\.LTE\.EPC\.PLMNList\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['IsPrimary', 'boolean', '0', 'W'],
      ['PLMNID', 'string', '', 'W'],
    ],
  },
  {
    pattern: /^Device\.FAP\.PerfMgmt\.Config\.$/,
    rows: [
      ['Enable', 'boolean', '0', 'W'],
      ['URL', 'string', '', 'W'],
      ['Username', 'string', '', 'W'],
      ['Password', 'string', '', 'W'],
      ['PeriodicUploadInterval', 'unsignedInt', '900', 'W'],
    ],
  },
  {
    pattern: /^Device\.FaultMgmt\.CurrentAlarm\.$/,
    rows: [
      ['AlarmIdentifier', 'string', '', 'R'],
      ['AlarmRaisedTime', 'dateTime', unknownTime, 'R'],
      ['AlarmChangedTime', 'dateTime', unknownTime, 'R'],
      ...alarmText.map((text): Row => [text, 'string', '', 'R']),
      ['AdditionalText', 'string', '', 'R'],
    ],
  },
];
