import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import { deviceStates } from './device.ts';
import { expiryBounds, type Figures, type FiguresRow } from './figure-queries.ts';
import { hostGauge } from '../platform/host-gauge.ts';

const openStates = ['queued', 'sent', 'in-progress', 'unknown-outcome'] as const;
/** Milliseconds after which counts are no longer shown: nobody should act on the figures of a dead counter. */
const figuresLive = 5 * 60_000;

interface ShowDeps {
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly anchors: readonly string[];
}

type Row<Label extends string> = readonly [labels: Record<Label, string>, value: number];

/**
 * The same on every node, since they are counts of the installation: `max`, never `sum`. Not there before the first
 * count, nor when the last one is five minutes old.
 */
export function showFigures({ metrics, clock, anchors }: ShowDeps, latest: () => FiguresRow | undefined): void {
  const fresh = (): FiguresRow | undefined => {
    const known = latest();
    return known === undefined || clock.now().getTime() - known.at.getTime() > figuresLive ? undefined : known;
  };
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    rows: (figures: Figures, at: Date) => readonly Row<Label>[],
  ): void => {
    hostGauge({
      name: `hems_fleet_${name}`,
      help: `${help} (of the installation: the same on every node)`,
      labelNames,
      aggregator: 'max',
      registers: [metrics],
      collect() {
        this.reset();
        const known = fresh();
        // A gauge without labels is not empty after a reset, but 0.
        if (known === undefined && labelNames.length === 0) this.remove();
        if (known !== undefined) for (const [labels, value] of rows(known.figures, known.at)) this.set(labels, value);
      },
    });
  };
  registerGauges(gauge);
  workGauges(gauge, clock);
  refusedGauge(gauge, anchors);
  hostGauge({
    name: 'hems_fleet_figures_timestamp_seconds',
    help: 'When the counts of the installation were made, Unix time; 0: never',
    aggregator: 'max',
    registers: [metrics],
    collect() {
      this.set((latest()?.at.getTime() ?? 0) / 1000);
    },
  });
}

type AddGauge = <Label extends string>(
  name: string,
  help: string,
  labelNames: readonly Label[],
  rows: (figures: Figures, at: Date) => readonly Row<Label>[],
) => void;

function registerGauges(gauge: AddGauge): void {
  gauge('devices', 'Devices of the register by state', ['state'], ({ devices }) =>
    deviceStates.map((state) => [{ state }, devices[state] ?? 0]),
  );
  gauge('device_certificates', 'Approved device certificates by when they end', ['expires_within'], (figures) => {
    const counted = new Map(figures.certificates.map(({ within, certificates }) => [within, certificates]));
    return expiryBounds.map((within) => [{ expires_within: within }, counted.get(within) ?? 0]);
  });
  gauge('held_keys', 'New keys of known devices that wait for approval', [], ({ heldKeys }) => [[{}, heldKeys]]);
  gauge('quarantined_certificates', 'Certificates that wait because no revocation source could say', [], (figures) => [
    [{}, figures.quarantinedCertificates],
  ]);
  gauge('open_conflicts', 'Serials that two devices claim and nobody has settled', [], ({ openConflicts }) => [
    [{}, openConflicts],
  ]);
}

function workGauges(gauge: AddGauge, clock: Clock): void {
  gauge('tasks', 'Tasks that are not over, by state', ['state'], ({ tasks }) =>
    openStates.map((state) => [{ state }, tasks.find((one) => one.state === state)?.tasks ?? 0]),
  );
  gauge('task_oldest_age_seconds', 'Time since the oldest task in this state was made; 0: none', ['state'], (figures) =>
    openStates.map((state) => {
      const oldest = figures.tasks.find((one) => one.state === state)?.oldest;
      const age = oldest === undefined ? 0 : (clock.now().getTime() - new Date(oldest).getTime()) / 1000;
      return [{ state }, Math.max(0, age)];
    }),
  );
}

function refusedGauge(gauge: AddGauge, anchors: readonly string[]): void {
  const known = new Set([...anchors, 'none']);
  gauge(
    'devices_refused',
    'Known devices whose last decision in the last 15 minutes was a refusal',
    ['reason', 'anchor'],
    ({ refusedNow }) => [
      ...anchors.map((anchor): Row<'reason' | 'anchor'> => [{ reason: 'none', anchor }, 0]),
      ...merged(refusedNow.map(({ anchor, ...rest }) => ({ ...rest, anchor: known.has(anchor) ? anchor : 'none' }))),
    ],
  );
}

function merged(refusedNow: Figures['refusedNow']): Row<'reason' | 'anchor'>[] {
  const sums = new Map<string, Row<'reason' | 'anchor'>>();
  for (const { reason, anchor, devices } of refusedNow) {
    const key = `${reason} ${anchor}`;
    sums.set(key, [{ reason, anchor }, (sums.get(key)?.[1] ?? 0) + devices]);
  }
  return [...sums.values()];
}
