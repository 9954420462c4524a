import { type Config, mostWorkers } from './schema.ts';

/** Processes that serve; `cores`: what this process may use of the machine. */
export function workerCount({ workers }: Pick<Config, 'workers'>, cores: number): number {
  return workers === 'auto' ? Math.max(1, Math.min(cores, mostWorkers)) : workers;
}

/** A transaction may be open while another statement runs: with a single connection it would wait for itself. */
const leastPool = 2;

/**
 * What one of several workers gets of the limits that the operator sets for the whole host. The kernel spreads
 * connections evenly, so what holds for the parts holds, nearly, for the sum. What is kept for one client of a long-lived
 * connection (`management.requestsPerMinute`) or one session is not divided.
 */
export function workerShare(config: Config, workers: number): Config {
  const part = (whole: number, least = 1): number => Math.max(least, Math.ceil(whole / workers));
  const { limits, audit, files, database } = config;
  return {
    ...config,
    database: { ...database, poolSize: part(database.poolSize, leastPool) },
    limits: {
      ...limits,
      handshakesInFlight: part(limits.handshakesInFlight),
      handshakesInFlightPerAddress: part(limits.handshakesInFlightPerAddress),
      failuresPerAddress: part(limits.failuresPerAddress),
      connections: part(limits.connections),
      sessions: part(limits.sessions),
    },
    audit: {
      ...audit,
      strangerRowsPerMinute: part(audit.strangerRowsPerMinute),
      strangerRowsPerMinuteTotal: part(audit.strangerRowsPerMinuteTotal),
      knownRowsPerMinute: part(audit.knownRowsPerMinute),
    },
    files: {
      ...files,
      transfersAtOnce: part(files.transfersAtOnce),
      // All workers keep their files in one directory, and none more than its part of it.
      cacheBytes: part(files.cacheBytes, 0),
    },
  };
}
