import { readFile, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { buildManagementDoor } from './management-door.ts';
import { renderOpenapi } from './openapi.ts';
import type { ApiDeps } from './resources/deps.ts';

const file = new URL('../../openapi.yaml', import.meta.url);
const never = (): never => {
  throw new Error('only the contract is wanted');
};
const unlimited = { allowed: true, limit: 1, remaining: 1, resetSeconds: 1 };
const limit = { take: () => unlimited, look: () => unlimited };
const wanted = await renderOpenapi(buildManagementDoor, {
  logger: pino({ level: 'silent' }),
  metrics: { page: never },
  readiness: async () => ({ ready: true, checks: [] }),
  openMetrics: true,
  authentication: { credentials: { bearer: never, isLikely: never }, inGroup: never, requests: limit, failures: limit },
  // Handlers alone touch it, and none is called.
  api: new Proxy({} as ApiDeps, { get: () => never }),
});

if (process.argv.includes('--check')) {
  const committed = await readFile(file, 'utf8').catch(() => '');
  if (committed !== wanted) {
    process.stderr.write('openapi.yaml does not match the routes: run "npm run openapi" and commit the result.\n');
    process.exitCode = 1;
  }
} else await writeFile(file, wanted);
