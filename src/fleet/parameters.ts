import type { AcsRequest, CpeResponse } from '../cwmp/acs-methods.ts';
import type { ParameterValueStruct } from '../cwmp/messages.ts';
import type { Database, Query } from '../platform/postgres.ts';
import {
  dropBelow,
  type GivenValues,
  type ParameterLimits,
  partsTexts,
  type StoredRow,
  storeAttributes,
  storeNames,
  storeValues,
} from './parameter-queries.ts';
import { isSecret } from './secret-parameters.ts';

export const defaultParameterLimits: ParameterLimits = { names: 200_000, bytes: 64 * 1024 * 1024 };

/** TR-106 3.2: names of at most 256 characters; what is longer cannot be asked for either. */
const longestName = 256;
/** A longer value is a file in disguise: it is known to exist, and not kept. */
const longestValue = 64 * 1024;
/** Names in one statement. */
const atOnce = 10_000;

export interface ParameterChange {
  readonly name: string;
  /** Null: not kept. */
  readonly before: string | null;
  readonly after: string | null;
}

export interface Stored {
  readonly changed: number;
  readonly refused: number;
  /** Of parameters that were known before; at most a thousand. */
  readonly changes: readonly ParameterChange[];
}

const nothing: Stored = { changed: 0, refused: 0, changes: [] };

export interface ParameterStore {
  /** Durable when it resolves. Values as the device said them: the last one, where it names a parameter twice. */
  values(deviceId: string, parameters: readonly ParameterValueStruct[], at: Date): Promise<Stored>;
  /** What an answer of the device tells of its parameters. */
  learn(deviceId: string, request: AcsRequest, response: CpeResponse, at: Date): Promise<Stored>;
}

export function createParameterStore(db: Database, limits = defaultParameterLimits): ParameterStore {
  const values: ParameterStore['values'] = (deviceId, parameters, at) =>
    inParts(db, uniqueLast(parameters), (part) => storeValues(deviceId, given(part), limits, at));
  return {
    values,
    learn: (deviceId, request, response, at) => learn(db, limits, values, deviceId, request, response, at),
  };
}

async function inParts<Item>(
  db: Database,
  items: readonly Item[],
  query: (part: readonly Item[]) => Query,
): Promise<Stored> {
  let total = nothing;
  for (let from = 0; from < items.length; from += atOnce) {
    const { rows } = await db.query<StoredRow>(query(items.slice(from, from + atOnce)));
    const [row] = rows;
    if (row === undefined) continue;
    total = {
      changed: total.changed + row.changed,
      refused: total.refused + row.refused,
      changes: [...total.changes, ...(row.changes ?? [])],
    };
  }
  return total;
}

function uniqueLast<Item extends { readonly name: string }>(items: readonly Item[]): readonly Item[] {
  const byName = new Map<string, Item>();
  for (const item of items) if (isName(item.name)) byName.set(item.name, item);
  return byName.size === items.length ? items : [...byName.values()];
}

function isName(name: string): boolean {
  return name !== '' && name.length <= longestName && !partsTexts(name);
}

function given(parameters: readonly ParameterValueStruct[]): GivenValues {
  return {
    names: parameters.map(({ name }) => name),
    values: parameters.map(({ name, value }) => (isKept(value) && !isSecret(name) ? value : null)),
    types: parameters.map(({ type }) => (type === undefined || type.length > 32 || partsTexts(type) ? null : type)),
  };
}

function isKept(value: string): boolean {
  return value.length <= longestValue && !partsTexts(value);
}

async function learn(
  db: Database,
  limits: ParameterLimits,
  values: ParameterStore['values'],
  deviceId: string,
  request: AcsRequest,
  response: CpeResponse,
  at: Date,
): Promise<Stored> {
  switch (response.method) {
    case 'GetParameterValuesResponse':
      return values(deviceId, response.parameterList, at);
    case 'SetParameterValuesResponse':
      return request.method === 'SetParameterValues' ? values(deviceId, request.parameterList, at) : nothing;
    case 'GetParameterNamesResponse': {
      const listed = uniqueLast(response.parameterList);
      const stored = await inParts(db, listed, (part) =>
        storeNames(
          deviceId,
          part.map(({ name }) => name),
          part.map(({ writable }) => writable),
          limits,
          at,
        ),
      );
      // The whole subtree was listed: what is not in it is no more.
      if (request.method === 'GetParameterNames' && !request.nextLevel && endsInDot(request.parameterPath))
        await db.query(
          dropBelow(
            deviceId,
            request.parameterPath,
            listed.map(({ name }) => name),
          ),
        );
      return stored;
    }
    case 'GetParameterAttributesResponse':
      await db.query(
        storeAttributes(
          deviceId,
          response.parameterList.map(({ name }) => name.slice(0, longestName)),
          response.parameterList.map(({ notification }) => Math.min(notification, 100)),
          response.parameterList.map(({ accessList }) => accessList.join(',').slice(0, 256)),
        ),
      );
      return nothing;
    case 'DeleteObjectResponse':
      if (request.method !== 'DeleteObject') return nothing;
      return inParts(db, [request.objectName], ([object = '']) => dropBelow(deviceId, object, []));
    default:
      return nothing;
  }
}

function endsInDot(path: string): boolean {
  return path === '' || path.endsWith('.');
}
