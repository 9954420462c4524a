import pg from 'pg';
import { DatabaseError } from './database-error.ts';

/** Lends connections; those that came back well stay at hand, so that a statement costs no turn through the pool. */
export interface Lending {
  lend<T>(fn: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  /** Connections at hand, which the pool counts as lent. */
  readonly atHand: () => number;
  /** Gives all of them back. */
  close(): void;
}

export function createLending(pool: pg.Pool): Lending {
  const atHand: pg.PoolClient[] = [];
  let closed = false;
  pool.on('connect', (client) => {
    // pg takes its own listener off while a connection is lent, and an 'error' without a listener ends the process.
    client.on('error', () => drop(client));
    client.once('end', () => drop(client));
  });

  function drop(client: pg.PoolClient): void {
    const index = atHand.indexOf(client);
    if (index >= 0) atHand.splice(index, 1)[0]?.release(true);
  }

  function giveBack(client: pg.PoolClient, broken: boolean): void {
    if (broken || closed || pool.waitingCount > 0) client.release(broken);
    else atHand.push(client);
  }

  return {
    lend: async (fn) => {
      const client = atHand.pop() ?? (await borrow(pool));
      let broken = false;
      try {
        return await fn(client);
      } catch (error) {
        // A connection goes back only if the server itself answered, so that its state is known.
        broken = !isAnswer(error) || isStalePlan(error);
        throw error;
      } finally {
        giveBack(client, broken);
      }
    },
    atHand: () => atHand.length,
    close: () => {
      closed = true;
      for (const client of atHand.splice(0)) client.release();
    },
  };
}

async function borrow(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw isExhausted(pool) ? busy(pool, error) : error;
  }
}

/** As opposed to a connection that could not be made, which pg words alike. */
function isExhausted(pool: pg.Pool): boolean {
  return pool.totalCount >= pool.options.max && pool.idleCount === 0;
}

function busy(pool: pg.Pool, cause: unknown): DatabaseError {
  return new DatabaseError(
    'busy',
    `all ${pool.options.max} connections to the database are busy`,
    'raise database.poolSize, or look for slow statements on the server',
    { cause },
  );
}

/** An error that the server sent about the statement, after which the connection is as good as before. */
function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(57P|08|XX)/.test(error.code ?? '');
}

/** A migration changed what a prepared statement answers: the statement was refused before it did anything. */
export function isStalePlan(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '26000' || error.routine === 'RevalidateCachedQuery');
}
