/** A stretch of network between the server and its Postgres that a test can cut, stop up and mend. */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

export interface DatabaseProxy {
  /** The URL of the database, by way of this stretch. */
  through(url: string): string;
  /** Every connection breaks, and no new one comes about. */
  cut(): Promise<void>;
  /** Connections stand and new ones are taken, but nothing goes through. */
  stopUp(): void;
  /**
   * From the next call on of a prepared statement whose name begins so (after `skip` others), the answers on its
   * connection are withheld: what it does is done, and the server does not learn of it. Resolves when it has come by.
   */
  muteAt(statement: string, skip?: number): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

type State = 'open' | 'cut' | 'stopped up';

export async function openDatabaseProxy(): Promise<DatabaseProxy> {
  let state: State = 'open';
  let target: { path: string } | { host: string; port: number } | undefined;
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  let muting: { readonly text: string; left: number; readonly done: () => void } | undefined;
  const watch = (near: Socket, far: Socket): void => {
    near.on('data', (chunk: Buffer) => {
      if (muting === undefined || !chunk.includes(muting.text)) return;
      muting.left -= 1;
      if (muting.left > 0) return;
      far.unpipe(near).pause();
      muting.done();
      muting = undefined;
    });
  };
  const server = createServer({ allowHalfOpen: false }, (near) => {
    near.on('error', () => undefined);
    if (state === 'cut' || target === undefined) {
      near.destroy();
      return;
    }
    const far = createConnection(target);
    const pair = [near, far] as const;
    pairs.add(pair);
    far.on('error', () => undefined);
    near.on('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on('close', () => near.destroy());
    if (state === 'open') {
      connectThrough(near, far);
      watch(near, far);
    } else for (const socket of pair) socket.pause();
  });
  const port = await listen(server, 0);
  const breakAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    through: (url) => {
      const real = new URL(url);
      const folder = real.searchParams.get('host');
      const own = Number(real.port || '5432');
      target = folder === null ? { host: real.hostname, port: own } : { path: join(folder, `.s.PGSQL.${own}`) };
      real.searchParams.delete('host');
      real.host = `127.0.0.1:${port}`;
      return real.href;
    },
    cut: async () => {
      state = 'cut';
      breakAll();
      if (server.listening) await new Promise((done) => server.close(done));
    },
    stopUp: () => {
      state = 'stopped up';
      for (const [near, far] of pairs) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
    },
    muteAt: (statement, skip = 0) =>
      new Promise((done) => {
        // Bind: the unnamed portal, then the name.
        muting = { text: `\0${statement}`, left: skip + 1, done };
      }),
    mend: async () => {
      const before = state;
      state = 'open';
      if (before === 'cut') await listen(server, port);
      else for (const [near, far] of pairs) connectThrough(near, far);
    },
    close: async () => {
      breakAll();
      if (server.listening) await new Promise((done) => server.close(done));
    },
  };
}

function connectThrough(near: Socket, far: Socket): void {
  near.pipe(far);
  far.pipe(near);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
