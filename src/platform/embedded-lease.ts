import pg from 'pg';

/**
 * Every process that uses an embedded Postgres holds a shared advisory lock on a connection of its own. Whoever leaves
 * asks for the exclusive one: who gets it is the last, and while it is held no newcomer gets in. The server itself keeps
 * count, so a process that dies without a word is counted out at once.
 */
export interface Lease {
  /** Gives the lease back. `last`: nobody else uses the server and nobody can come until `end`, so it can be stopped. */
  readonly release: () => Promise<'last' | 'others'>;
  readonly end: () => Promise<void>;
  readonly query: (text: string) => Promise<readonly Record<string, unknown>[]>;
  /** Resolves when the connection is gone, wanted or not. */
  readonly gone: Promise<void>;
}

const key = 0x68_65_6d_73_70_67; // ASCII "hemspg"

export function adminUrl(socket: string): string {
  return `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(socket)}`;
}

async function connect(socket: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: adminUrl(socket),
    application_name: 'hems lease',
    connectionTimeoutMillis: 5000,
    query_timeout: 30_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    await client.end().catch(() => undefined);
    return undefined;
  }
}

/** Undefined while the server starts, stops or is about to be stopped by its last user: try again. */
export async function tryLease(socket: string): Promise<Lease | undefined> {
  const client = await connect(socket);
  if (client === undefined) return undefined;
  const gone = new Promise<void>((resolve) => client.once('end', () => resolve()));
  const end = (): Promise<void> => client.end().catch(() => undefined);
  try {
    if (!(await lock(client, 'pg_try_advisory_lock_shared'))) {
      await end();
      return undefined;
    }
  } catch {
    await end();
    return undefined;
  }
  const handle = client as unknown as { ref(): void; unref(): void };
  // A process that has nothing left to do may end; its guard then sees to the server.
  handle.unref();
  return {
    release: async () => {
      // From here on there is something left to do.
      handle.ref();
      try {
        await lock(client, 'pg_advisory_unlock_shared');
        return (await lock(client, 'pg_try_advisory_lock')) ? 'last' : 'others';
      } catch {
        return 'others';
      }
    },
    end,
    query: async (text) => (await client.query(text)).rows as Record<string, unknown>[],
    gone,
  };
}

/** For the guard: the exclusive lock and the connection that holds it, or undefined while anybody uses the server. */
export async function trySoleUse(socket: string): Promise<{ end: () => Promise<void> } | undefined> {
  const client = await connect(socket);
  if (client === undefined) return undefined;
  const end = (): Promise<void> => client.end().catch(() => undefined);
  if (await lock(client, 'pg_try_advisory_lock').catch(() => false)) return { end };
  await end();
  return undefined;
}

async function lock(client: pg.Client, fn: string): Promise<boolean> {
  const result = await client.query({ text: `select ${fn}($1) as done`, values: [key] });
  return (result.rows[0] as { done: boolean } | undefined)?.done === true;
}
