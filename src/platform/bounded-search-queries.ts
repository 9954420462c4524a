import type { TimePosition } from './bounded-search.ts';
import type { Query } from './postgres.ts';

/** Rows that one search looks at, at most: what is rare costs several pages, and no page costs more than this. */
const mostLookedAt = 50_000;

/** Makes a value a parameter of the statement and answers its place. */
export type Bind = (value: unknown) => string;

/** A condition for each part of a filter. */
export type Conditions<Filter> = {
  readonly [Part in keyof Filter]?: (bind: Bind, value: NonNullable<Filter[Part]>) => string;
};

export interface BoundedSearch<Filter> {
  readonly table: string;
  readonly columns: string;
  /** What the order goes by, newest first, e.g. `['at', 'id']`: an index with each of the `indexed` parts before it. */
  readonly order: readonly string[];
  /** Parts that choose where the index is read. */
  readonly indexed: Conditions<Filter>;
  /** Parts that are held against each row that the index gives. */
  readonly looked: Conditions<Filter>;
}

/** From when, until when, and where the page begins. */
export interface TimeFilter {
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
  readonly before?: TimePosition | undefined;
}

export const inTime = {
  from: (bind, value) => `t.at >= ${bind(value)}::timestamptz`,
  until: (bind, value) => `t.at < ${bind(value)}::timestamptz`,
  // `at` comes from a clock of ours, to the millisecond: a cursor carries it whole.
  before: (bind, { at, id }) => `(t.at, t.id) < (${bind(at)}::timestamptz, ${bind(id)}::uuid)`,
} satisfies Conditions<TimeFilter>;

interface Built {
  readonly values: unknown[];
  readonly where: string;
}

function whereOf<Filter extends object>(conditions: Conditions<Filter>, filter: Filter, values: unknown[]): Built {
  const bind: Bind = (value) => `$${values.push(value)}`;
  const found = (Object.keys(conditions) as (keyof Filter)[]).flatMap((key) => {
    const value = filter[key];
    const condition = conditions[key];
    return value === undefined || value === null || condition === undefined ? [] : [condition(bind, value)];
  });
  return { values, where: found.length === 0 ? '' : `where ${found.join(' and ')}` };
}

function orderOf({ order }: { readonly order: readonly string[] }): string {
  return order.map((column) => `t.${column} desc`).join(', ');
}

/** A page, newest first, of what fits among the rows looked at. */
export function boundedPage<Filter extends object>(
  search: BoundedSearch<Filter>,
  filter: Filter,
  limit: number,
  most = mostLookedAt,
): Query {
  const values: unknown[] = [];
  const inner = whereOf(search.indexed, filter, values);
  const outer = whereOf(search.looked, filter, values);
  const order = orderOf(search);
  const source =
    outer.where === ''
      ? `${search.table} t ${inner.where}`
      : `(select * from ${search.table} t ${inner.where} order by ${order} limit ${most}) t ${outer.where}`;
  return { text: `select ${search.columns} from ${source} order by ${order} limit $${values.push(limit)}`, values };
}

/** Whether a page that is not full may have left something out. */
export function isBounded<Filter extends object>({ looked }: BoundedSearch<Filter>, filter: Filter): boolean {
  return (Object.keys(looked) as (keyof Filter)[]).some((key) => filter[key] !== undefined);
}

/** The last row looked at, behind which the search goes on; none: all there is was looked at. */
export function boundedEnd<Filter extends object>(
  search: BoundedSearch<Filter>,
  filter: Filter,
  most = mostLookedAt,
): Query {
  const { values, where } = whereOf(search.indexed, filter, []);
  const columns = search.order.map((column) => `t.${column}`).join(', ');
  return {
    text: `select ${columns} from ${search.table} t ${where} order by ${orderOf(search)} offset ${most - 1} limit 1`,
    values,
  };
}

/** Rows by `key`, most first, among those looked at; `complete` false: there are older ones. */
export function boundedCounts<Filter extends object>(
  search: BoundedSearch<Filter>,
  filter: Filter,
  key: string,
  most = mostLookedAt,
): Query {
  const values: unknown[] = [];
  const inner = whereOf(search.indexed, filter, values);
  const outer = whereOf(search.looked, filter, values);
  return {
    text: `with looked as materialized (
             select t.* from ${search.table} t ${inner.where} order by ${orderOf(search)} limit ${most}
           ), counted as (
             select ${key} as key, count(*) as count from looked t ${outer.where} group by 1 order by 2 desc, 1 limit 500
           )
           select (select count(*) < ${most} from looked) as complete, (select min(at) from looked) as since,
                  coalesce((select jsonb_agg(jsonb_build_object('key', key, 'count', count)) from counted), '[]') as counts`,
    values,
  };
}
