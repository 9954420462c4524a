import type { DeviceState } from './device.ts';

/** What moves a device from state to state. `first_inform` and `new_key` come from the device, the rest from people. */
export const moves = [
  'register',
  'add',
  'first_inform',
  'new_key',
  'approve',
  'reject',
  'block',
  'unblock',
  'rebind',
  'replace',
  'retire',
  'handover',
] as const;

export type Move = (typeof moves)[number];

export interface Transition {
  readonly move: Move;
  /** `none`: there is no record yet. */
  readonly from: readonly (DeviceState | 'none')[];
  /** Where it may lead; of several the facts decide: `naturalState`. */
  readonly to: readonly DeviceState[];
  /** For the page that is drawn from this table. */
  readonly meaning: string;
}

const living: readonly DeviceState[] = ['expected', 'quarantined', 'held', 'active'];
const natural: readonly DeviceState[] = ['expected', 'quarantined', 'held', 'active'];

/** Every allowed change of state; what is not here is refused. */
export const transitions: readonly Transition[] = [
  { move: 'add', from: ['none'], to: ['expected'], meaning: 'a person or a shipping file adds it' },
  {
    move: 'register',
    from: ['none'],
    to: ['expected', 'quarantined'],
    meaning: 'its first contact, where the anchor’s registration mode is auto or quarantine',
  },
  { move: 'first_inform', from: ['expected'], to: ['active'], meaning: 'its first Inform is stored' },
  {
    move: 'new_key',
    from: ['expected', 'active'],
    to: ['held'],
    meaning: 'it shows a key that nobody approved; the approved ones go on',
  },
  {
    move: 'approve',
    from: ['quarantined', 'held'],
    to: ['expected', 'active', 'held'],
    meaning: 'a person lets the device or its new key in',
  },
  { move: 'reject', from: ['quarantined'], to: ['blocked'], meaning: 'a person turns the stranger away' },
  {
    move: 'reject',
    from: ['held'],
    to: ['expected', 'active'],
    meaning: 'a person turns the new key away; the device goes on with the approved one',
  },
  { move: 'block', from: living, to: ['blocked'], meaning: 'a person keeps it out' },
  { move: 'unblock', from: ['blocked'], to: natural, meaning: 'a person lets it in again; never a replaced one' },
  {
    move: 'rebind',
    from: ['expected', 'quarantined', 'held', 'active'],
    to: ['expected', 'active', 'held'],
    meaning: 'the same device with a new certificate after repair; its other keys are turned away',
  },
  {
    move: 'replace',
    from: [...living, 'blocked'],
    to: ['blocked'],
    meaning: 'another device takes its place; it stays out for good',
  },
  {
    move: 'retire',
    from: [...living, 'blocked'],
    to: ['retired'],
    meaning: 'scrapped: identity and audit stay, the rest is erased',
  },
  {
    move: 'handover',
    from: [...living, 'blocked'],
    to: ['retired'],
    meaning: 'exported for another operator, then retired',
  },
];

/** The states from which `move` may be made. */
export function statesBefore(move: Move): readonly DeviceState[] {
  return transitions
    .filter((transition) => transition.move === move)
    .flatMap(({ from }) => from.filter((state) => state !== 'none'));
}

export function mayMove(move: Move, from: DeviceState | 'none', to: DeviceState): boolean {
  return transitions.some(
    (transition) => transition.move === move && transition.from.includes(from) && transition.to.includes(to),
  );
}

/** The table as a Mermaid state diagram, as docs/register.md shows it. */
export function stateDiagram(): string {
  const arrows = transitions.flatMap(({ move, from, to }) =>
    from.flatMap((before) => to.filter((after) => after !== before).map((after) => ({ before, after, move }))),
  );
  const labels = new Map<string, Set<string>>();
  for (const { before, after, move } of arrows) {
    const key = `${before === 'none' ? '[*]' : before} --> ${after}`;
    labels.set(key, (labels.get(key) ?? new Set()).add(move.replace('_', ' ')));
  }
  const lines = [...labels].map(([arrow, words]) => `  ${arrow}: ${[...words].join(', ')}`);
  return ['stateDiagram-v2', ...lines, '  retired --> [*]'].join('\n');
}

/** The table as Markdown rows. */
export function transitionTable(): string {
  const rows = transitions.map(
    ({ move, from, to, meaning }) =>
      `| ${move.replace('_', ' ')} | ${from.map((state) => (state === 'none' ? 'no record' : state)).join(', ')} | ${to.join(', ')} | ${meaning} |`,
  );
  return ['| what | from | to | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
