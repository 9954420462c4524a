/** Writes `docs/metrics.md` from a server that is started for it: `node test/support/write-metrics-page.ts`. */
import { writeFileSync } from 'node:fs';
import { openStage } from '../integration/stage.ts';
import { drawMetricsPage, metricsPage, metricsStage } from './metrics-page.ts';

const stage = await openStage(metricsStage);
try {
  writeFileSync(metricsPage, await drawMetricsPage(stage.metrics));
} finally {
  await stage.stop();
}
