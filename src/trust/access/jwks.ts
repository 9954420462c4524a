import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';

export type KeySet = ReturnType<typeof createLocalJWKSet>;

export interface Jwks {
  /** The keys of the issuer, from memory while they are fresh. Undefined: they cannot be had. */
  current(): Promise<KeySet | undefined>;
  /** A key is asked for that is not among them: fetched anew, unless that was done a moment ago. */
  anew(): Promise<KeySet | undefined>;
}

export interface JwksDeps {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly url: string;
  readonly proxy?: string | undefined;
  readonly complain: (cause: string) => void;
}

/** Fetched anew after this. */
const freshFor = 600_000;
/** Believed no longer than this when they cannot be fetched anew. */
const believedFor = 3_600_000;
/** Between two fetches, whatever strangers write into `kid`. */
const pause = 10_000;
const mostBytes = 256 * 1024;
const mostKeys = 100;
const within = 5000;

interface Kept {
  readonly keys: KeySet;
  readonly at: number;
}

/** The keys of an OpenID provider: fetched through the one way out, kept within bounds, one fetch at a time. */
export function createJwks(deps: JwksDeps): Jwks {
  let kept: Kept | undefined;
  let tried = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  const now = (): number => deps.clock.now().getTime();
  const refresh = async (): Promise<void> => {
    if (running === undefined && Math.abs(now() - tried) < pause) return;
    running ??= fetchKeys(deps)
      .then((keys) => {
        tried = now();
        if (keys !== undefined) kept = { keys, at: now() };
      })
      .finally(() => {
        running = undefined;
      });
    await running;
  };
  const believed = (): KeySet | undefined =>
    kept !== undefined && Math.abs(now() - kept.at) < believedFor ? kept.keys : undefined;
  return {
    current: async () => {
      if (kept === undefined || Math.abs(now() - kept.at) >= freshFor) await refresh();
      return believed();
    },
    anew: async () => {
      await refresh();
      return believed();
    },
  };
}

async function fetchKeys({ egress, url, proxy, complain }: JwksDeps): Promise<KeySet | undefined> {
  const { host } = new URL(url);
  const result = await egress.fetch({
    purpose: 'jwks',
    url,
    method: 'GET',
    policy: { hosts: [host], privateHosts: [host], ...(proxy !== undefined && { proxy }) },
    accept: 'application/jwk-set+json, application/json',
    maxBytes: mostBytes,
    timeout: within,
    // Its own pause is shorter than the memory of failures.
    again: true,
  });
  if (result.kind === 'answer' && result.status === 200) {
    const keys = readKeys(result.body);
    if (keys === undefined) complain(`${url} is no set of keys`);
    return keys;
  }
  complain(
    `${url}: ${result.kind === 'answer' ? `status ${result.status}` : result.kind === 'not-modified' ? 'not modified' : result.detail}`,
  );
  return undefined;
}

function readKeys(body: Uint8Array): KeySet | undefined {
  try {
    const read = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as JSONWebKeySet;
    if (!Array.isArray(read.keys) || read.keys.length > mostKeys) return undefined;
    // A set that holds secrets by mistake is not the place to learn them from.
    return createLocalJWKSet({ keys: read.keys.filter(({ kty }) => kty !== 'oct') });
  } catch {
    return undefined;
  }
}
