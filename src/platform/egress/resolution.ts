import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { addressFault } from './address-ranges.ts';
import { type EgressPolicy, type Failed, failed, type Refused, refused } from './egress-request.ts';
import type { Target } from './target.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Asks the system for the addresses of a name; tests give their own. */
export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true })).map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));

/**
 * The addresses of a target, resolved this once: the connection is made to them and to nothing else, so that a name
 * cannot mean one thing when it is judged and another when it is called. One bad address spoils the name.
 */
export async function resolveTarget(
  { host, named }: Target,
  policy: EgressPolicy,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<readonly ResolvedAddress[] | Refused | Failed> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family: family === 6 ? 6 : 4 }];
  let found: readonly ResolvedAddress[];
  try {
    found = await beforeAbort(resolver(host), signal);
  } catch (error) {
    if (signal.aborted) return failed('timeout', `${host} was not resolved in time`);
    return failed('resolution', `${host} cannot be resolved (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  if (found.length === 0) return failed('resolution', `${host} has no address`);
  if (named) return found;
  for (const { address } of found) {
    const fault = (policy.judgeAddress ?? addressFault)(address);
    if (fault !== undefined) return refused('address', `${host} is ${address}, which ${fault}`);
  }
  return found;
}

/** The system's resolver cannot be told to stop, so it is left behind. */
function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
