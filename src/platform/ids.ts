import { randomFillSync } from 'node:crypto';
import type { Clock } from './clock.ts';

const pool = Buffer.alloc(4096);
let used = pool.length;

/** Ten random bytes a call, drawn from the kernel in larger sips. */
function random(): Buffer {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 10;
  return pool.subarray(used - 10, used);
}

/** A step back of the clock up to this many milliseconds is bridged, so that ids keep their order across NTP slews. */
const bridged = 10_000;

const last = new WeakMap<Clock, { milliseconds: number; counter: number }>();

function tick(clock: Clock, seed: number): { milliseconds: number; counter: number } {
  const now = clock.now().getTime();
  const before = last.get(clock);
  const stepBack = before === undefined ? 0 : before.milliseconds - now;
  const same = before !== undefined && stepBack >= 0 && stepBack < bridged;
  const next =
    same && before.counter < 0xfff
      ? { milliseconds: before.milliseconds, counter: before.counter + 1 }
      : // The upper bit of a fresh counter stays free, so that at least 2048 ids of one millisecond keep their order.
        { milliseconds: same ? before.milliseconds + 1 : now, counter: seed & 0x7ff };
  last.set(clock, next);
  return next;
}

/**
 * UUIDv7 (RFC 9562 5.7), lower case with dashes: 48 bits of milliseconds, a 12-bit counter (6.2 method 1), 62 random
 * bits. Ids of one process and clock are strictly increasing as text and as `uuid`.
 */
export function uuidv7(clock: Clock): string {
  const bytes = random();
  const { milliseconds, counter } = tick(clock, bytes.readUInt16BE(8));
  return written(milliseconds, counter, bytes);
}

/** A UUIDv7 for what happened then; ids of one millisecond are in no order. */
export function uuidv7At(at: Date): string {
  const bytes = random();
  return written(at.getTime(), bytes.readUInt16BE(8) & 0xfff, bytes);
}

function written(milliseconds: number, counter: number, bytes: Buffer): string {
  const time = milliseconds.toString(16).padStart(12, '0');
  const tail = bytes.toString('hex', 0, 8);
  const variant = ((bytes[0] ?? 0) & 0x3f) | 0x80; // RFC 9562 4.1: variant 10
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant.toString(16)}${tail.slice(2, 4)}-${tail.slice(4)}`;
}
