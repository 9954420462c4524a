/** Writes `migrations/schema.txt`, what the migrations amount to: `node test/support/write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestDatabase, migrationsDirectory } from './database.ts';
import { dumpSchema } from './schema-dump.ts';

const database = await createTestDatabase();
try {
  writeFileSync(join(migrationsDirectory, 'schema.txt'), await dumpSchema(database.db));
} finally {
  await database.drop();
}
