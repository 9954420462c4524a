/** One worker of `hems serve`, started by its supervisor and by nobody else. */
import { joinSupervisor } from '../platform/workers/worker-link.ts';
import { keepCompiled } from './compile-cache.ts';

// Before anything else is loaded: what the supervisor says meanwhile, and its end, are heard too.
const link = joinSupervisor();
if (link === undefined) {
  process.stderr.write('hems: a worker is started by "hems serve" alone\n  → set workers in the configuration\n');
  process.exit(2);
}
keepCompiled();
const { runWorker } = await import('./serve-worker.ts');
await runWorker(link);
