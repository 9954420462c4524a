import type { Clock } from '../platform/clock.ts';

export interface AddressLimits {
  /** The block made too many refused handshakes in the last minute, and no device was admitted from it lately. */
  turnsAway(block: string): boolean;
  failed(block: string): void;
  admitted(block: string): void;
}

const minute = 60_000;
/** Thousands of devices may share one address: it is not turned away for a day after it brought one that is ours. */
const remembered = 24 * 60 * minute;
const mostBlocks = 65_536;

interface Windows {
  started: number;
  current: Map<string, number>;
  previous: Map<string, number>;
}

/** Turns the windows and answers how much of the last whole minute still counts, 0 to 1. */
function weightOfPrevious(windows: Windows, now: number): number {
  const passed = now - windows.started;
  if (passed >= 0 && passed < minute) return 1 - passed / minute;
  const recent = passed >= 0 && passed < 2 * minute;
  windows.previous = recent ? windows.current : new Map();
  windows.current = new Map();
  windows.started = recent ? windows.started + minute : now;
  return 1 - (now - windows.started) / minute;
}

/** Counts failures, never admitted devices; its memory is bounded, and a block beyond it goes uncounted. */
export function createAddressLimits(clock: Clock, failuresPerAddress: number): AddressLimits {
  const windows: Windows = { started: clock.now().getTime(), current: new Map(), previous: new Map() };
  /** The block admitted from least recently comes first. */
  const admissions = new Map<string, number>();
  return {
    turnsAway: (block) => {
      if (windows.current.size === 0 && windows.previous.size === 0) return false;
      const now = clock.now().getTime();
      const weight = weightOfPrevious(windows, now);
      const failures = (windows.current.get(block) ?? 0) + (windows.previous.get(block) ?? 0) * weight;
      if (failures < failuresPerAddress) return false;
      const last = admissions.get(block);
      return last === undefined || now - last > remembered;
    },
    failed: (block) => {
      weightOfPrevious(windows, clock.now().getTime());
      const count = windows.current.get(block);
      if (count !== undefined || windows.current.size < mostBlocks) windows.current.set(block, (count ?? 0) + 1);
    },
    admitted: (block) => {
      admissions.delete(block);
      admissions.set(block, clock.now().getTime());
      const [oldest] = admissions.keys();
      if (admissions.size > mostBlocks && oldest !== undefined) admissions.delete(oldest);
    },
  };
}
