import type { DeviceIdStruct, EventStruct } from './soap-writer.ts';

/** How one session departs from the ordinary. */
export interface SessionOptions {
  readonly events?: readonly EventStruct[];
  /** Claimed instead of the device's own. */
  readonly deviceId?: DeviceIdStruct;
  /** Sent as the Authorization header of every request. */
  readonly authorization?: string;
  /** Sent from the first request on (`name=value`), e.g. another device's. */
  readonly cookie?: string;
  /** Further headers, on every request. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly chunked?: boolean;
  readonly expectContinue?: boolean;
  readonly gzip?: boolean;
  /** Every request on a connection of its own. */
  readonly withoutKeepAlive?: boolean;
  /** Leave out cwmp:ID. */
  readonly withoutId?: boolean;
  /** CurrentTime of the Inform; a device without time says 0001-01-01T00:00:00Z. */
  readonly currentTime?: string;
  /** Calls of the device's own after the Inform, besides pending TransferCompletes. */
  readonly calls?: readonly 'GetRPCMethods'[];
  /** Sent in place of the Inform's envelope, for messages that no device should send; empty: an empty POST first. */
  readonly firstMessage?: string;
  /** Hang up after InformResponse, without a word. */
  readonly abandon?: boolean;
  /** Asked at every request of the ACS, by method: what the device does about it. Default: answers. */
  readonly onRequest?: (method: string) => RequestCourse | Promise<RequestCourse>;
  /** Awaited after InformResponse: the session is open then. */
  readonly whileOpen?: (cookie: string | undefined) => Promise<void>;
}

/**
 * answer; hang up and forget the request; carry it out and hang up without a word; or answer on a new connection, to
 * another node of the ACS if a URL is given.
 */
export type RequestCourse = 'answer' | 'hang-up' | 'do-and-hang-up' | { readonly reconnectTo: string };

/** What the device saw of one session. */
export interface SessionReport {
  /** An InformResponse was read. */
  readonly informed: boolean;
  /** The ACS ended the session as it should: 204. */
  readonly complete: boolean;
  /** Of every reply, in order. */
  readonly statuses: readonly number[];
  /** Of the last reply. */
  readonly httpStatus?: number;
  /** Of the last fault that the ACS sent. */
  readonly faultCode?: number;
  /** Who ended the connection; `nobody`: it never came about. */
  readonly closedBy: 'device' | 'acs' | 'nobody';
  readonly alert?: number;
  readonly error?: string;
  /** Of every TCP connection made, in order. */
  readonly localPorts: readonly number[];
  readonly tlsVersion?: string;
  readonly cipherSuite?: string;
  /** Whether the last connection resumed a TLS session. */
  readonly resumed?: boolean;
  /** What the device would send back. */
  readonly cookie?: string;
  /** Methods the ACS called. */
  readonly answered: readonly string[];
  /** UseCWMPVersion of the InformResponse. */
  readonly useCwmpVersion?: string;
  /** What the ACS did against the rules, as a strict device sees it; each to be read after "the ACS". */
  readonly violations: readonly string[];
  readonly durationMs: number;
}

/** A report in the making. */
export type Draft = { -readonly [K in keyof SessionReport]: SessionReport[K] } & {
  statuses: number[];
  localPorts: number[];
  answered: string[];
  violations: string[];
};

export function newDraft(): Draft {
  return {
    informed: false,
    complete: false,
    statuses: [],
    closedBy: 'nobody',
    localPorts: [],
    answered: [],
    violations: [],
    durationMs: 0,
  };
}
