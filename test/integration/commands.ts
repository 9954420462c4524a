/**
 * The command line without a process for each command: a thread with an environment of its own runs the same program,
 * one command after the other, and loads it once. What only a process shows (signals, the launcher) is for `command.ts`.
 */
import { Worker } from 'node:worker_threads';
import type { Ended } from './command.ts';
import { environment } from './command.ts';

export interface ToRun {
  readonly id: number;
  readonly args: readonly string[];
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Commands {
  /** Runs one command line to its end; those asked for meanwhile wait. */
  run(...args: readonly string[]): Promise<Ended>;
  close(): Promise<void>;
}

export function openCommands(env: Readonly<Record<string, string>>): Commands {
  const worker = new Worker(new URL('command-worker.ts', import.meta.url), { env: environment(env) });
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;
  const once = (args: readonly string[]): Promise<Ended> => {
    count += 1;
    const id = count;
    return new Promise<Ended>((done, fail) => {
      const ended = (answer: Ran & { readonly id: number }): void => {
        if (answer.id !== id) return;
        worker.off('message', ended);
        worker.off('error', fail);
        const { code, stdout, stderr } = answer;
        done({ code, signal: null, stdout, stderr });
      };
      worker.on('message', ended);
      worker.once('error', fail);
      worker.postMessage({ id, args } satisfies ToRun);
    });
  };
  return {
    run: (...args) => {
      const next = last.then(() => once(args));
      last = next.catch(() => undefined);
      return next;
    },
    close: async () => void (await worker.terminate()),
  };
}
