import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/** A decision of the gate, as it was taken; the audit row may be sampled away, this is not. */
export interface AdmissionEvent {
  readonly kind: 'admission';
  readonly id: string;
  readonly at: Date;
  readonly outcome: 'admitted' | 'refused';
  readonly stage?: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly peer: 'known' | 'trusted-chain' | 'stranger';
  readonly listener: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tlsVersion?: string;
  readonly cipherSuite?: string;
  readonly resumed?: boolean;
  /** `<value> (<anchor>)` is for people; here the value alone. */
  readonly identity?: string;
  readonly anchor?: string;
  readonly deviceId?: string;
  /** Hex SHA-256 of the leaf certificate. */
  readonly fingerprint?: string;
  readonly connectionId: string;
}

/** An Inform that is durably stored. */
export interface InformEvent {
  readonly kind: 'inform';
  readonly at: Date;
  readonly deviceId: string;
  readonly connectionId?: string;
  /** Event codes as sent, e.g. `0 BOOTSTRAP`. */
  readonly events: readonly string[];
  readonly deviceIdStruct: {
    readonly manufacturer: string;
    readonly oui: string;
    readonly productClass: string;
    readonly serialNumber: string;
  };
}

/** A server certificate was taken up, or a new file was refused and the old one goes on serving. */
export interface CertificateEvent {
  readonly kind: 'certificate';
  readonly at: Date;
  readonly listener: string;
  readonly outcome: 'loaded' | 'kept-old';
  readonly detail: string;
}

/** Something of revocation changed, or could not; `closed` connections fell with it. */
export interface RevocationEvent {
  readonly kind: 'revocation';
  readonly at: Date;
  readonly what: 'facts_changed' | 'crl_fetched' | 'crl_failed' | 'connections_closed';
  /** A URL, a version, a cause. */
  readonly subject: string;
  readonly anchor?: string;
  readonly detail: string;
  readonly closed?: number;
}

/** A task has come to a state that it does not leave by itself. */
export interface TaskEvent {
  readonly kind: 'task';
  readonly at: Date;
  readonly deviceId: string;
  readonly taskId: string;
  /** e.g. `reboot`. */
  readonly task: string;
  readonly state: 'done' | 'failed' | 'in-progress' | 'unknown-outcome';
  readonly fault?: { readonly cause: string; readonly code?: number | undefined; readonly message: string };
}

/** What a device told besides Informs and transfers that it was asked for; the row in `device_notices` has it whole. */
export interface NoticeEvent {
  readonly kind: 'notice';
  readonly at: Date;
  readonly deviceId: string;
  /** e.g. `AutonomousTransferComplete`. */
  readonly notice: string;
}

/** A device was asked to call now, or was not: what came of it. */
export interface ConnectionRequestEvent {
  readonly kind: 'connection-request';
  readonly at: Date;
  readonly deviceId: string;
  readonly id: string;
  readonly state:
    | 'accepted'
    | 'busy'
    | 'unauthorized'
    | 'rejected'
    | 'no-answer'
    | 'refused'
    | 'needless'
    | 'unsettled';
  readonly form?: 'plain' | 'digest' | 'certificate' | undefined;
  readonly status?: number | undefined;
  readonly cause?: string | undefined;
  readonly detail?: string | undefined;
}

/** A device opened a session by 6 CONNECTION REQUEST. Without an id: nobody here had asked it to. */
export interface ConnectionRequestSessionEvent {
  readonly kind: 'connection-request-session';
  readonly at: Date;
  readonly deviceId: string;
  readonly id?: string;
}

/** Parameters have another value than they had. Secret and personal values are masked. */
export interface ParametersEvent {
  readonly kind: 'parameters';
  readonly at: Date;
  readonly deviceId: string;
  /** The device told it by itself, or was asked. */
  readonly origin: 'inform' | 'task';
  /** A thousand at most. Null: not kept. */
  readonly changes: readonly { readonly name: string; readonly before: string | null; readonly after: string | null }[];
}

/** A sign that a device is not who it was; the row in `suspicions` has more. Nothing was decided by it. */
export interface SuspicionEvent {
  readonly kind: 'suspicion';
  readonly at: Date;
  readonly deviceId: string;
  readonly suspicion: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export type HemsEvent =
  | SuspicionEvent
  | AdmissionEvent
  | InformEvent
  | CertificateEvent
  | RevocationEvent
  | TaskEvent
  | ParametersEvent
  | ConnectionRequestEvent
  | NoticeEvent
  | ConnectionRequestSessionEvent;

export type Subscriber = (event: HemsEvent) => void | Promise<void>;

export interface EventBus {
  /** Never throws, never waits: subscribers run after the current turn of the event loop. */
  publish(event: HemsEvent): void;
  /**
   * Events arrive in the order published, one after the other (a promise is awaited). When a subscriber is slower than
   * the events, its oldest waiting ones are dropped and counted. Answers the function that ends the subscription.
   */
  subscribe(subscriber: Subscriber): () => void;
}

export interface EventBusDeps {
  readonly logger?: Logger;
  readonly metrics?: Registry;
  /** Events that may wait for one subscriber. */
  readonly capacity?: number;
}

interface Queue {
  readonly subscriber: Subscriber;
  readonly waiting: HemsEvent[];
  draining: boolean;
  closed: boolean;
}

export function createEventBus(deps: EventBusDeps = {}): EventBus {
  const capacity = deps.capacity ?? 10_000;
  const queues = new Set<Queue>();
  const registers = deps.metrics === undefined ? [] : [deps.metrics];
  const dropped = new Counter({
    name: 'hems_platform_events_dropped_total',
    help: 'Events that a slow subscriber in this process did not get',
    registers,
  });
  const failed = new Counter({
    name: 'hems_platform_event_subscriber_failures_total',
    help: 'Events on which a subscriber threw',
    registers,
  });

  async function drain(queue: Queue): Promise<void> {
    for (let event = queue.waiting.shift(); event !== undefined && !queue.closed; event = queue.waiting.shift()) {
      try {
        await queue.subscriber(event);
      } catch (error) {
        failed.inc();
        deps.logger?.error({ err: error, event: event.kind }, 'an event subscriber failed');
      }
    }
    queue.draining = false;
  }

  return {
    publish: (event) => {
      for (const queue of queues) {
        if (queue.waiting.length >= capacity) {
          queue.waiting.shift();
          dropped.inc();
        }
        queue.waiting.push(event);
        if (queue.draining) continue;
        queue.draining = true;
        setImmediate(() => void drain(queue));
      }
    },
    subscribe: (subscriber) => {
      const queue: Queue = { subscriber, waiting: [], draining: false, closed: false };
      queues.add(queue);
      return () => {
        queue.closed = true;
        queues.delete(queue);
      };
    },
  };
}
