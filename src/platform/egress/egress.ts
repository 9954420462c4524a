import type { Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import { inSpan } from '../tracing.ts';
import { createEgressMetrics } from './egress-metrics.ts';
import { type EgressRequest, type EgressResult, failed, refused } from './egress-request.ts';
import { type Exchanged, exchange, type Route } from './exchange.ts';
import { createFailureMemory, type FailureMemory } from './failure-memory.ts';
import { createHostSlots, type HostSlots } from './host-slots.ts';
import { type Resolver, resolveTarget, systemResolver } from './resolution.ts';
import { followRedirect, judgeTarget, type Target } from './target.ts';

/** The one place by which HTTP leaves this process. */
export interface Egress {
  /** Asks, within the rules of the request. Never throws for what a network or a server does. */
  fetch(request: EgressRequest): Promise<EgressResult>;
  /** Ends what is under way; what is asked for later fails. */
  close(): void;
}

export interface EgressDeps {
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly resolver?: Resolver;
  /** Exchanges at a time with one host, and how many may wait for them. */
  readonly perHost?: number;
  readonly waitingPerHost?: number;
  /** Milliseconds that a failed URL is left alone, at first and at most. */
  readonly firstPause?: number;
  readonly longestPause?: number;
}

interface Works {
  readonly resolver: Resolver;
  readonly slots: HostSlots;
  readonly memory: FailureMemory;
}

const mostRemembered = 2000;

export function createEgress(deps: EgressDeps): Egress {
  const metrics = createEgressMetrics(deps.metrics);
  const closing = new AbortController();
  const { clock, firstPause = 5000, longestPause = 300_000 } = deps;
  const works: Works = {
    resolver: deps.resolver ?? systemResolver,
    slots: createHostSlots(deps.perHost ?? 4, deps.waitingPerHost ?? 64),
    memory: createFailureMemory({ clock, first: firstPause, longest: longestPause, most: mostRemembered }),
  };
  return {
    fetch: async (request) => {
      const started = performance.now();
      const words = {
        'hems.egress.purpose': request.purpose,
        'server.address': URL.parse(request.url)?.hostname ?? '',
      };
      const result = await inSpan('hems.egress', words, () => attempt(works, request, closing.signal));
      metrics.done(request.purpose, result, (performance.now() - started) / 1000);
      return result;
    },
    close: () => closing.abort(),
  };
}

async function attempt(works: Works, request: EgressRequest, closing: AbortSignal): Promise<EgressResult> {
  const { url, policy, again = false, timeout } = request;
  const target = judgeTarget(url, policy);
  if ('kind' in target) return target;
  const proxy = proxyFault(policy.proxy);
  if (proxy !== undefined) return refused('proxy', proxy);
  const key = `${policy.proxy ?? ''} ${target.url.href}`;
  const until = again ? undefined : works.memory.blockedUntil(key);
  if (until !== undefined)
    return failed('remembered', `failed a moment ago, is left alone until ${until.toISOString()}`);
  const late = AbortSignal.timeout(timeout);
  const signal = AbortSignal.any([late, closing, ...(request.signal === undefined ? [] : [request.signal])]);
  const result = await travel(works, target, request, signal);
  // Our own queue, our own stop and the caller's are no failure of the server.
  if (result.kind === 'failed' && result.cause !== 'busy' && (late.aborted || !signal.aborted))
    works.memory.failed(key);
  else if (result.kind !== 'failed') works.memory.succeeded(key);
  return result;
}

/** The proxy is the operator's: its address may be anything, its scheme may not. */
function proxyFault(proxy: string | undefined): string | undefined {
  if (proxy === undefined) return undefined;
  const protocol = URL.parse(proxy)?.protocol;
  return protocol === 'http:' || protocol === 'https:' ? undefined : 'the proxy is no http or https URL';
}

/** From hop to hop; each is judged, resolved and connected to anew. */
async function travel(works: Works, first: Target, request: EgressRequest, signal: AbortSignal): Promise<EgressResult> {
  let target = first;
  for (let hops = 0; ; hops++) {
    const got = await visit(works, target, request, signal);
    if (got.kind !== 'exchanged') return got;
    const { status, headers, body, location } = got;
    const url = target.url.href;
    if (status === 304 && request.validators !== undefined) return { kind: 'not-modified', headers, url };
    if (!isRedirect(status, request.method)) return { kind: 'answer', status, headers, body, url };
    const next = followRedirect(target, location, hops, request.policy);
    if ('kind' in next) return next;
    target = next;
  }
}

/** RFC 9110 15.4: a POST is repeated only where the server says that it shall be. */
function isRedirect(status: number, method: 'GET' | 'POST'): boolean {
  return status === 307 || status === 308 || (method === 'GET' && [301, 302, 303].includes(status));
}

async function visit(
  { slots, resolver }: Works,
  target: Target,
  request: EgressRequest,
  signal: AbortSignal,
): Promise<Exchanged | Exclude<EgressResult, { kind: 'answer' | 'not-modified' }>> {
  const leave = await slots.enter(target.host, signal).catch(() => undefined);
  if (leave === undefined) return failed('timeout', 'no turn in time');
  if (leave === 'busy') return failed('busy', `too many requests wait for ${target.host}`);
  try {
    const route = await routeTo(target, request, resolver, signal);
    return 'cause' in route ? route : await exchange(target, route, request, signal);
  } finally {
    leave();
  }
}

async function routeTo(target: Target, { policy }: EgressRequest, resolver: Resolver, signal: AbortSignal) {
  if (policy.proxy !== undefined) return { kind: 'proxy', proxy: policy.proxy } satisfies Route;
  const addresses = await resolveTarget(target, policy, resolver, signal);
  return 'kind' in addresses ? addresses : ({ kind: 'direct', addresses } satisfies Route);
}
