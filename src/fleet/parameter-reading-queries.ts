import type { Query } from '../platform/postgres.ts';

/** The first name behind all that begin so. */
export function endOf(prefix: string): string {
  return prefix === ''
    ? '\u{10ffff}'
    : `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}

export interface ParameterRow {
  name: string;
  value: string | null;
  type: string | null;
  writable: boolean | null;
  notification: number | null;
  accessList: string[] | null;
  since: Date;
}

const shown = `name, value, type, writable, notification, access_list as "accessList", since`;

/** `holding`: a part of the name, whatever its case; empty: any. */
export function parametersBelow(deviceId: string, path: string, after: string, limit: number, holding = ''): Query {
  const exact = path !== '' && !path.endsWith('.');
  return {
    name: 'fleet_parameters_below',
    text: `select ${shown} from device_parameters
            where device_id = $1 and name >= $2 and name < $3 and name > $4
              and ($6::text = '' or strpos(lower(name), lower($6)) > 0) order by name limit $5`,
    values: [deviceId, path, exact ? `${path}\u0001` : endOf(path), after, limit, holding],
  };
}

export interface BranchRow {
  name: string;
  parameters: number;
}

/** What lies one level below a path, with the number of parameters in each. Reads the device's index alone. */
export function branchesOf(deviceId: string, path: string, limit: number): Query {
  return {
    name: 'fleet_branches_of',
    text: `select $2 || part as name, count(*) filter (where right(name, 1) <> '.')::int as parameters
             from (select name, substring(substr(name, length($2) + 1) from '^[^.]*[.]?') as part
                     from device_parameters where device_id = $1 and name >= $2 and name < $3) below
            where part <> '' group by part order by part collate "C" limit $4`,
    values: [deviceId, path, endOf(path), limit],
  };
}

/** Parameters, not objects, behind a name. */
export function namesBelow(deviceId: string, path: string, after: string, limit: number): Query {
  return {
    name: 'fleet_names_below',
    text: `select name from device_parameters
            where device_id = $1 and name >= $2 and name < $3 and name > $4 and right(name, 1) <> '.'
            order by name limit $5`,
    values: [deviceId, path, endOf(path), after, limit],
  };
}

export function typesOf(deviceId: string, names: readonly string[]): Query {
  return {
    name: 'fleet_types_of',
    text: `select name, type from device_parameters where device_id = $1 and name = any ($2) and type is not null`,
    values: [deviceId, names],
  };
}

/** The first part of the device's names. */
export function rootOf(deviceId: string): Query {
  return {
    name: 'fleet_root_of',
    text: `select split_part(name, '.', 1) as root from device_parameters
            where device_id = $1 and name ~ '^(Device|InternetGatewayDevice)[.]' limit 1`,
    values: [deviceId],
  };
}
