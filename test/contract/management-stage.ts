/** The management door alone, on a database of its own, with a few devices in two groups and a key for every role. */
import { readFile } from 'node:fs/promises';
import { toolSchema } from '../../src/config/schema.ts';
import { createRegister, type Register } from '../../src/fleet/register.ts';
import { createManagement } from '../../src/northbound/management.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Database } from '../../src/platform/postgres.ts';
import { createLogger, createMetrics } from '../../src/platform/telemetry.ts';
import { type ApiKeys, createApiKeys } from '../../src/trust/access/api-keys.ts';
import type { TrustAnchor } from '../../src/trust/anchors.ts';
import type { Credentials } from '../../src/trust/access/credentials.ts';
import { type Role, roleNames } from '../../src/trust/access/roles.ts';
import { createTestDatabase } from '../support/database.ts';

/** Of a configuration that says nothing of them. */
const plain = toolSchema.parse({});
export const wishes = { anchors: [], connectionRequests: plain.connectionRequests, files: plain.files };

/** What no database and no log may hold of a key; it may itself have a `_` anywhere, at its beginning too. */
export function secretPart(key: string): string {
  return key.slice(key.indexOf('_', 'hems_'.length) + 1);
}

export const by = { actor: { kind: 'cli', name: 'test' } } as const;

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface ManagementStage {
  readonly url: string;
  readonly db: Database;
  readonly register: Register;
  readonly keys: ApiKeys;
  /** A key of each role for all devices. */
  readonly of: Readonly<Record<Role, string>>;
  /** A key of each role for the devices tagged north. */
  readonly north: Readonly<Record<Role, string>>;
  /** Tagged north, tagged south. */
  readonly devices: readonly [north: string, south: string];
  ask(path: string, options?: AskOptions): Promise<Answered>;
  stop(): Promise<void>;
}

export interface AskOptions {
  readonly method?: string;
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the API asks of anchors: who may vouch for which realm. */
const anchors = ['acme', 'operator'].map((name) => {
  const rules = { identity: ['hnb-fqdn'], registration: 'known-only', sharedSecret: 'refuse' };
  return { name, kind: 'manufacturer', realms: [`hnb.${name}.example`], path: { name, certificates: [] }, ...rules };
}) as unknown as readonly TrustAnchor[];

export interface StageOptions {
  readonly credentialsOf?: (db: Database) => Credentials;
  readonly anchors?: readonly TrustAnchor[];
  readonly secretKey?: string;
  readonly documentation?: 'open' | 'key';
  /** As of one of several workers. */
  readonly host?: { page(): Promise<string> };
}

const realm = 'hnb.acme.example';

export async function openManagementStage(
  requestsPerMinute = 1_000_000,
  options: StageOptions = {},
): Promise<ManagementStage> {
  const database = await createTestDatabase();
  const { db } = database;
  const deps = { db, clock: systemClock, logger: createLogger('silent'), metrics: createMetrics({ process: false }) };
  const management = await createManagement({
    ...{ ...deps, anchors: options.anchors ?? anchors, standing: { deviations: () => [] } },
    readFile: (path: string) => readFile(path, 'utf8'),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.credentialsOf !== undefined && { credentials: options.credentialsOf(db) }),
    config: {
      management: { address: '127.0.0.1', port: 0, requestsPerMinute, documentation: options.documentation },
      ...wishes,
      secretKey: options.secretKey,
    },
  });
  const url = await management.listen();
  const register = createRegister(deps);
  const keys = createApiKeys(deps);
  const devices: string[] = [];
  for (const [i, group] of ['north', 'south'].entries()) {
    const identity = { anchor: 'acme', kind: 'hnb-fqdn', value: `00a0bc00000${i}.${realm}`, oui: '00A0BC' } as const;
    const added = await register.add({ identity }, by);
    if (!added.ok) throw new Error(added.problem.message);
    await db.query({ text: 'update devices set tags = array[$2] where id = $1', values: [added.deviceId, group] });
    devices.push(added.deviceId);
  }
  const make = async (role: Role, group?: string): Promise<string> => {
    const made = await keys.create({ name: `${role} ${group ?? ''}`, role, group }, by);
    if (!made.ok) throw new Error(made.cause);
    return made.secret;
  };
  const each = async (group?: string) =>
    Object.fromEntries(await Promise.all(roleNames.map(async (role) => [role, await make(role, group)])));
  return {
    ...{ url, db, register, keys },
    of: (await each()) as Record<Role, string>,
    north: (await each('north')) as Record<Role, string>,
    devices: [devices[0] ?? '', devices[1] ?? ''],
    ask: (path, options) => ask(url + path, options),
    stop: async () => {
      await management.close();
      await database.drop();
    },
  };
}

async function ask(url: string, { method = 'GET', key, body, headers }: AskOptions = {}): Promise<Answered> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(key !== undefined && { Authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const json = /[/+]json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
}
