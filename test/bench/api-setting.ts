import type { Database } from '../../src/platform/postgres.ts';

export const by = { actor: { kind: 'cli', name: 'bench' } } as const;

export interface Api {
  readonly db: Database;
  readonly devices: number;
  readonly dir: string;
  /** Process ids of the server and of the postmaster. */
  readonly hems: number;
  readonly postmaster: number;
  readonly cwmpPort: number;
  /** Answers the parsed body; throws for any other status than those of a success. */
  ask(path: string, options?: { method?: 'GET' | 'POST'; body?: unknown }): Promise<unknown>;
  readonly key: string;
  readonly url: string;
}

export const idOf = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
