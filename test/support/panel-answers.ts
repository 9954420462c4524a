/** Asks what the panels ask, as Grafana would: variables substituted, PromQL from Prometheus, SQL as the read-only role. */
import assert from 'node:assert/strict';

/** Everything, as Grafana's "All". */
export function substituted(expr: string): string {
  return expr
    .replaceAll('$anchor', '.*')
    .replaceAll('$node', '.*')
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '1h');
}

const anchors = ['$', '{anchor:sqlstring}'].join('');

export function substitutedSql(sql: string): string {
  return sql
    .replaceAll(anchors, `'acme', 'zenith', 'operator'`)
    .replaceAll(/\$__timeFilter\((\w+)\)/g, `$1 between now() - interval '6 hours' and now() + interval '1 minute'`);
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

async function api<T>(url: string, path: string, form: Record<string, string>): Promise<readonly T[]> {
  const answer = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(form) });
  const body = (await answer.json()) as { status: string; error?: string; data?: { result: readonly T[] } };
  assert.equal(body.status, 'success', `${form.query}: ${body.error}`);
  return body.data?.result ?? [];
}

/** As of now. */
export const askNow = (url: string, query: string): Promise<readonly Sample[]> => api(url, 'query', { query });

/** The last `seconds`, in 60 steps. */
export function askRange(url: string, query: string, seconds: number): Promise<readonly Series[]> {
  const end = Date.now() / 1000;
  const form = { query, start: String(end - seconds), end: String(end), step: String(seconds / 60) };
  return api(url, 'query_range', form);
}
