import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as board from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as tables from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import type { Dashboard, Metric, MetricPanel, Panel, TablePanel } from './panel.ts';

/** As provisioned: deploy/grafana/provisioning/datasources. */
export const metricsSource = { type: 'prometheus', uid: 'hems-prometheus' };
export const databaseSource = { type: 'grafana-postgresql-datasource', uid: 'hems-postgres' };

/** `\${api}` is where the management door can be called; a variable, since only the operator knows. */
const evidenceUrl = (path: string): string => `\${api}/api/v1/${path}`;

/** A dashboard of ours as Grafana reads it. */
export function buildDashboard({ uid, title, description, rows }: Dashboard): board.Dashboard {
  const built = new board.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['hems'])
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(board.DashboardCursorSync.Crosshair)
    .withVariable(labelVariable('anchor', 'Anchor', 'label_values(hems_trust_anchor_not_after_seconds, anchor)'))
    .withVariable(labelVariable('node', 'Node', 'label_values(hems_build_info, instance)'))
    .withVariable(new board.TextBoxVariableBuilder('api').label('API').defaultValue('http://127.0.0.1:7548'))
    .link(
      new board.DashboardLinkBuilder('hems')
        .type(board.DashboardLinkType.Dashboards)
        .tags(['hems'])
        .keepTime(true)
        .includeVars(true),
    );
  for (const row of rows) {
    built.withRow(new board.RowBuilder(row.title));
    for (const panel of row.panels) built.withPanel(panelOf(panel));
  }
  return built.build();
}

function labelVariable(name: string, label: string, query: string): board.QueryVariableBuilder {
  return new board.QueryVariableBuilder(name)
    .label(label)
    .datasource(metricsSource)
    .query({ query, refId: name })
    .refresh(board.VariableRefresh.OnTimeRangeChanged)
    .sort(board.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all' });
}

function panelOf(panel: Panel): Builder<board.Panel> {
  return panel.kind === 'table' ? tableOf(panel) : metricsOf(panel);
}

/** The clause of the evidence as a link in the panel's corner. */
function linksOf({ evidence }: Panel): board.DashboardLinkBuilder[] {
  if (evidence === undefined) return [];
  const link = new board.DashboardLinkBuilder('The evidence, from the API');
  return [link.type(board.DashboardLinkType.Link).url(evidenceUrl(evidence)).targetBlank(true)];
}

function metricsOf(panel: MetricPanel): Builder<board.Panel> {
  const { kind, title, description, width = 12, height = kind === 'stat' ? 4 : 8, unit = 'short' } = panel;
  const made =
    kind === 'timeseries'
      ? seriesOf(panel)
      : kind === 'stat'
        ? new stat.PanelBuilder().colorMode(common.BigValueColorMode.Background)
        : new bargauge.PanelBuilder().orientation(common.VizOrientation.Horizontal);
  made.title(title).description(description).datasource(metricsSource).unit(unit).span(width).height(height);
  made.links(linksOf(panel)).noValue('no data').thresholds(thresholdsOf(panel));
  for (const [index, metric] of panel.metrics.entries()) made.withTarget(promQl(metric, index, kind !== 'timeseries'));
  return made;
}

function seriesOf({ stacked }: MetricPanel): timeseries.PanelBuilder {
  const made = new timeseries.PanelBuilder().fillOpacity(stacked === true ? 30 : 5).lineWidth(1);
  made.legend(
    new common.VizLegendOptionsBuilder()
      .displayMode(common.LegendDisplayMode.List)
      .placement(common.LegendPlacement.Bottom)
      .showLegend(true)
      .calcs([]),
  );
  if (stacked === true) made.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  return made;
}

function thresholdsOf({ thresholds }: MetricPanel): board.ThresholdsConfigBuilder {
  const steps: board.Threshold[] = [{ color: 'green', value: null }];
  if (thresholds !== undefined)
    steps.push({ color: 'yellow', value: thresholds[0] }, { color: 'red', value: thresholds[1] });
  return new board.ThresholdsConfigBuilder().mode(board.ThresholdsMode.Absolute).steps(steps);
}

function promQl({ expr, legend }: Metric, index: number, instant: boolean): prometheus.DataqueryBuilder {
  const query = new prometheus.DataqueryBuilder().refId(String.fromCharCode(65 + index)).datasource(metricsSource);
  query.expr(expr).legendFormat(legend ?? '__auto');
  return instant ? query.instant() : query.range();
}

function tableOf(panel: TablePanel): Builder<board.Panel> {
  const { title, description, width = 12, height = 8, sql, links = {} } = panel;
  const made = new tables.PanelBuilder().title(title).description(description).datasource(databaseSource);
  made.span(width).height(height).links(linksOf(panel)).withTarget(sqlQuery(sql));
  for (const [column, path] of Object.entries(links))
    made.withOverride({
      matcher: { id: 'byName', options: column },
      properties: [
        {
          id: 'links',
          value: [
            { title: 'The evidence, from the API', url: `${evidenceUrl(path)}\${__value.raw}`, targetBlank: true },
          ],
        },
      ],
    });
  return made;
}

/** Grafana's SQL sources have no builder of their own. */
function sqlQuery(rawSql: string): Builder<Dataquery> {
  const query = { refId: 'A', datasource: databaseSource, editorMode: 'code', format: 'table', rawQuery: true, rawSql };
  return { build: () => ({ ...query, _implementsDataqueryVariant: () => undefined }) };
}
