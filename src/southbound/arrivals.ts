import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { LimitsConfig, ListenerConfig } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import { inSpan } from '../platform/tracing.ts';
import type { Admission, ConnectionFacts, Gate } from '../trust/admission.ts';
import { sourceBlock } from '../trust/source-block.ts';
import { createAddressLimits } from './address-limits.ts';
import { performHandshake, type Secured } from './admission-socket.ts';
import type { DoorMetrics } from './door-metrics.ts';
import { farewell } from './farewell.ts';
import { type FirstFlight, type FlightBudget, readFirstFlight } from './first-flight.ts';
import { createHandshakeSlots, type Slot } from './handshake-slots.ts';
import type { KeyType } from './hello-class.ts';
import { type HelloJudgement, judgeHello } from './hello-judgement.ts';
import type { TlsContexts } from './tls-contexts.ts';
import type { FailureCause } from './tls-failure.ts';
import type { TlsPolicy } from './tls-profile.ts';
import { createUnreadConnections } from './unread-connections.ts';

export interface ArrivalDeps {
  readonly config: ListenerConfig;
  readonly limits: LimitsConfig;
  readonly policy: TlsPolicy;
  /** Asked for every handshake, so that new certificates and ticket keys count from the next one on. */
  readonly contexts: () => TlsContexts;
  /** An OCSP answer for the certificate of this key type, if one is at hand. */
  readonly staple: (keyType: KeyType) => Buffer | undefined;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
  /** Takes over a socket whose client was admitted. Nothing of its application data has been read. */
  readonly open: (socket: TLSSocket, admission: Admission) => void;
}

export interface Arrivals {
  /** Takes a TCP connection; never throws. */
  receive(socket: Socket): void;
  /** Ends every connection that has no admission yet. */
  close(): void;
}

/** One TCP connection on its way to an admission. */
interface Arrival {
  readonly socket: Socket;
  readonly facts: ConnectionFacts;
  readonly block: string;
  /** Why we ended it, where it was us. */
  ended: 'time' | 'evicted' | 'closing' | undefined;
  evict(): void;
}

interface Hall extends ArrivalDeps {
  readonly slots: ReturnType<typeof createHandshakeSlots>;
  readonly unread: ReturnType<typeof createUnreadConnections>;
  readonly addresses: ReturnType<typeof createAddressLimits>;
  readonly budget: FlightBudget;
  readonly present: Set<Arrival>;
  connections: number;
}

/** Bytes of unfinished ClientHellos in all; an honest one is unfinished for a moment and has a few hundred. */
const flightBytes = 32 * 1024 * 1024;
/** A silent connection costs a file and a timer, not a place in the handshakes: there may be more of them. */
const unreadPerPlace = 8;

export function createArrivals(deps: ArrivalDeps): Arrivals {
  const { limits } = deps;
  const { handshakesInFlight: total, handshakesInFlightPerAddress: perBlock } = limits;
  const hall: Hall = {
    ...deps,
    slots: createHandshakeSlots(total, perBlock),
    unread: createUnreadConnections(total * unreadPerPlace, perBlock * unreadPerPlace),
    addresses: createAddressLimits(deps.clock, limits.failuresPerAddress),
    budget: { held: 0, most: flightBytes },
    present: new Set(),
    connections: 0,
  };
  return {
    receive: (socket) => {
      // Whatever goes wrong with a socket ends in `close`, which everybody here listens to.
      socket.on('error', () => {});
      const arrival = arrive(hall, socket);
      if (arrival !== undefined) void lead(hall, arrival);
    },
    close: () => {
      for (const arrival of hall.present) end(arrival, 'closing');
    },
  };
}

function end(arrival: Arrival, why: 'time' | 'evicted' | 'closing'): void {
  arrival.ended ??= why;
  arrival.socket.destroy();
}

function arrive(hall: Hall, socket: Socket): Arrival | undefined {
  const { config, clock, limits } = hall;
  const remoteAddress = socket.remoteAddress ?? '';
  const block = sourceBlock(remoteAddress, 32) ?? remoteAddress;
  const facts: ConnectionFacts = {
    connectionId: uuidv7(clock),
    listener: config.name,
    role: config.role,
    anchors: config.anchors,
    remoteAddress,
    remotePort: socket.remotePort ?? 0,
    startedAt: clock.now(),
  };
  const arrival: Arrival = { socket, facts, block, ended: undefined, evict: () => end(arrival, 'evicted') };
  hall.connections += 1;
  hall.metrics.opened();
  socket.once('close', () => {
    hall.connections -= 1;
    hall.metrics.closed();
  });
  if (hall.addresses.turnsAway(block)) return turnAway(hall, arrival, 'too_many_failures');
  if (hall.connections > limits.connections && !hall.unread.evictOldest())
    return turnAway(hall, arrival, 'too_many_connections');
  return arrival;
}

/** Unread and unanswered: one too many, whoever it is. */
function turnAway(hall: Hall, arrival: Arrival, detail: 'too_many_failures' | 'too_many_connections'): undefined {
  arrival.socket.destroy();
  hall.metrics.connection('turned_away');
  hall.gate.refuseTls({ ...arrival.facts, stage: 'tls', reason: 'rate_limited', detail });
}

