import type { z } from 'zod';
import type { By } from '../fleet/register.ts';
import type { Permission } from '../trust/access/roles.ts';
import type { Caller, Reach } from './authentication.ts';
import type { ProblemWords } from './problem.ts';

type Shape = z.ZodObject;
type Out<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** What a handler is given: everything judged by its schema. */
export interface Asked<Params, Query, Headers, Body> {
  readonly params: Out<Params>;
  readonly query: Out<Query>;
  readonly headers: Out<Headers>;
  readonly body: Out<Body>;
  readonly caller: Caller;
  /** Who stands in the audit. */
  readonly by: By;
  /** The body of an operation that takes uploads, as it comes. */
  readonly upload?: Upload;
}

export interface Upload {
  /** One of the media types of the operation. */
  readonly type: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export type Answer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly status: number;
      readonly problem: ProblemWords;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Written as fast as it is read, and no faster. */
  | {
      readonly status: number;
      readonly type: string;
      readonly stream: AsyncIterable<Uint8Array | string>;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface OperationAnswer {
  readonly description: string;
  /** None: no content. */
  readonly schema?: z.ZodType;
  /** Media types of an answer that is no JSON. */
  readonly media?: readonly string[];
  /** Response headers besides those that every answer has, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One operation of the API: its route, its contract and what it does. OpenAPI is generated from it. */
export interface Operation<
  Params extends Shape | undefined = undefined,
  Query extends Shape | undefined = undefined,
  Headers extends Shape | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
> {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** As OpenAPI writes it: `/api/v1/devices/{deviceId}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly permission: Permission;
  readonly reach: Reach;
  readonly params?: Params;
  readonly query?: Query;
  readonly headers?: Headers;
  readonly body?: Body;
  /** Media types of a body that is a file, instead of `body`. */
  readonly uploads?: readonly string[];
  /** Bytes of the body, where it may be longer than those of others. */
  readonly bodyLimit?: number;
  /**
   * What an Idempotency-Key means to a POST. kept (default): its answer is kept for a day and given again. own: the room
   * knows the key itself, in the transaction that makes something; only that it is the same request is seen to here.
   * none: it makes nothing.
   */
  readonly idempotency?: 'kept' | 'own' | 'none';
  /** What of a good answer is kept, where something in it is shown once. */
  readonly keptBody?: (body: never) => unknown;
  /** Shown in the contract and executed by the tests. */
  readonly example?: unknown;
  readonly answers: Readonly<Record<number, OperationAnswer>>;
  /** Statuses of problems besides 401, 403, 429 and, where there is input, 400. */
  readonly problems?: readonly number[];
  readonly handle: (asked: Asked<Params, Query, Headers, Body>) => Promise<Answer>;
}

/** An operation among others: its handler is reached only through what its own schemas accepted. */
export type AnyOperation = Omit<Operation, 'params' | 'query' | 'headers' | 'body' | 'handle'> & {
  readonly params?: Shape | undefined;
  readonly query?: Shape | undefined;
  readonly headers?: Shape | undefined;
  readonly body?: z.ZodType | undefined;
  readonly handle: (asked: Asked<never, never, never, never>) => Promise<Answer>;
};

export function operation<
  Params extends Shape | undefined = undefined,
  Query extends Shape | undefined = undefined,
  Headers extends Shape | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(of: Operation<Params, Query, Headers, Body>): AnyOperation {
  return of as unknown as AnyOperation;
}

export function refuse(status: number, problem: ProblemWords): Answer {
  return { status, problem };
}
