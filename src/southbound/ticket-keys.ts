import { hkdfSync, randomBytes } from 'node:crypto';

export interface TicketKeys {
  /** The 48 bytes that OpenSSL wants, for one door; another door's differ, so that neither opens the other's tickets. */
  keysFor(sessionIdContext: string): Buffer;
  /** Seconds that a ticket may live at most. */
  readonly lifetime: number;
  /** Called after each rotation, when `keysFor` answers new keys. */
  onRotated(listener: () => void): void;
  rotate(): void;
  stop(): void;
}

const halfDay = 12 * 3_600_000;

/**
 * Keys for TLS session tickets, random, in memory only. A ticket may be used again and again while its key lives, and
 * no longer: each device makes a full handshake at least once in the life of a key.
 *
 * @param maxResumptionAge milliseconds; a key lives no longer than that, and never longer than 12 h
 */
export function createTicketKeys(maxResumptionAge: number): TicketKeys {
  const life = Math.min(maxResumptionAge, halfDay);
  const listeners: (() => void)[] = [];
  let secret = randomBytes(32);
  const rotate = (): void => {
    secret = randomBytes(32);
    for (const listener of listeners) listener();
  };
  const timer = setInterval(rotate, life).unref();
  return {
    keysFor: (context) => Buffer.from(hkdfSync('sha256', secret, '', `hems session tickets ${context}`, 48)),
    lifetime: Math.max(1, Math.ceil(life / 1000)),
    onRotated: (listener) => {
      listeners.push(listener);
    },
    rotate,
    stop: () => clearInterval(timer),
  };
}
