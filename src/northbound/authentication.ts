import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiKey } from '../trust/access/api-keys.ts';
import { mayDo, type Permission, type Role } from '../trust/access/roles.ts';
import { sendProblem } from './answering.ts';
import { type RateLimit, rateLimitHeaders } from './rate-limit.ts';

/**
 * How much of the installation an operation sees. device: one device, named by `deviceId` in the path. fleet: many, each
 * kept to the caller's group. installation: what belongs to no device, and so to no group.
 */
export type Reach = 'device' | 'fleet' | 'installation';

/** What a route asks of whoever calls it; a route without it is never registered. */
export type Access = 'open' | { readonly permission: Permission; readonly reach: Reach };

/** Who calls, once they have proved it. */
export interface Caller {
  readonly keyId: string;
  readonly name: string;
  readonly role: Role;
  /** Tag of the devices they are kept to; null: all. */
  readonly group: string | null;
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
  readonly verify: (secret: string) => Promise<ApiKey | undefined>;
  /** Whether a device bears the tag of a group. */
  readonly inGroup: (deviceId: string, group: string) => Promise<boolean>;
  /** Of each key. */
  readonly requests: RateLimit;
  /** Of each address without a good key. */
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
    if (access === undefined) return;
    if (!mayDo(caller.role, access.permission))
      return sendProblem(reply, 403, { detail: `a ${caller.role} has not the permission ${access.permission}` });
    if (caller.group === null) return;
    if (access.reach === 'installation')
      return sendProblem(reply, 403, { detail: 'this key is limited to a group of devices' });
    if (access.reach === 'device') return hideOthers(request, reply, caller.group, deps);
  });
}

/** Undefined: answered already. */
async function authenticate(
  request: FastifyRequest,
  reply: FastifyReply,
  { verify, requests, failures }: AuthenticationDeps,
): Promise<Caller | undefined> {
  const address = request.socket.remoteAddress ?? '';
  const strikes = failures.look(address);
  const secret = bearerOf(request.headers.authorization);
  // A key with 256 random bits is not guessed; this bounds what guessing costs the database.
  const key = secret === undefined || !strikes.allowed ? undefined : await verify(secret);
  if (key === undefined) {
    const { allowed, resetSeconds } = strikes.allowed ? failures.take(address) : strikes;
    if (!allowed) void sendProblem(reply.header('Retry-After', String(resetSeconds)), 429);
    else void sendProblem(reply.header('WWW-Authenticate', 'Bearer realm="hems"'), 401, { detail: needed });
    return undefined;
  }
  const allowance = requests.take(key.id);
  reply.headers(rateLimitHeaders(allowance));
  if (allowance.allowed) return { keyId: key.id, name: key.name, role: key.role, group: key.group };
  void sendProblem(reply.header('Retry-After', String(allowance.resetSeconds)), 429);
  return undefined;
}

const needed = 'send an API key that is in force: Authorization: Bearer KEY ("hems apikey create" makes one)';

/** RFC 6750 2.1; the scheme in any case (RFC 9110 11.1). */
function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]{1,256})$/i.exec(header ?? '')?.[1];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A device of another group is one that is not there. */
async function hideOthers(request: FastifyRequest, reply: FastifyReply, group: string, deps: AuthenticationDeps) {
  const { deviceId } = request.params as { deviceId?: string };
  if (deviceId !== undefined && uuid.test(deviceId) && (await deps.inGroup(deviceId, group))) return;
  return sendProblem(reply, 404, { detail: 'there is no such device' });
}
