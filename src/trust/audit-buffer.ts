import type { DecisionRow } from './audit-queries.ts';
import type { Peer } from './refusal.ts';

/** Where a row goes; also the order in which rows are given up when there is no room: the last first. */
export type RowKind = 'summary' | Peer;

export interface BufferedRow<Origin> {
  readonly kind: RowKind;
  readonly row: DecisionRow;
  /** What to tell when the row is given up. */
  readonly origin: Origin;
}

/** Rows that wait to be written: bounded, strangers first to go, devices of the register last. */
export interface RowBuffer<Origin> {
  /** Answers the rows that had to go for it, which may be this one. */
  push(entry: BufferedRow<Origin>): BufferedRow<Origin>[];
  /** The next rows of one kind, taken out. */
  takeBatch(most: number): { readonly kind: RowKind; readonly entries: BufferedRow<Origin>[] } | undefined;
  /** Puts a batch back in front, to be tried again. */
  giveBack(entries: readonly BufferedRow<Origin>[]): void;
  size(): number;
}

const writingOrder: readonly RowKind[] = ['known', 'trusted-chain', 'summary', 'stranger'];
const givingUpOrder: readonly RowKind[] = ['stranger', 'trusted-chain', 'summary', 'known'];

export function createRowBuffer<Origin>(capacity: number): RowBuffer<Origin> {
  const queues: Record<RowKind, BufferedRow<Origin>[]> = { known: [], 'trusted-chain': [], summary: [], stranger: [] };
  const size = (): number => writingOrder.reduce((sum, kind) => sum + queues[kind].length, 0);
  return {
    push: (entry) => {
      queues[entry.kind].push(entry);
      const gone: BufferedRow<Origin>[] = [];
      for (const kind of givingUpOrder) {
        // The newest goes: the beginning of a flood says more than its middle.
        while (size() > capacity && queues[kind].length > 0) gone.push(queues[kind].pop() as BufferedRow<Origin>);
      }
      return gone;
    },
    takeBatch: (most) => {
      const kind = writingOrder.find((name) => queues[name].length > 0);
      return kind === undefined ? undefined : { kind, entries: queues[kind].splice(0, most) };
    },
    giveBack: (entries) => {
      const [first] = entries;
      if (first !== undefined) queues[first.kind].unshift(...entries);
    },
    size,
  };
}
