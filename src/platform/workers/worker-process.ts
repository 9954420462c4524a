import { type ChildProcess, fork } from 'node:child_process';
import type { Figures } from './figures.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { createQuestions } from './questions.ts';

/** What a worker said that cannot serve; `fault` is its own word for it. */
export class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed';
  readonly fault: unknown;
  constructor(fault: unknown) {
    super('a worker cannot serve');
    this.fault = fault;
  }
}

export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerProcess {
  /** Tells this process from those before and after it in its place. */
  readonly life: number;
  readonly pid: number;
  /** What it says once it serves. Rejects with WorkerFailed where it cannot; never settles if it ends without a word. */
  readonly ready: Promise<unknown>;
  readonly ended: Promise<WorkerEnd>;
  tell(message: ToWorker): void;
  /** Its figures now; undefined: no answer within so many milliseconds. */
  report(within: number): Promise<Figures | undefined>;
  kill(): void;
}

export interface WorkerOrder {
  /** Module that runs in the process. */
  readonly module: string;
  /** Shown by ps. */
  readonly args: readonly string[];
  readonly worker: number;
  readonly workers: number;
  readonly order: unknown;
}

export interface WorkerHearing {
  /** Somebody asks it for the page of the host; the answer goes to `tell`. */
  pageWanted(process: WorkerProcess, question: number): void;
  /** Its last words. */
  lastFigures(process: WorkerProcess, figures: Figures): void;
}

let lives = 0;

/**
 * Starts one worker. In a process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then says
 * what is to be done. When the supervisor is gone, the worker sees its channel end.
 */
export function startWorker(
  { module, args, worker, workers, order }: WorkerOrder,
  hearing: WorkerHearing,
): WorkerProcess {
  const child = fork(module, args, {
    detached: true,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = endOf(child);
  const ready = Promise.withResolvers<unknown>();
  ready.promise.catch(() => undefined);
  const questions = createQuestions<Figures>();
  void ended.then(questions.giveUp);
  const tell = (message: ToWorker): void => {
    // Where it is gone, its end tells so.
    if (child.connected) child.send(message, () => undefined);
  };
  const process: WorkerProcess = {
    ...{ life: ++lives, pid: child.pid ?? 0, ready: ready.promise, ended, tell },
    report: (within) => questions.ask((question) => tell({ tell: 'report', question }), within),
    kill: () => void child.kill('SIGKILL'),
  };
  child.on('message', (message: FromWorker) => {
    switch (message.tell) {
      case 'ready':
        return ready.resolve(message.what);
      case 'failed':
        return ready.reject(new WorkerFailed(message.fault));
      case 'page':
        return hearing.pageWanted(process, message.question);
      case 'report':
        return message.question === 0
          ? hearing.lastFigures(process, message.figures)
          : questions.answered(message.question, message.figures);
      default:
        message satisfies never;
    }
  });
  tell({ tell: 'start', worker, workers, order });
  return process;
}

function endOf(child: ChildProcess): Promise<WorkerEnd> {
  return new Promise((resolve) => {
    // The channel may hold last words after the process is gone; `close` of no stream waits for them, `disconnect` does.
    child.once('exit', (code, signal) => {
      if (!child.connected) return resolve({ code, signal });
      child.once('disconnect', () => resolve({ code, signal }));
    });
    // It could not be started at all.
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}
