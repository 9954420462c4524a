import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { recordChange } from './changes.ts';
import { type BranchRow, branchesOf, type ParameterRow, parametersBelow } from './parameter-reading-queries.ts';
import type { By } from './register.ts';
import { isPersonal, isSecret, masked } from './secret-parameters.ts';

/** The last that is known of a parameter. */
export interface KnownParameter extends Omit<ParameterRow, 'value'> {
  /** Null: not read yet, or not kept. */
  readonly value: string | null;
  /** The value is there, and not shown. */
  readonly masked: boolean;
}

export interface ParameterPage {
  readonly parameters: readonly KnownParameter[];
  /** Names behind this one come next; absent: that was all. */
  readonly next?: string;
}

export interface PageOfParameters {
  readonly after?: string;
  readonly limit: number;
  /** Only names that hold this, whatever its case. */
  readonly holding?: string;
}

export interface ParameterReading {
  /** In the order of their names: one parameter, or all below a path that ends in a dot (empty: all). */
  below(deviceId: string, path: string, page: PageOfParameters): Promise<ParameterPage>;
  /** One level of the tree: objects end in a dot and have the number of parameters below them. */
  branches(deviceId: string, path: string, limit: number): Promise<readonly BranchRow[]>;
  /** The same with personal values (IMSIs, subscribers' numbers); who asked, and for what, is on record before it is shown. */
  reveal(deviceId: string, path: string, page: { after?: string; limit: number }, by: By): Promise<ParameterPage>;
}

export function createParameterReading({ db, clock }: { db: Database; clock: Clock }): ParameterReading {
  const read = async (deviceId: string, path: string, page: PageOfParameters, open: boolean) => {
    const { after = '', limit, holding } = page;
    const { rows } = await db.query<ParameterRow>(parametersBelow(deviceId, path, after, limit + 1, holding));
    const last = rows.length > limit ? rows[limit - 1]?.name : undefined;
    const parameters = rows.slice(0, limit).map((row) => shown(row, open));
    return { parameters, ...(last !== undefined && { next: last }) };
  };
  return {
    below: (deviceId, path, page) => read(deviceId, path, page, false),
    branches: async (deviceId, path, limit) => (await db.query<BranchRow>(branchesOf(deviceId, path, limit))).rows,
    reveal: async (deviceId, path, page, by) => {
      await db.transaction((tx) =>
        recordChange(tx, { deviceId, at: clock.now(), action: 'reveal_parameters', after: { path }, ...by }),
      );
      return read(deviceId, path, page, true);
    },
  };
}

function shown(row: ParameterRow, open: boolean): KnownParameter {
  const hidden = row.value !== null && row.value !== '' && (isSecret(row.name) || (isPersonal(row.name) && !open));
  return { ...row, value: hidden ? masked : row.value, masked: hidden };
}
