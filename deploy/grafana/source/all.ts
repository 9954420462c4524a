import { authentication } from './authentication.ts';
import { buildDashboard } from './build.ts';
import { fleet } from './fleet.ts';
import { nodes } from './nodes.ts';
import type { Dashboard } from './panel.ts';
import { revocation } from './revocation.ts';
import { sessionsAndTasks } from './sessions.ts';

export const dashboards: readonly Dashboard[] = [authentication, revocation, fleet, sessionsAndTasks, nodes];

/** What stands in deploy/grafana/dashboards: file name and JSON. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(
    dashboards.map((dashboard) => [`${dashboard.uid}.json`, `${JSON.stringify(buildDashboard(dashboard), null, 2)}\n`]),
  );
}
