/** A connection that has not said its ClientHello yet. */
export interface Unread {
  readonly block: string;
  /** Ends it; it has been removed already. */
  evict(): void;
}

export interface UnreadConnections {
  /** Adds one; where its block, or all together, are too many, the one that has been silent longest goes. */
  add(unread: Unread): void;
  remove(unread: Unread): void;
  /** Ends the one that has been silent longest; false if there is none. */
  evictOldest(): boolean;
  readonly size: number;
}

/**
 * An honest client says its ClientHello in one round trip; who opens connections and is silent pushes out himself
 * first. Sets keep the order of arrival.
 */
export function createUnreadConnections(total: number, perBlock: number): UnreadConnections {
  const all = new Set<Unread>();
  const byBlock = new Map<string, Set<Unread>>();
  const remove = (unread: Unread): void => {
    all.delete(unread);
    const block = byBlock.get(unread.block);
    block?.delete(unread);
    if (block?.size === 0) byBlock.delete(unread.block);
  };
  const evictFirst = (from: Iterable<Unread>): boolean => {
    for (const unread of from) {
      remove(unread);
      unread.evict();
      return true;
    }
    return false;
  };
  return {
    add: (unread) => {
      const block = byBlock.get(unread.block) ?? new Set();
      if (block.size >= perBlock) evictFirst(block);
      else if (all.size >= total) evictFirst(all);
      all.add(unread);
      block.add(unread);
      byBlock.set(unread.block, block);
    },
    remove,
    evictOldest: () => evictFirst(all),
    get size() {
      return all.size;
    },
  };
}
