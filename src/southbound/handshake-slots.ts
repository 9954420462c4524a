/** A place in a handshake; given back exactly once, however often `release` is called. */
export interface Slot {
  release(): void;
}

export interface HandshakeSlots {
  /** A free place at once, or undefined. */
  take(block: string): Slot | undefined;
  /** Waits for one; blocks of addresses take turns. The caller bounds the time by `cancel`. */
  wait(block: string, granted: (slot: Slot) => void): { cancel(): void };
  readonly inFlight: number;
  readonly waiting: number;
}

type Granted = (slot: Slot) => void;

interface State {
  readonly total: number;
  readonly perBlock: number;
  inFlight: number;
  waiting: number;
  readonly used: Map<string, number>;
  /** Blocks in the order of their turns, each with its waiting clients. */
  readonly queues: Map<string, Set<Granted>>;
}

const hasRoom = (state: State, block: string): boolean =>
  state.inFlight < state.total && (state.used.get(block) ?? 0) < state.perBlock;

function occupy(state: State, block: string): Slot {
  state.inFlight += 1;
  state.used.set(block, (state.used.get(block) ?? 0) + 1);
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      state.inFlight -= 1;
      const left = (state.used.get(block) ?? 1) - 1;
      if (left === 0) state.used.delete(block);
      else state.used.set(block, left);
      grantNext(state);
    },
  };
}

/** One place came free: it goes to the first block in turn that may have it, which then goes to the end. */
function grantNext(state: State): void {
  for (const [block, queue] of state.queues) {
    if (!hasRoom(state, block)) continue;
    const [first] = queue;
    state.queues.delete(block);
    if (first === undefined) continue;
    queue.delete(first);
    state.waiting -= 1;
    if (queue.size > 0) state.queues.set(block, queue);
    first(occupy(state, block));
    return;
  }
}

function wait(state: State, block: string, granted: Granted): { cancel(): void } {
  const queue = state.queues.get(block) ?? new Set();
  queue.add(granted);
  state.queues.set(block, queue);
  state.waiting += 1;
  return {
    cancel: () => {
      if (!queue.delete(granted)) return;
      state.waiting -= 1;
      if (queue.size === 0 && state.queues.get(block) === queue) state.queues.delete(block);
    },
  };
}

/**
 * Bounds the handshakes in flight, in all and for one block of addresses. Who finds no place waits: a fleet that comes
 * back from a power cut through one address is served, only later.
 */
export function createHandshakeSlots(total: number, perBlock: number): HandshakeSlots {
  const state: State = { total, perBlock, inFlight: 0, waiting: 0, used: new Map(), queues: new Map() };
  return {
    take: (block) => (hasRoom(state, block) ? occupy(state, block) : undefined),
    wait: (block, granted) => wait(state, block, granted),
    get inFlight() {
      return state.inFlight;
    },
    get waiting() {
      return state.waiting;
    },
  };
}
