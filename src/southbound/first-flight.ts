import type { Socket } from 'node:net';
import { createHelloReader, type HelloReading } from './client-hello.ts';

export type FirstFlight =
  | { readonly kind: 'read'; readonly reading: Exclude<HelloReading, { kind: 'incomplete' }>; readonly bytes: Buffer }
  /** The connection ended first; after so many bytes. */
  | { readonly kind: 'closed'; readonly received: number }
  /** All connections together hold too many bytes of unfinished ClientHellos. */
  | { readonly kind: 'crowded' };

/** Bytes of unfinished first flights of all connections. */
export interface FlightBudget {
  held: number;
  readonly most: number;
}

/**
 * Reads what a client says first, until it can be named. Leaves the socket paused, with nothing consumed that
 * `unshift` of the bytes does not give back. The caller bounds the time by destroying the socket.
 */
export function readFirstFlight(socket: Socket, budget: FlightBudget): Promise<FirstFlight> {
  return new Promise((resolve) => {
    const reader = createHelloReader();
    let received = 0;
    let held = 0;
    const settle = (flight: FirstFlight): void => {
      socket.off('data', onData);
      socket.off('end', onClosed);
      socket.off('close', onClosed);
      socket.pause();
      budget.held -= held;
      resolve(flight);
    };
    const onClosed = (): void => settle({ kind: 'closed', received });
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      const reading = reader.push(chunk);
      if (reading.kind !== 'incomplete') {
        settle({ kind: 'read', reading, bytes: reader.flight() });
        return;
      }
      budget.held += chunk.length;
      held += chunk.length;
      if (budget.held > budget.most) settle({ kind: 'crowded' });
    };
    socket.on('data', onData);
    socket.on('end', onClosed);
    socket.on('close', onClosed);
  });
}
