import { paint, print, printJson } from './terminal.ts';

/** Queries that are worth a look first, as the dashboards ask them. */
const queries: readonly (readonly [title: string, expr: string])[] = [
  [
    'our cells refused, by reason',
    'sum by (reason) (rate(hems_trust_decisions_total{outcome="refused",peer="known"}[1m]))',
  ],
  ['distinct cells refused now', 'sum by (reason) (max by (reason, anchor) (hems_fleet_devices_refused))'],
  ['the Internet’s noise', 'sum by (reason) (rate(hems_trust_decisions_total{outcome="refused",peer="stranger"}[1m]))'],
  ['Informs, by event', 'sum by (event) (rate(hems_fleet_inform_events_total[1m]))'],
];

/** Where Prometheus shows what the demo does. */
export function sayWhereToLook(url: string, json: boolean): void {
  if (json) {
    printJson({ prometheus: url });
    return;
  }
  print(
    `\n${paint('bold', 'Prometheus'.padEnd(12))} ${url}/alerts   ${url}/graph   (the clients come again every few seconds)`,
  );
  for (const [title, expr] of queries) {
    const search = new URLSearchParams({ 'g0.expr': expr, 'g0.tab': '0', 'g0.range_input': '15m' });
    print(`  ${title.padEnd(30)} ${url}/graph?${search}`);
  }
  print(
    '\nThe dashboards are in deploy/grafana (deploy/compose.yaml starts Grafana with them). Ctrl-C stops everything.',
  );
}
