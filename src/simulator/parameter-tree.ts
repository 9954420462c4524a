import { type DataModel, modelRows } from './femtocell-model.ts';
import { modelObjects } from './femtocell-tables.ts';
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
  /** 0 off, 1 passive, 2 active. */
  notification: number;
  accessList: readonly string[];
}

/** Parameters by full path. Objects are not stored: a path ending in "." stands for all below it. */
export type ParameterTree = Map<string, Parameter>;

export type Row = readonly [name: string, type: ParameterType, value: string, access: 'R' | 'W', forced?: 'forced'];

function parameterOf([, type, value, access, forced]: Row): Parameter {
  return {
    type,
    value,
    writable: access === 'W',
    forced: forced === 'forced',
    notification: 0,
    accessList: ['Subscriber'],
  };
}

export function createParameterTree(model: DataModel, id: DeviceIdStruct, url: string): ParameterTree {
  return new Map(modelRows(model, id, url).map((row) => [row[0], parameterOf(row)]));
}

/** What every Inform carries, and what has changed since the last one (`4 VALUE CHANGE`). */
export function forcedInform(tree: ParameterTree, changed: ReadonlySet<string> = new Set()): ParameterValue[] {
  return [...tree]
    .filter(([name, { forced }]) => forced || changed.has(name))
    .map(([name, { type, value }]) => ({ name, type, value }));
}

/** TR-069 A.3.2.2: a password is read as nothing. */
const unreadable = /\.(?:\w*Password|\w*PreSharedKey)$/;

/** A full path, or a partial one ending in "." (or empty: all). Undefined: no such name (9005). */
export function readParameters(tree: ParameterTree, path: string): ParameterValue[] | undefined {
  const one = tree.get(path);
  const shown = (name: string, value: string): string => (unreadable.test(name) ? '' : value);
  if (one !== undefined) return [{ name: path, type: one.type, value: shown(path, one.value) }];
  if (path !== '' && !path.endsWith('.')) return undefined;
  const found = [...tree].filter(([name]) => name.startsWith(path));
  if (found.length === 0 && !isTable(path)) return undefined;
  return found.map(([name, { type, value }]) => ({ name, type, value: shown(name, value) }));
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
      const full = path + levels.slice(0, depth).join('.') + (isLeaf ? '' : '.');
      // Of an object it says whether it may be deleted, of a table whether it may be added to (TR-069 A.3.2.3).
      names.set(full, isLeaf ? writable : isOfAcs(full) || isOfAcs(full.replace(/\d+\.$/, '')));
    }
  }
  if (names.size === 0 && !isTable(path)) return undefined;
  return [...names].map(([name, writable]) => ({ name, writable }));
}

const lexical: Readonly<Record<ParameterType, RegExp>> = {
  string: /^/,
  boolean: /^(0|1|true|false)$/,
  unsignedInt: /^\d{1,10}$/,
  int: /^[+-]?\d{1,10}$/,
  dateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/,
};

/** Why a value cannot be set: a CPE fault code, or undefined when it can. `type`: the xsi:type sent, if any. */
export function setFault(tree: ParameterTree, name: string, value: string, type?: string): number | undefined {
  const parameter = tree.get(name);
  if (parameter === undefined) return 9005;
  if (!parameter.writable) return 9008;
  if (type !== undefined && type !== parameter.type) return 9006;
  return lexical[parameter.type].test(value) ? undefined : 9007;
}

/** Sets a value whatever its access; false if there is no such parameter. */
export function setParameter(tree: ParameterTree, name: string, value: string): boolean {
  const parameter = tree.get(name);
  if (parameter === undefined) return false;
  parameter.value = value;
  return true;
}

const tableOf = (path: string) => modelObjects.find(({ pattern }) => pattern.test(path));

function isTable(path: string): boolean {
  return tableOf(path) !== undefined;
}

/** A table to which the ACS may add, and from which it may delete. */
export function isOfAcs(path: string): boolean {
  const table = tableOf(path);
  return table !== undefined && table.own !== true;
}

function countEntries(tree: ParameterTree, table: string): void {
  setParameter(tree, `${table.slice(0, -1)}NumberOfEntries`, String(instancesOf(tree, table).length));
}

/** TR-069 A.3.2.6: a new instance under the next free number; undefined: no table of this name, or a full one. */
export function addInstance(tree: ParameterTree, table: string, most = 64): number | undefined {
  const rows = tableOf(table)?.rows;
  const taken = instancesOf(tree, table);
  if (rows === undefined || taken.length >= most) return undefined;
  const number = Math.max(0, ...taken) + 1;
  for (const row of rows) tree.set(`${table}${number}.${row[0]}`, parameterOf(row));
  countEntries(tree, table);
  return number;
}

export function instancesOf(tree: ParameterTree, table: string): number[] {
  const numbers = new Set<number>();
  for (const name of tree.keys())
    if (name.startsWith(table)) numbers.add(Number(name.slice(table.length, name.indexOf('.', table.length))));
  return [...numbers].filter((number) => number > 0);
}

/** TR-069 A.3.2.7; false: no such instance of a table. */
export function deleteInstance(tree: ParameterTree, object: string): boolean {
  const table = object.replace(/\d+\.$/, '');
  if (table === object || !isTable(table)) return false;
  const doomed = [...tree.keys()].filter((name) => name.startsWith(object));
  for (const name of doomed) tree.delete(name);
  countEntries(tree, table);
  return doomed.length > 0;
}
