/** A bounded number of exchanges at a time with each host, and of those that wait for their turn. */
export interface HostSlots {
  /** Resolves with how to leave, or `busy` if too many wait already; rejects when the signal aborts. */
  enter(host: string, signal: AbortSignal): Promise<(() => void) | 'busy'>;
}

interface Queue {
  inside: number;
  readonly waiting: (() => void)[];
}

export function createHostSlots(most: number, mostWaiting: number): HostSlots {
  const queues = new Map<string, Queue>();
  const leave = (host: string, queue: Queue) => {
    let left = false;
    return (): void => {
      if (left) return;
      left = true;
      const next = queue.waiting.shift();
      if (next !== undefined) next();
      else if (--queue.inside === 0) queues.delete(host);
    };
  };
  return {
    enter: (host, signal) => {
      if (signal.aborted) return Promise.reject(signal.reason);
      const queue = queues.get(host) ?? { inside: 0, waiting: [] };
      queues.set(host, queue);
      if (queue.inside < most) {
        queue.inside += 1;
        return Promise.resolve(leave(host, queue));
      }
      if (queue.waiting.length >= mostWaiting) return Promise.resolve('busy' as const);
      return new Promise((resolve, reject) => {
        const aborted = (): void => {
          queue.waiting.splice(queue.waiting.indexOf(turn), 1);
          reject(signal.reason);
        };
        const turn = (): void => {
          signal.removeEventListener('abort', aborted);
          resolve(leave(host, queue));
        };
        queue.waiting.push(turn);
        signal.addEventListener('abort', aborted, { once: true });
      });
    },
  };
}
