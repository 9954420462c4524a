/** Draws `docs/metrics.md` from a registry. Which metrics there are and what they mean stands in the code alone. */
import { join, resolve } from 'node:path';
import type { Registry } from 'prom-client';

export const metricsPage = join(resolve(import.meta.dirname, '../..'), 'docs/metrics.md');

/** A server that has all of them: signed checkpoints are there only with a key. */
export const metricsStage = { config: { secretKey: Buffer.alloc(32, 7).toString('base64') } };

const head = `# Metrics

What \`/metrics\` of the management door answers, in the Prometheus text format. Written by \`node test/support/write-metrics-page.ts\` from the code.

- One host of hems is one node and one target: scrape each, and let \`instance\` tell them apart. With several workers ([workers.md](workers.md)) any of them shows the figures of all: counters and histograms are summed, gauges come together as the column *workers* says. What a worker counted stays when it ends.
- Labels come from closed lists and from the configuration (anchors, listeners, \`metrics.models\`), never from what a client sends; no metric names a device. What does is in the views of the schema \`report\` ([database.md](database.md)) and in the API ([api.md](api.md)).
- Counters of the gate stand at 0 for every anchor and reason from the start, so that the first refusal is an increase.
- \`peer\`: \`known\` is a verified identity of the register, \`trusted-chain\` a verified path without one, \`stranger\` the rest. Alerts look at \`known\`.
- Gauges "of the installation" are counted by one node about every 30 s and shown by all: take \`max\`, never \`sum\`. They are missing when the last count is five minutes old.
- Beyond loopback \`/metrics\` wants an API key (\`Authorization: Bearer …\`, role viewer), unless \`management.metrics: open\`.

`;

interface Described {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** What several processes of one host make of it together. */
  readonly across: string;
}

const rooms: Readonly<Record<string, string>> = {
  trust: 'Trust: the gate, revocation, the audit',
  southbound: 'Southbound: the doors for devices',
  fleet: 'Fleet: devices, tasks, Informs',
  egress: 'Egress: what goes out',
  platform: 'Platform: database and events',
  process: 'The process',
};

function roomOf(name: string): string {
  const [, room = ''] = /^hems_([a-z]+)_/.exec(name) ?? [];
  if (name === 'hems_build_info') return 'process';
  return name === 'hems_deviation_active' ? 'trust' : room;
}

export async function describeMetrics(registry: Registry): Promise<readonly Described[]> {
  const all = await registry.getMetricsAsJSON();
  return all.map(({ name, help, type }) => {
    const metric = registry.getSingleMetric(name) as unknown as { labelNames?: string[]; aggregator: string };
    const labelNames = (metric.labelNames ?? []).filter((label) => label !== 'le');
    return { name, help, type: String(type), labelNames, across: metric.aggregator };
  });
}

export async function drawMetricsPage(registry: Registry): Promise<string> {
  const described = (await describeMetrics(registry)).filter(({ name }) => name.startsWith('hems_'));
  const grouped = Map.groupBy(described, ({ name }) => roomOf(name));
  const unknown = [...grouped.keys()].filter((room) => rooms[room] === undefined);
  if (unknown.length > 0) throw new Error(`metrics of no room: ${unknown.join(', ')}`);
  const sections = Object.entries(rooms).map(([room, title]) => {
    const rows = (grouped.get(room) ?? [])
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, type, labelNames, help, across }) => {
        const labels = labelNames.map((label) => `\`${label}\``).join(', ');
        return `| \`${name}\` | ${type} | ${labels} | ${across} | ${help.replaceAll('|', '\\|')} |`;
      });
    return `## ${title}\n\n| metric | type | labels | workers | |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  const tail = `
Besides these, what Node says of itself, as prom-client names it: \`process_cpu_seconds_total\`, \`process_resident_memory_bytes\`,
\`process_open_fds\`, \`nodejs_eventloop_lag_p99_seconds\`, \`nodejs_gc_duration_seconds\` and others. With several workers memory and CPU time are those of all processes
together, the supervisor's included; of the event loop the slowest counts, of open files the process that has most.
`;
  return head + sections.join('\n') + tail;
}
