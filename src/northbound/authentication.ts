import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Credentials } from '../trust/access/credentials.ts';
import type { Holder, HolderResult } from '../trust/access/holder.ts';
import { mayDo, type Permission } from '../trust/access/roles.ts';
import { sourceBlock } from '../trust/source-block.ts';
import { sendProblem } from './answering.ts';
import { chainOf } from './client-chain.ts';
import { type RateLimit, rateLimitHeaders } from './rate-limit.ts';

/**
 * How much of the installation an operation sees. device: one device, named by `deviceId` in the path. fleet: many, each
 * kept to the caller's group. installation: what belongs to no device, and so to no group.
 */
export type Reach = 'device' | 'fleet' | 'installation';

/** What a route asks of whoever calls it; a route without it is never registered. `anyone`: whoever has a role. */
export type Access = 'open' | 'anyone' | { readonly permission: Permission; readonly reach: Reach };

/** Who calls, once they have proved it. */
export interface Caller extends Omit<Holder, 'id'> {
  /** Of whatever they proved it by; no two callers share one. */
  readonly keyId: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

export interface AuthenticationDeps {
  readonly credentials: Credentials;
  /** Whether a device bears the tag of a group. */
  readonly inGroup: (deviceId: string, group: string) => Promise<boolean>;
  /** Of each caller. */
  readonly requests: RateLimit;
  /** Of each address without good credentials; of IPv6, of each /64. */
  readonly failures: RateLimit;
}

/** Every request passes here before its body is read; the unknown paths too, so that nobody learns which there are. */
export function requireAuthentication(app: FastifyInstance, deps: AuthenticationDeps): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.access === undefined) throw new Error(`${String(method)} ${url} does not say who may call it`);
  });
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config;
    if (access === 'open') return;
    const caller = await authenticate(request, reply, deps);
    if (caller === undefined) return reply;
    request.caller = caller;
    if (access === undefined || access === 'anyone') return;
    if (!mayDo(caller.role, access.permission))
      return sendProblem(reply, 403, { detail: `a ${caller.role} has not the permission ${access.permission}` });
    if (caller.group === null) return;
    if (access.reach === 'installation')
      return sendProblem(reply, 403, { detail: 'you are limited to a group of devices' });
    if (access.reach === 'device') return hideOthers(request, reply, caller.group, deps);
  });
}

/** Undefined: answered already. */
async function authenticate(
  request: FastifyRequest,
  reply: FastifyReply,
  { credentials, requests, failures }: AuthenticationDeps,
): Promise<Caller | undefined> {
  const { remoteAddress = '' } = request.socket;
  // Whoever has an IPv6 address has a whole /64 of them.
  const address = sourceBlock(remoteAddress, 32) ?? remoteAddress;
  const strikes = failures.look(address);
  // A key with 256 random bits is not guessed; this bounds what guessing costs the database. Only failures are counted,
  // and good credentials get in from an address behind which somebody else guesses: many people may share one.
  if (!strikes.allowed && !(await isLikely(request, credentials))) return tooMany(reply, strikes.resetSeconds);
  const result = await prove(request, credentials);
  if (!result.ok) {
    const { allowed, resetSeconds } = result.kind === 'unavailable' ? strikes : failures.take(address);
    return allowed ? refuse(reply, result) : tooMany(reply, resetSeconds);
  }
  const { id, ...holder } = result.holder;
  const keyId = holder.kind === 'key' ? id : `${holder.kind}:${id}`;
  const allowance = requests.take(keyId);
  reply.headers(rateLimitHeaders(allowance));
  return allowance.allowed ? { ...holder, keyId } : tooMany(reply, allowance.resetSeconds);
}

async function isLikely({ headers, socket }: FastifyRequest, credentials: Credentials): Promise<boolean> {
  if (headers.authorization === undefined)
    return credentials.certificate !== undefined && chainOf(socket) !== undefined;
  const text = bearerOf(headers.authorization);
  return text !== undefined && credentials.isLikely(text);
}

function tooMany(reply: FastifyReply, seconds: number): undefined {
  void sendProblem(reply.header('Retry-After', String(seconds)), 429);
}

const needed = 'send what is in force: Authorization: Bearer KEY ("hems apikey create" makes one)';

/** Whoever shows a token means it: a certificate beside it does not help a bad one. */
async function prove(request: FastifyRequest, { bearer, certificate }: Credentials): Promise<HolderResult> {
  const { authorization } = request.headers;
  const chain = certificate === undefined ? undefined : chainOf(request.socket);
  if (authorization === undefined && certificate !== undefined && chain !== undefined) return certificate(chain);
  const text = bearerOf(authorization);
  return text === undefined ? { ok: false, kind: 'invalid', cause: needed } : bearer(text);
}

function refuse(reply: FastifyReply, { kind, cause: detail }: Extract<HolderResult, { ok: false }>): undefined {
  switch (kind) {
    case 'invalid':
      return void sendProblem(reply.header('WWW-Authenticate', 'Bearer realm="hems"'), 401, { detail });
    case 'unmapped':
      return void sendProblem(reply, 403, { detail });
    case 'unavailable':
      return void sendProblem(reply, 503, { detail });
  }
}

/** RFC 6750 2.1; the scheme in any case (RFC 9110 11.1). Tokens of large organisations are long. */
function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]{1,8000})$/i.exec(header ?? '')?.[1];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A device of another group is one that is not there. */
async function hideOthers(request: FastifyRequest, reply: FastifyReply, group: string, deps: AuthenticationDeps) {
  const { deviceId } = request.params as { deviceId?: string };
  if (deviceId !== undefined && uuid.test(deviceId) && (await deps.inGroup(deviceId, group))) return;
  return sendProblem(reply, 404, { detail: 'there is no such device' });
}
