/**
 * A process that uses an embedded Postgres: `node embedded-user.ts DATA_DIR`. Prints one JSON line once it has it, or
 * the fault; gives it up at the end of its standard input.
 */
import { DatabaseError } from '../../src/platform/database-error.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';

const [dataDir = '', elsewhere] = process.argv.slice(2);
const began = performance.now();
try {
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false, ...(elsewhere && { elsewhere }) });
  const { url, adopted, pid, directory } = postgres;
  console.log(JSON.stringify({ url, adopted, pid, directory, ms: Math.round(performance.now() - began) }));
  process.stdin.resume();
  process.stdin.on('end', () => void postgres.stop());
} catch (error) {
  const { kind, message, remedy } = error as DatabaseError;
  console.log(JSON.stringify(error instanceof DatabaseError ? { kind, message, remedy } : { message: String(error) }));
  process.exitCode = 3;
}
