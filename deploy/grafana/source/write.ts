/** Writes the dashboards as Grafana reads them: `node deploy/grafana/source/write.ts`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dashboardFiles } from './all.ts';

const folder = resolve(import.meta.dirname, '../dashboards');
for (const [name, text] of dashboardFiles()) writeFileSync(join(folder, name), text);
