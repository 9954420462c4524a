import type { DeviceIdStruct } from './soap-writer.ts';

export type ParameterType = 'string' | 'boolean' | 'unsignedInt' | 'int' | 'dateTime';

export interface ParameterValue {
  readonly name: string;
  readonly type: ParameterType;
  readonly value: string;
}

interface Parameter {
  readonly type: ParameterType;
  value: string;
  readonly writable: boolean;
  /** Part of every Inform (standards: forced inform). */
  readonly forced: boolean;
}

/** Parameters by full path. Objects are not stored: a path ending in "." stands for all below it. */
export type ParameterTree = Map<string, Parameter>;

/** Which data model the device speaks: Device:1 with TR-196 issue 1 (UMTS only), or Device:2 with issue 2. */
export type DataModel = 'tr-196-1' | 'tr-196-2';

type Row = readonly [name: string, type: ParameterType, value: string, access: 'R' | 'W', forced?: 'forced'];

function managementRows(url: string): Row[] {
  return [
    ['Device.ManagementServer.URL', 'string', url, 'W'],
    ['Device.ManagementServer.ParameterKey', 'string', '', 'R', 'forced'],
    // Empty: TS 33.320 8.3.4 leaves a connection request no credentials to stand on.
    ['Device.ManagementServer.ConnectionRequestURL', 'string', '', 'R', 'forced'],
    ['Device.ManagementServer.PeriodicInformEnable', 'boolean', '1', 'W'],
    ['Device.ManagementServer.PeriodicInformInterval', 'unsignedInt', '300', 'W'],
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
  ];
}

const modelRows: Readonly<Record<DataModel, readonly Row[]>> = {
  'tr-196-1': [
    ['Device.DeviceSummary', 'string', 'Device:1.6[](Baseline:3), FAPService:1.0[1](Baseline:1)', 'R', 'forced'],
    ['Device.LAN.IPAddress', 'string', '192.0.2.17', 'R', 'forced'],
    ['Device.Services.FAPService.1.FAPControl.OpState', 'boolean', '0', 'R', 'forced'],
    ['Device.Services.FAPService.1.FAPControl.AdminState', 'boolean', '0', 'W'],
    ['Device.Services.FAPService.1.FAPControl.RFTxStatus', 'boolean', '0', 'R', 'forced'],
    ['Device.Services.FAPService.1.CellConfig.CN.PLMNID', 'string', '00101', 'W'],
  ],
  'tr-196-2': [
    ['Device.RootDataModelVersion', 'string', '2.2', 'R', 'forced'],
    ['Device.ManagementServer.AliasBasedAddressing', 'boolean', '0', 'R', 'forced'],
    ['Device.Services.FAPService.1.DeviceType', 'string', 'Standalone', 'R'],
    ['Device.Services.FAPService.1.FAPControl.LTE.OpState', 'boolean', '0', 'R', 'forced'],
    ['Device.Services.FAPService.1.FAPControl.LTE.AdminState', 'boolean', '0', 'W'],
    ['Device.Services.FAPService.1.FAPControl.LTE.RFTxStatus', 'boolean', '0', 'R', 'forced'],
    ['Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC', 'unsignedInt', '1', 'W'],
    ['Device.Services.FAPService.1.CellConfig.LTE.RAN.RF.EARFCNDL', 'string', '3100', 'W'],
    ['Device.Services.FAPService.1.CellConfig.LTE.RAN.RF.PhyCellID', 'string', '0..503', 'W'],
  ],
};

export function createParameterTree(model: DataModel, id: DeviceIdStruct, url: string): ParameterTree {
  const rows = [...modelRows[model], ...deviceRows(id), ...managementRows(url)];
  return new Map(
    rows.map(([name, type, value, access, forced]) => [
      name,
      { type, value, writable: access === 'W', forced: forced === 'forced' },
    ]),
  );
}

export function forcedInform(tree: ParameterTree): ParameterValue[] {
  return [...tree].filter(([, { forced }]) => forced).map(([name, { type, value }]) => ({ name, type, value }));
}

/** A full path, or a partial one ending in "." (or empty: all). Undefined: no such name (9005). */
export function readParameters(tree: ParameterTree, path: string): ParameterValue[] | undefined {
  const partial = path === '' || path.endsWith('.');
  const found = [...tree].filter(([name]) => (partial ? name.startsWith(path) : name === path));
  return found.length === 0 ? undefined : found.map(([name, { type, value }]) => ({ name, type, value }));
}

export interface ParameterInfo {
  readonly name: string;
  readonly writable: boolean;
}

/** GetParameterNames: everything below `path`, or with `nextLevel` only its direct children. */
export function listParameters(tree: ParameterTree, path: string, nextLevel: boolean): ParameterInfo[] | undefined {
  const names = new Map<string, boolean>();
  for (const [name, { writable }] of tree) {
    if (name === path && !nextLevel) names.set(name, writable);
    if (path !== '' && !path.endsWith('.')) continue;
    if (!name.startsWith(path)) continue;
    const levels = name.slice(path.length).split('.');
    const deepest = nextLevel ? 1 : levels.length;
    for (let depth = 1; depth <= deepest; depth += 1) {
      const isLeaf = depth === levels.length;
      names.set(path + levels.slice(0, depth).join('.') + (isLeaf ? '' : '.'), isLeaf && writable);
    }
  }
  return names.size === 0 ? undefined : [...names].map(([name, writable]) => ({ name, writable }));
}

const lexical: Readonly<Record<ParameterType, RegExp>> = {
  string: /^/,
  boolean: /^(0|1|true|false)$/,
  unsignedInt: /^\d{1,10}$/,
  int: /^[+-]?\d{1,10}$/,
  dateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/,
};

/** Why a value cannot be set: a CPE fault code, or undefined when it can. */
export function setFault(tree: ParameterTree, name: string, value: string): number | undefined {
  const parameter = tree.get(name);
  if (parameter === undefined) return 9005;
  if (!parameter.writable) return 9008;
  return lexical[parameter.type].test(value) ? undefined : 9007;
}

/** Sets a value whatever its access; false if there is no such parameter. */
export function setParameter(tree: ParameterTree, name: string, value: string): boolean {
  const parameter = tree.get(name);
  if (parameter === undefined) return false;
  parameter.value = value;
  return true;
}
