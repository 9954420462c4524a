import type { DecisionRow } from './audit-queries.ts';
import type { Peer } from './refusal.ts';

/** Whom a row is about, or that it is a summary. */
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
const givingUpOrder: readonly RowKind[] = ['stranger', 'trusted-chain', 'known'];

/** Room for so many decisions, and beside them for so many summaries: what was given up is counted in one. */
export function createRowBuffer<Origin>(capacity: number): RowBuffer<Origin> {
  const queues: Record<RowKind, BufferedRow<Origin>[]> = { known: [], 'trusted-chain': [], summary: [], stranger: [] };
  const decisions = (): number => givingUpOrder.reduce((sum, kind) => sum + queues[kind].length, 0);
  // The newest goes: the beginning of a flood says more than its middle.
  const drop = (kind: RowKind): BufferedRow<Origin>[] => queues[kind].splice(-1);
  return {
    push: (entry) => {
      queues[entry.kind].push(entry);
      if (queues.summary.length > capacity) return drop('summary');
      if (decisions() <= capacity) return [];
      return drop(givingUpOrder.find((kind) => queues[kind].length > 0) ?? entry.kind);
    },
    takeBatch: (most) => {
      const kind = writingOrder.find((name) => queues[name].length > 0);
      return kind === undefined ? undefined : { kind, entries: queues[kind].splice(0, most) };
    },
    giveBack: (entries) => {
      const [first] = entries;
      if (first !== undefined) queues[first.kind].unshift(...entries);
    },
    size: () => decisions() + queues.summary.length,
  };
}
