import { readFile, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { buildManagementDoor } from './management-door.ts';
import { renderOpenapi } from './openapi.ts';

const file = new URL('../../openapi.yaml', import.meta.url);
const deps = {
  logger: pino({ level: 'silent' }),
  metrics: new Registry(),
  readiness: async () => ({ ready: true, checks: [] }),
};
const wanted = await renderOpenapi(buildManagementDoor, deps);

if (process.argv.includes('--check')) {
  const committed = await readFile(file, 'utf8').catch(() => '');
  if (committed !== wanted) {
    process.stderr.write('openapi.yaml does not match the routes: run "npm run openapi" and commit the result.\n');
    process.exitCode = 1;
  }
} else await writeFile(file, wanted);
