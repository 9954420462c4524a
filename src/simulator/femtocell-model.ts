import { faultRows } from './femtocell-faults.ts';
import { lteCellRows, surroundingRows } from './femtocell-lte.ts';
import type { Row } from './parameter-tree.ts';
import type { DeviceIdStruct } from './soap-writer.ts';

/** Which data model the device speaks: Device:1 with TR-196 issue 1 (UMTS only), or Device:2 with issue 2. */
export type DataModel = 'tr-196-1' | 'tr-196-2';

/** TR-106: a time that is not known. */
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
    ['Device.ManagementServer.UpgradesManaged', 'boolean', '1', 'W'],
    ['Device.ManagementServer.DefaultActiveNotificationThrottle', 'unsignedInt', '0', 'W'],
    ['Device.ManagementServer.CWMPRetryMinimumWaitInterval', 'unsignedInt', '5', 'W'],
    ['Device.ManagementServer.CWMPRetryIntervalMultiplier', 'unsignedInt', '2000', 'W'],
    ['Device.Time.Enable', 'boolean', '1', 'W'],
    ['Device.Time.Status', 'string', 'Synchronized', 'R'],
    ['Device.Time.NTPServer1', 'string', 'ntp.hems.example', 'W'],
    ['Device.Time.LocalTimeZone', 'string', 'UTC0', 'W'],
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
    ['Device.DeviceInfo.ModelName', 'string', 'Femtocell', 'R'],
    ['Device.DeviceInfo.Description', 'string', 'Simulated femtocell', 'R'],
    ['Device.DeviceInfo.FirstUseDate', 'dateTime', unknownTime, 'R'],
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
    [`${cell}FAPControl.SelfConfigEvents`, 'string', '', 'W'],
    [`${cell}FAPControl.FAPGWServer1`, 'string', 'hnbgw.hems.example', 'W'],
    [`${cell}FAPControl.FAPGWPort`, 'unsignedInt', '29169', 'W'],
    [`${cell}FAPControl.SecGWServer1`, 'string', 'segw.hems.example', 'W'],
    [`${cell}CellConfig.CN.LAC`, 'unsignedInt', '1', 'W'],
    [`${cell}CellConfig.CN.RAC`, 'unsignedInt', '1', 'W'],
    [`${cell}CellConfig.RAN.CellID`, 'unsignedInt', '17', 'W'],
    [`${cell}CellConfig.RAN.RF.PrimaryScramblingCode`, 'string', '0..511', 'W'],
    [`${cell}CellConfig.RAN.RF.MaxFAPTxPower`, 'string', '-10', 'W'],
    [`${cell}CellConfig.RAN.RF.PCPICHPower`, 'string', '-20', 'W'],
    [`${cell}AccessMgmt.MaxUEsServed`, 'unsignedInt', '4', 'W'],
    [`${cell}REM.WCDMAFDD.ScanOnBoot`, 'boolean', '1', 'W'],
    [`${cell}REM.WCDMAFDD.ScanStatus`, 'string', 'Success', 'R'],
    [`${cell}GPS.ScanOnBoot`, 'boolean', '1', 'W'],
    [`${cell}GPS.LockedLatitude`, 'int', '52520008', 'R'],
    [`${cell}GPS.LockedLongitude`, 'int', '13404954', 'R'],
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
    [`${cell}Capabilities.GPSEquipped`, 'boolean', '1', 'R'],
    [`${cell}Capabilities.Beacon`, 'boolean', '0', 'R'],
    [`${cell}Capabilities.LTE.DuplexMode`, 'string', 'FDDMode', 'R'],
    [`${cell}Capabilities.LTE.BandsSupported`, 'string', '7', 'R'],
    [`${cell}Capabilities.LTE.NNSFSupported`, 'boolean', '0', 'R'],
    [`${cell}FAPControl.SelfConfigEvents`, 'string', '', 'W'],
    [`${cell}FAPControl.EnclosureTamperingDetected`, 'boolean', '0', 'W'],
    [`${cell}FAPControl.LTE.OpState`, 'boolean', '0', 'R', 'forced'],
    [`${cell}FAPControl.LTE.AdminState`, 'boolean', '0', 'W'],
    [`${cell}FAPControl.LTE.RFTxStatus`, 'boolean', '0', 'R', 'forced'],
    [`${cell}FAPControl.LTE.PMConfig`, 'string', '', 'W'],
    [`${cell}FAPControl.LTE.Gateway.SecGWServer1`, 'string', 'segw.hems.example', 'W'],
    [`${cell}FAPControl.LTE.Gateway.SecGWServer2`, 'string', '', 'W'],
    [`${cell}FAPControl.LTE.Gateway.SecGWServer3`, 'string', '', 'W'],
    [`${cell}FAPControl.LTE.Gateway.S1ConnectionMode`, 'string', 'One', 'W'],
    [`${cell}FAPControl.LTE.Gateway.S1SigLinkServerList`, 'string', '', 'W'],
    [`${cell}FAPControl.LTE.Gateway.S1SigLinkPort`, 'unsignedInt', '36412', 'W'],
    [`${cell}AccessMgmt.LTE.AccessMode`, 'string', 'Hybrid Access', 'W'],
    [`${cell}AccessMgmt.LTE.CSGID`, 'unsignedInt', '1', 'W'],
    [`${cell}AccessMgmt.LTE.HNBName`, 'string', 'Home', 'W'],
    [`${cell}AccessMgmt.LTE.MaxUEsServed`, 'unsignedInt', '8', 'W'],
    [`${cell}AccessMgmt.LTE.MaxResourceNonCSGMembers`, 'unsignedInt', '20', 'W'],
    [`${cell}AccessMgmt.UMTS.AccessControlList`, 'string', '001010123456789', 'W'],
    [`${cell}CellConfig.LTE.EPC.TAC`, 'unsignedInt', '1', 'W'],
    [`${cell}CellConfig.LTE.RAN.Common.CellIdentity`, 'unsignedInt', '17', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.EARFCNDL`, 'string', '3100', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.EARFCNUL`, 'string', '21100', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.DLBandwidth`, 'string', '50', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.ReferenceSignalPower`, 'string', '-10', 'W'],
    [`${cell}CellConfig.LTE.RAN.RF.PhyCellID`, 'string', '0..503', 'W'],
    ...lteCellRows,
    ...surroundingRows,
  ],
};
