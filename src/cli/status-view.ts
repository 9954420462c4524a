import type { Figures } from '../fleet/figure-queries.ts';
import type { SeenNode } from '../fleet/nodes.ts';
import type { Status } from '../trust/compliance/status.ts';
import { paint, printable, table } from './terminal.ts';

/** The installation for people, from top to bottom as one would ask. */
export function statusText(status: Status): string {
  const { at, nodes, refusals, figures } = status;
  const known = refusals.filter(({ peer }) => peer === 'known');
  const others = refusals.filter(({ peer }) => peer !== 'known');
  return [
    `${paint('bold', 'hems')} at ${at.toISOString()}`,
    '',
    ...nodesText(nodes, at),
    '',
    ...ofOurCells(figures),
    ...refusalsText('Our own cells refused in the last hour', known),
    '',
    ...refusalsText('Others refused in the last hour', others),
    '',
    ...revocationText(status),
    '',
    ...registerText(status),
  ].join('\n');
}

function head(text: string): string {
  return paint('bold', text);
}

function nodesText(nodes: readonly SeenNode[], at: Date): string[] {
  if (nodes.length === 0) return [paint('red', 'No node has said anything for two minutes: is hems running?')];
  return hostsOf(nodes).flatMap(({ name, version, startedAt, seenAt, said, workers }) => [
    `${head('Node')} ${printable(name)}${workers}  hems ${version}, up ${ago(startedAt, at)}, seen ${ago(seenAt, at)} ago`,
    ...said.doors.map((door) => `  ${printable(door.name).padEnd(14)} ${printable(door.url)}`),
    `  ${'management'.padEnd(14)} ${printable(said.management)}`,
    `  ${'anchors'.padEnd(14)} ${said.anchors.map((anchor) => printable(anchor)).join(', ')}`,
    said.deviations.length === 0
      ? `  ${'clauses'.padEnd(14)} all met`
      : `  ${'clauses'.padEnd(14)} ${paint('yellow', `weaker by ${said.deviations.join(', ')}`)} (hems compliance)`,
  ]);
}

interface Host extends SeenNode {
  /** How many of its workers are there, for behind its name. */
  readonly workers: string;
}

/** Workers that say the same of one host are shown once: the one that is up longest, and how many there are. */
function hostsOf(nodes: readonly SeenNode[]): readonly Host[] {
  const hosts = Map.groupBy(nodes, ({ id, name, version, said: { worker, ...said } }) =>
    worker === undefined ? id : JSON.stringify([name, version, worker.of, said]),
  );
  return [...hosts.values()].flatMap((workers) => {
    const [first] = workers.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
    if (first === undefined) return [];
    const there = new Set(workers.map(({ said }) => said.worker?.number)).size;
    const wanted = first.said.worker?.of;
    const missing = wanted !== undefined && there < wanted;
    const text = wanted === undefined ? '' : `, ${there} of ${wanted} workers`;
    return [{ ...first, workers: missing ? paint('yellow', text) : text }];
  });
}

function ofOurCells(figures: Figures | null): string[] {
  if (figures === null) return [];
  const refused = figures.refusedNow.reduce((sum, { devices }) => sum + devices, 0);
  return [paint(refused === 0 ? 'green' : 'red', `${refused} of our own cells are refused now`)];
}

function refusalsText(title: string, refusals: Status['refusals']): string[] {
  if (refusals.length === 0) return [`${head(title)}: none`];
  const columns = [
    { title: 'refusals', value: ({ refusals: count }: Status['refusals'][number]) => String(count) },
    { title: 'devices', value: ({ devices }: Status['refusals'][number]) => (devices === null ? '' : String(devices)) },
    { title: 'peer', value: ({ peer }: Status['refusals'][number]) => peer },
    { title: 'reason', value: ({ reason }: Status['refusals'][number]) => reason },
  ];
  return [head(title), table(refusals, columns)];
}

function revocationText({ at, revocation }: Status): string[] {
  const { policyVersion, overriddenUntil, crls, fetches } = revocation;
  const failing = fetches.filter(({ failures }) => failures > 0);
  return [
    `${head('Revocation')}  ${policyVersion === null ? paint('yellow', 'no policy: nothing is checked') : `policy ${policyVersion}`}`,
    ...(overriddenUntil === null ? [] : [paint('yellow', `  relaxed until ${overriddenUntil.toISOString()}`)]),
    ...crls.map(({ anchor, origin, entries, thisUpdate, nextUpdate }) => {
      const left = nextUpdate === undefined ? undefined : nextUpdate.getTime() - at.getTime();
      const until =
        left === undefined ? '' : left < 0 ? paint('red', `, stale for ${span(-left)}`) : `, ${span(left)} left`;
      return `  CRL of ${printable(anchor)}, ${printable(origin)}: ${entries} entries, ${ago(thisUpdate, at)} old${until}`;
    }),
    ...failing.map(({ url, outcome, failures }) =>
      paint('red', `  ${printable(url)} failed ${failures} time(s): ${printable(outcome ?? 'not tried')}`),
    ),
  ];
}

function registerText({ at, figures, countedAt }: Status): string[] {
  if (figures === null || countedAt === null) return [`${head('Devices')}  are being counted`];
  const { devices, tasks, heldKeys, openConflicts, quarantinedCertificates } = figures;
  const states = Object.entries(devices).map(([state, count]) => `${count} ${state}`);
  const waiting = [
    [heldKeys, 'held keys'],
    [openConflicts, 'conflicts'],
    [quarantinedCertificates, 'certificates in quarantine'],
  ] as const;
  const work = waiting.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [
    `${head('Devices')}  ${states.join(', ') || 'none'}  (counted ${ago(countedAt, at)} ago)`,
    `${head('Waiting for a person')}  ${work.join(', ') || 'nothing'}`,
    `${head('Tasks')}  ${tasks.map(({ state, tasks: count, oldest }) => `${count} ${state}, the oldest for ${ago(new Date(oldest), at)}`).join('; ') || 'none'}`,
  ];
}

function ago(from: Date, at: Date): string {
  return span(Math.max(0, at.getTime() - from.getTime()));
}

function span(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
