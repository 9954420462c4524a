import type { Readable } from 'node:stream';
import {
  askManagement,
  type ManagementAnswer,
  type ManagementTarget,
} from '../../platform/egress/management-exchange.ts';
import { exitCodes, type Failure, failure } from '../failure.ts';
import { printable } from '../terminal.ts';
import { networkFailure } from './network-failure.ts';
import { revived } from './revival.ts';

type Values = Readonly<Record<string, unknown>>;

export interface Asked {
  /** What is undefined is left out; times are written as such. */
  readonly query?: Values;
  readonly body?: unknown;
  /** A file instead of a body. */
  readonly upload?: { readonly type: string; readonly bytes: Readable };
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses of problems that the caller knows what to do with; others end the command. */
  readonly problems?: readonly number[];
}

export interface ApiProblem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
  readonly confirm?: number;
  readonly impact?: unknown;
  readonly faults?: readonly { readonly key: string; readonly cause: string; readonly remedy: string }[];
}

export type Said<Body> =
  | { readonly ok: true; readonly status: number; readonly body: Body; readonly etag: string | undefined }
  | { readonly ok: false; readonly problem: ApiProblem };

/** The API of one server. */
export interface Api {
  /** Times in the answer are Dates. A problem that the caller does not know ends the command with cause and remedy. */
  ask<Body>(method: string, path: string, asked?: Asked): Promise<Said<Body>>;
  /** The same where no problem is known. */
  get<Body>(path: string, query?: Values): Promise<Body>;
  /** An answer that is a file. */
  download(path: string, query?: Values): Promise<Readable>;
}

/** More than any page or list there is. */
const mostBytes = 256 * 1024 * 1024;

export function createApi(target: ManagementTarget): Api {
  const exchange = async (method: string, path: string, asked: Asked = {}): Promise<ManagementAnswer> => {
    const { query, body, upload, headers } = asked;
    const type = upload?.type ?? (body === undefined ? undefined : 'application/json');
    return askManagement(target, {
      method,
      path: `${path}${searchOf(query)}`,
      headers: { ...headers, ...(type !== undefined && { 'Content-Type': type }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(upload !== undefined && { body: upload.bytes }),
    }).catch((error: unknown) => {
      throw networkFailure(target.url, error);
    });
  };
  const api: Api = {
    ask: async (method, path, asked = {}) => {
      const answer = await exchange(method, path, asked);
      if (answer.status < 300) {
        const body = revived(await textOf(answer)) as never;
        return { ok: true, status: answer.status, body, etag: answer.header('ETag') };
      }
      const problem = await problemOf(target.url, answer);
      if (asked.problems?.includes(answer.status) && problem.code !== 'no_operation') return { ok: false, problem };
      throw refusal(target.url, answer, problem);
    },
    get: async (path, query) => {
      const said = await api.ask<never>('GET', path, query === undefined ? {} : { query });
      if (said.ok) return said.body;
      throw new Error('a problem that nobody asked for was let through');
    },
    download: async (path, query) => {
      const answer = await exchange('GET', path, query === undefined ? {} : { query });
      if (answer.status < 300) return answer.body;
      throw refusal(target.url, answer, await problemOf(target.url, answer));
    },
  };
  return api;
}

function searchOf(query: Values = {}): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value instanceof Date ? value.toISOString() : String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

async function textOf({ body }: ManagementAnswer): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > mostBytes)
      throw failure(exitCodes.unavailable, `the answer is longer than ${mostBytes} bytes`, 'ask for less at a time');
  }
  return Buffer.concat(parts).toString('utf8');
}

/** What is no problem document comes from something else than hems, or from one of long ago. */
async function problemOf(url: URL, answer: ManagementAnswer): Promise<ApiProblem> {
  const text = await textOf(answer);
  try {
    const { code, detail, title, ...rest } = JSON.parse(text) as Partial<ApiProblem> & { title?: string };
    if (typeof code === 'string') return { ...rest, code, status: answer.status, detail: detail ?? title ?? code };
  } catch {
    // Falls through.
  }
  throw failure(
    exitCodes.unavailable,
    `${url.href} answers ${answer.status}, and not as hems does: ${printable(text, 100)}`,
    'name the management door: its port is 7548 by default, not that of the devices',
  );
}

function refusal(url: URL, answer: ManagementAnswer, problem: ApiProblem): Failure {
  const { code, detail, field } = problem;
  const version = answer.header('Hems-Version');
  switch (answer.status) {
    case 401:
      return failure(
        exitCodes.no,
        `${url.href} does not know who asks: ${detail}`,
        'give a key that is in force (--key-file, HEMS_API_KEY_FILE), or a certificate of its table',
      );
    case 403:
      return failure(exitCodes.no, `${url.href} does not permit it: ${detail}`, 'ask for a key of another role');
    case 429:
      return failure(
        exitCodes.unavailable,
        `${url.href} is asked too often`,
        `again in ${answer.header('Retry-After') ?? '60'} seconds, or raise management.requestsPerMinute`,
      );
    case 400:
    case 404:
    case 405:
      // A parameter or a path that is not there is one of another version.
      if (code === 'no_operation' || code === 'method_not_allowed' || /no such parameter|unrecognized/i.test(detail))
        return failure(
          exitCodes.unavailable,
          `${url.href} does not know this (${version === undefined ? 'it tells no version' : `hems ${version}`}): ${detail}`,
          'use a hems of the same version as the server',
        );
      return failure(answer.status === 404 ? exitCodes.no : exitCodes.usage, named(field, detail));
    default:
      if (answer.status < 500) return failure(exitCodes.no, named(field, detail));
      return failure(
        exitCodes.unavailable,
        `${url.href} cannot do it now (${answer.status}): ${detail}`,
        'see its log',
      );
  }
}

function named(field: string | undefined, detail: string): string {
  return field === undefined || field === '' ? detail : `${field}: ${detail}`;
}
