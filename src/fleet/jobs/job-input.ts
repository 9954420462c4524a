import type { Job } from '../../platform/jobs.ts';
import type { Actor } from '../changes.ts';
import type { DeviceFilter } from '../listing.ts';
import type { By } from '../register.ts';
import type { ManyMove } from '../register-many.ts';
import type { ShippingFormat } from '../shipping-file.ts';
import type { ShippingColumn } from '../shipping-record.ts';
import type { TaskRequest } from '../task.ts';

/* What stands in `jobs.input`, by kind. It went through JSON: times are texts. */

const jobKinds = ['device-moves', 'device-tasks', 'device-import'] as const;

export type JobKind = (typeof jobKinds)[number];

export interface MovesInput {
  readonly move: ManyMove | 'handover';
  readonly filter: StoredFilter;
  /** Of the records that a handover writes. */
  readonly format?: ShippingFormat;
}

export interface TasksInput {
  readonly filter: StoredFilter;
  readonly request: TaskRequest;
  readonly priority?: number;
  readonly notBefore?: string;
  readonly expiresAt?: string;
}

export interface ImportInput {
  readonly format: ShippingFormat;
  readonly columns?: Readonly<Partial<Record<ShippingColumn, string>>>;
  readonly defaults?: Readonly<Partial<Record<ShippingColumn, string>>>;
  readonly ignoreUnknown?: boolean;
  readonly dryRun?: boolean;
  readonly correct?: boolean;
  readonly bytes: number;
}

type Stored<T> = { readonly [K in keyof T]: T[K] extends Date | undefined ? string : T[K] };
export type StoredFilter = Stored<DeviceFilter>;

const times = ['informedBefore', 'informedAfter', 'expiresBefore'] as const;

export function storedFilter(filter: DeviceFilter): StoredFilter {
  return JSON.parse(JSON.stringify(filter)) as StoredFilter;
}

export function filterOf(stored: StoredFilter): DeviceFilter {
  const told = times.flatMap((name) => (stored[name] === undefined ? [] : [[name, new Date(stored[name])]]));
  return { ...stored, ...Object.fromEntries(told) } as DeviceFilter;
}

export function byOf({ actor, reason }: Job): By {
  return { actor: actor as Actor, ...(reason !== null && { reason }) };
}
