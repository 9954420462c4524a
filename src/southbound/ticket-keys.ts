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

/** What the ticket keys of several processes of one host are made from. Handed over in memory, never written down. */
export interface TicketSecret {
  readonly secret: Uint8Array;
  /** Milliseconds that it may still be used. */
  readonly left: number;
}

/** Where a process gets the secret that it shares with others of its host. */
export interface TicketSecrets {
  readonly first: TicketSecret;
  onNext(take: (next: TicketSecret) => void): void;
}

const halfDay = 12 * 3_600_000;

/** Milliseconds that a key lives: no longer than `maxResumptionAge`, and never longer than 12 h. */
const lifeOf = (maxResumptionAge: number): number => Math.min(maxResumptionAge, halfDay);

/**
 * Keys for TLS session tickets, random, in memory only. A ticket may be used again and again while its key lives, and
 * no longer: each device makes a full handshake at least once in the life of a key.
 *
 * @param maxResumptionAge milliseconds; a key lives no longer than that, and never longer than 12 h
 * @param shared the secret of the host. One that is not followed by the next in time makes room for one of our own: a
 *   process that hears nothing more keeps no key beyond its life
 */
export function createTicketKeys(maxResumptionAge: number, shared?: TicketSecrets): TicketKeys {
  const life = lifeOf(maxResumptionAge);
  const listeners: (() => void)[] = [];
  let secret: Uint8Array;
  let timer: NodeJS.Timeout | undefined;
  const use = (next: TicketSecret): void => {
    secret = next.secret;
    clearTimeout(timer);
    timer = setTimeout(rotate, Math.min(next.left, life)).unref();
    for (const listener of listeners) listener();
  };
  const rotate = (): void => use({ secret: randomBytes(32), left: life });
  use(shared?.first ?? { secret: randomBytes(32), left: life });
  let stopped = false;
  shared?.onNext((next) => {
    if (!stopped) use(next);
  });
  return {
    keysFor: (context) => Buffer.from(hkdfSync('sha256', secret, '', `hems session tickets ${context}`, 48)),
    lifetime: Math.max(1, Math.ceil(life / 1000)),
    onRotated: (listener) => {
      listeners.push(listener);
    },
    rotate,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

export interface TicketSecretSource {
  /** What a process that is started now begins with. */
  current(): TicketSecret;
  stop(): void;
}

/** The secret of a host, made anew whenever its life is over and then given to `hand`. */
export function createTicketSecrets(maxResumptionAge: number, hand: (next: TicketSecret) => void): TicketSecretSource {
  const life = lifeOf(maxResumptionAge);
  let secret = randomBytes(32);
  let ends = performance.now() + life;
  const current = (): TicketSecret => ({ secret, left: Math.max(0, ends - performance.now()) });
  const timer = setInterval(() => {
    secret = randomBytes(32);
    ends = performance.now() + life;
    hand(current());
  }, life).unref();
  return { current, stop: () => clearInterval(timer) };
}
