import type { Command } from 'commander';
import type { TaskOptions } from '../fleet/tasks.ts';
import { systemClock } from '../platform/clock.ts';
import { instant, priority, span } from './arguments.ts';

/** When a wish is carried out, and that it is one however often it is made. */
export interface TimingOptions {
  readonly priority?: number;
  readonly notBefore?: Date;
  /** Milliseconds. */
  readonly expires?: number;
  readonly key?: string;
}

export type TaskTiming = Pick<TaskOptions, 'priority' | 'notBefore' | 'expiresAt' | 'idempotencyKey'>;

/** `same`: what the same key is of. */
export function withTiming(command: Command, same: string): Command {
  return command
    .option('--priority <n>', '-100 to 100, higher goes first', priority)
    .option('--not-before <time>', 'ISO time', instant)
    .option('--expires <span>', 'given up after so long without a session: 30m, 2h, 7d', span)
    .option('--key <text>', `the same key is the same ${same}, however often it is asked for`);
}

export function timingOf({ priority: chosen, notBefore, expires, key }: TimingOptions): TaskTiming {
  return {
    ...(chosen !== undefined && { priority: chosen }),
    ...(notBefore !== undefined && { notBefore }),
    ...(expires !== undefined && { expiresAt: new Date(systemClock.now().getTime() + expires) }),
    ...(key !== undefined && { idempotencyKey: key }),
  };
}
