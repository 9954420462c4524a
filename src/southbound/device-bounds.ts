import type { Socket } from 'node:net';

/*
 * What one admitted device may take of a door, whatever its certificate proves: a cell gone mad, or a stolen key, must
 * leave the others theirs. A real device meets none of it.
 */

export interface DeviceConnections {
  /** Answers the connection that has to go for it: the one that has been idle longest, or it itself where all work. */
  add(deviceId: string, socket: Socket, isIdle: (socket: Socket) => boolean): Socket | undefined;
  remove(deviceId: string, socket: Socket): void;
}

export function createDeviceConnections(most: number): DeviceConnections {
  // Sets keep the order of arrival.
  const byDevice = new Map<string, Set<Socket>>();
  return {
    add: (deviceId, socket, isIdle) => {
      const own = byDevice.get(deviceId) ?? new Set<Socket>();
      byDevice.set(deviceId, own.add(socket));
      if (own.size <= most) return undefined;
      const doomed = [...own].find(isIdle) ?? socket;
      own.delete(doomed);
      return doomed;
    },
    remove: (deviceId, socket) => {
      const own = byDevice.get(deviceId);
      own?.delete(socket);
      if (own?.size === 0) byDevice.delete(deviceId);
    },
  };
}

/** first: the first one too many of this minute, which is worth a word; the others are not. */
export type InformAllowance = (deviceId: string, now: number) => 'allowed' | 'first' | 'exceeded';

const minute = 60_000;

/** Informs that a device may send in a minute: each is a row, and so is its admission. Remembers one minute. */
export function createInformAllowance(perMinute: number): InformAllowance {
  // In the order in which their minutes began.
  const windows = new Map<string, { readonly from: number; count: number }>();
  const forget = (now: number): void => {
    for (const [deviceId, { from }] of windows) {
      if (Math.abs(now - from) < minute) return;
      windows.delete(deviceId);
    }
  };
  return (deviceId, now) => {
    forget(now);
    const open = windows.get(deviceId) ?? { from: now, count: 0 };
    open.count += 1;
    windows.set(deviceId, open);
    if (open.count <= perMinute) return 'allowed';
    return open.count === perMinute + 1 ? 'first' : 'exceeded';
  };
}