/** From the first byte to the verdict, within the time of a handshake. */
async function lead(hall: Hall, arrival: Arrival): Promise<void> {
  const deadline = setTimeout(() => end(arrival, 'time'), hall.limits.handshakeTime);
  hall.present.add(arrival);
  try {
    hall.unread.add(arrival);
    const flight = await readFirstFlight(arrival.socket, hall.budget);
    hall.unread.remove(arrival);
    if (flight.kind === 'read') {
      const judgement = judgeHello(flight.reading, flight.bytes, hall.policy, hall.contexts());
      const words = { 'hems.connection.id': arrival.facts.connectionId, 'hems.listener': hall.config.name };
      if (judgement.kind === 'handshake')
        await inSpan('hems.connection', words, () => admit(hall, arrival, flight.bytes, judgement));
      else refuseHello(hall, arrival, judgement);
    } else unfinished(hall, arrival, flight);
  } catch (error) {
    // Fail closed: whatever happened, this client is not let in.
    hall.logger.error({ err: error, connection: arrival.facts.connectionId }, 'a connection could not be judged');
    arrival.socket.destroy();
  } finally {
    clearTimeout(deadline);
    hall.present.delete(arrival);
  }
}

function refuse(hall: Hall, arrival: Arrival, cause: FailureCause, tlsVersion?: string): void {
  hall.metrics.connection('refused');
  hall.addresses.failed(arrival.block);
  hall.gate.refuseTls({
    ...arrival.facts,
    stage: 'tls',
    ...cause,
    ...(tlsVersion === undefined ? {} : { tlsVersion }),
  });
}

function refuseHello(hall: Hall, arrival: Arrival, judgement: HelloJudgement & { kind: 'refuse' }): void {
  refuse(hall, arrival, judgement.cause, judgement.tlsVersion);
  farewell(arrival.socket, judgement.lastWords);
}

function unfinished(hall: Hall, arrival: Arrival, flight: Exclude<FirstFlight, { kind: 'read' }>): void {
  arrival.socket.destroy();
  if (arrival.ended === 'closing') return;
  if (flight.kind === 'crowded') refuse(hall, arrival, { reason: 'rate_limited', detail: 'too_many_handshakes' });
  else if (arrival.ended === 'time') refuse(hall, arrival, { reason: 'handshake_timeout', detail: 'no_client_hello' });
  else if (arrival.ended === 'evicted')
    refuse(hall, arrival, { reason: 'rate_limited', detail: 'too_many_connections' });
  // A probe of a load balancer is no client and no decision.
  else if (flight.received === 0) hall.metrics.connection('silent');
  else refuse(hall, arrival, { reason: 'handshake_other', detail: 'client_gave_up' });
}

/** A place in the handshakes; undefined if the connection ended before one came free. */
function findPlace(hall: Hall, { block, socket }: Arrival): Promise<Slot | undefined> {
  return new Promise((resolve) => {
    const closed = (): void => {
      place.cancel();
      resolve(undefined);
    };
    const place = hall.slots.wait(block, (slot) => {
      socket.off('close', closed);
      resolve(slot);
    });
    socket.once('close', closed);
  });
}

async function admit(
  hall: Hall,
  arrival: Arrival,
  bytes: Buffer,
  { context, keyType, tlsVersion }: HelloJudgement & { kind: 'handshake' },
): Promise<void> {
  const slot = hall.slots.take(arrival.block) ?? (await findPlace(hall, arrival));
  hall.metrics.handshakes(hall.slots.inFlight, hall.slots.waiting);
  if (slot === undefined) {
    if (arrival.ended === 'time') refuse(hall, arrival, { reason: 'rate_limited', detail: 'too_many_handshakes' });
    return;
  }
  try {
    const started = performance.now();
    const shake = () => performHandshake(arrival.socket, bytes, context, hall.policy, hall.staple(keyType));
    const outcome = await inSpan('hems.handshake', {}, shake);
    if (outcome.kind === 'secured') {
      hall.metrics.handshakeDone((performance.now() - started) / 1000, outcome.tlsVersion, outcome.resumed);
      await hearVerdict(hall, arrival, outcome);
    } else if (arrival.ended === 'time')
      refuse(hall, arrival, { reason: 'handshake_timeout', detail: 'handshake_incomplete' }, tlsVersion);
    else if (arrival.ended === undefined) {
      hall.metrics.handshakeBroken(outcome.code);
      refuse(hall, arrival, { reason: outcome.reason, detail: outcome.detail }, tlsVersion);
    }
  } finally {
    slot.release();
    hall.metrics.handshakes(hall.slots.inFlight, hall.slots.waiting);
  }
}

async function hearVerdict(hall: Hall, arrival: Arrival, secured: Secured): Promise<void> {
  const { kind: _, socket, ...tls } = secured;
  const started = performance.now();
  const verdict = await inSpan('hems.decision', {}, () => hall.gate.admit({ ...arrival.facts, ...tls }));
  hall.metrics.verdictDone((performance.now() - started) / 1000);
  if (verdict.outcome === 'refused') {
    hall.metrics.connection('refused');
    hall.addresses.failed(arrival.block);
    farewell(socket);
    return;
  }
  hall.addresses.admitted(arrival.block);
  hall.metrics.connection('admitted');
  // The client may have left, or the time run out, while it was judged.
  if (socket.destroyed || socket.readableEnded) {
    hall.gate.released(verdict);
    socket.destroy();
  } else hall.open(socket, verdict);
}
