/** Where in a request the fault lies. */
export type ProblemPlace = 'path' | 'query' | 'header' | 'body';

/** RFC 9457: the one shape in which this door says what went wrong. Internal errors become one only here, at the edge. */
export interface Problem {
  /** `urn:hems:problem:<code>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; what programs decide by. */
  readonly code: string;
  readonly detail?: string;
  /** The offending field, e.g. `limit` or `request.values.0.name`, and the part of the request that it stands in. */
  readonly field?: string;
  readonly in?: ProblemPlace;
  /** Further members (RFC 9457 3.2); what there may be stands in `problemSchema`. */
  readonly [more: string]: unknown;
}

export const problemContentType = 'application/problem+json; charset=utf-8';

const known: Readonly<Record<number, readonly [code: string, title: string]>> = {
  400: ['invalid', 'Bad Request'],
  401: ['unauthenticated', 'Unauthorized'],
  403: ['forbidden', 'Forbidden'],
  404: ['not_found', 'Not Found'],
  405: ['method_not_allowed', 'Method Not Allowed'],
  408: ['request_timeout', 'Request Timeout'],
  409: ['conflict', 'Conflict'],
  412: ['precondition_failed', 'Precondition Failed'],
  413: ['content_too_large', 'Content Too Large'],
  414: ['uri_too_long', 'URI Too Long'],
  415: ['unsupported_media_type', 'Unsupported Media Type'],
  422: ['unprocessable', 'Unprocessable Content'],
  428: ['precondition_required', 'Precondition Required'],
  429: ['too_many_requests', 'Too Many Requests'],
  431: ['header_too_large', 'Request Header Fields Too Large'],
  500: ['internal', 'Internal Server Error'],
  503: ['unavailable', 'Service Unavailable'],
};

export interface ProblemWords {
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly field?: string | undefined;
  readonly in?: ProblemPlace | undefined;
  readonly more?: Readonly<Record<string, unknown>> | undefined;
}

export function problem(status: number, words: ProblemWords = {}): Problem {
  const [ownCode, title] = known[status] ?? ['error', 'Error'];
  const code = words.code ?? ownCode;
  return {
    type: `urn:hems:problem:${code}`,
    title,
    status,
    code,
    ...(words.detail !== undefined && { detail: words.detail }),
    ...(words.field !== undefined && { field: words.field }),
    ...(words.in !== undefined && { in: words.in }),
    ...words.more,
  };
}

export function problemTitle(status: number): string {
  return known[status]?.[1] ?? 'Error';
}
