/**
 * Draws the pictures of the README from a run of the demo beside a real Prometheus: `node test/support/draw-dashboards.ts`
 * (four minutes).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dashboards } from '../../deploy/grafana/source/all.ts';
import type { MetricPanel } from '../../deploy/grafana/source/panel.ts';
import { openWatchedDemo } from '../integration/watched-demo.ts';
import { askRange, type Series, substituted } from './panel-answers.ts';
import { type Curve, type DrawnPanel, drawPanels } from './panel-drawing.ts';

const folder = join(resolve(import.meta.dirname, '../..'), 'docs/images');
const seconds = 240;

/** What of each dashboard is drawn. */
const pictures: Readonly<Record<string, readonly string[]>> = {
  'hems-authentication': [
    'Our cells refused now',
    'Admitted per second',
    'Held keys',
    'Serials claimed twice',
    'Shared-secret attempts, 1 h',
    'Suspicions, 1 h',
    'Our cells refused, by reason',
    'Distinct cells refused now, by reason',
    'Strangers refused, by reason',
    'RC4 only, NULL only, too old',
  ],
};

function labelled(legend: string | undefined, { metric }: Series): string {
  if (legend === undefined) return '';
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '');
}

async function drawn(url: string, panel: MetricPanel): Promise<DrawnPanel> {
  const curves: Curve[] = [];
  for (const { expr, legend } of panel.metrics)
    for (const series of await askRange(url, substituted(expr), seconds))
      curves.push({
        label: labelled(legend, series),
        points: series.values
          .map(([at, value]) => [at, Number(value)] as const)
          .filter(([, value]) => Number.isFinite(value)),
      });
  const { title, kind, unit = 'short', stacked = false, width = 12 } = panel;
  return { title, kind, unit, stacked, width, curves };
}

const demo = await openWatchedDemo(seconds);
try {
  mkdirSync(folder, { recursive: true });
  for (const { uid, title, rows } of dashboards) {
    const wanted = pictures[uid] ?? [];
    const panels = rows
      .flatMap((row) => row.panels)
      .filter((panel) => panel.kind !== 'table' && wanted.includes(panel.title));
    if (panels.length === 0) continue;
    const all = await Promise.all(panels.map((panel) => drawn(demo.prometheus, panel as MetricPanel)));
    writeFileSync(join(folder, `${uid}.svg`), drawPanels(title, all));
  }
} finally {
  await demo.stop();
}
