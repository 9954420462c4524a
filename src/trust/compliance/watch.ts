import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../config/schema.ts';
import { keepFigures } from '../../fleet/figures.ts';
import { keepPresence, type NodeWords } from '../../fleet/nodes.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import { showAnchors } from '../anchor-metrics.ts';
import type { TrustAnchor } from '../anchors.ts';
import type { Standing } from './standing.ts';

export interface WatchDeps {
  readonly config: Pick<Config, 'compliance'>;
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly anchors: readonly TrustAnchor[];
  readonly standing: Standing;
  readonly doors: NodeWords['doors'];
  readonly management: string;
  /** Which of several workers of its host this node is. */
  readonly host?: { readonly worker: number; readonly workers: number };
}

/** What one node tells of itself and of the installation: its presence, its anchors, the figures. Answers the end of it. */
export function keepWatch(deps: WatchDeps): () => Promise<void> {
  const { config, doors, management, standing, host } = deps;
  const anchors = deps.anchors.map(({ name }) => name);
  showAnchors(deps.metrics, deps.anchors);
  const stopFigures = keepFigures({ ...deps, anchors });
  const words = (): NodeWords => ({
    ...{ doors, management, anchors, compliance: config.compliance },
    deviations: standing.deviations().map(({ name }) => name),
    ...(host !== undefined && { worker: { number: host.worker, of: host.workers } }),
  });
  const stopPresence = keepPresence({ ...deps, words });
  return async () => {
    await Promise.all([stopFigures(), stopPresence()]);
  };
}
