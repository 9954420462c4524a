import type { Registry } from 'prom-client';
import { figuresOf } from './figures.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { createQuestions } from './questions.ts';

/** What a worker is told first. */
export interface WorkerStart {
  readonly worker: number;
  readonly workers: number;
  readonly order: unknown;
}

/** A worker's side of the channel to its supervisor. */
export interface WorkerLink {
  readonly start: Promise<WorkerStart>;
  /** What is told later; `gone`: the supervisor is no more. */
  onTold(handler: (told: Extract<ToWorker, { tell: 'secret' | 'reload' | 'stop' }> | { tell: 'gone' }) => void): void;
  /** From now on it answers for the figures of this process. */
  reports(metrics: Registry): void;
  ready(what: unknown): void;
  /** Resolves when it is on its way. */
  failed(fault: unknown): Promise<void>;
  /** The last words of a process that ends as it should. */
  farewell(metrics: Registry): Promise<void>;
  /** The metrics of the whole host. Rejects if they are not to be had in time. */
  page(): Promise<string>;
}

/** Longer than the supervisor waits for the slowest worker. */
const pageWithin = 3000;

/** This process must have been started by `startWorker`; undefined: it was not. */
export function joinSupervisor(): WorkerLink | undefined {
  if (process.send === undefined) return undefined;
  const start = Promise.withResolvers<WorkerStart>();
  const pages = createQuestions<string | undefined>();
  let metrics: Registry | undefined;
  let told: Parameters<WorkerLink['onTold']>[0] = () => undefined;
  const tell = (message: FromWorker): Promise<void> =>
    new Promise((resolve) => {
      if (!process.connected) return resolve();
      process.send?.(message, undefined, undefined, () => resolve());
    });
  const report = async (question: number, registry: Registry): Promise<void> =>
    tell({ tell: 'report', question, figures: await figuresOf(registry) });
  process.on('message', (message: ToWorker) => {
    switch (message.tell) {
      case 'start':
        return start.resolve(message);
      case 'report':
        return metrics === undefined ? undefined : void report(message.question, metrics);
      case 'page':
        return pages.answered(message.question, message.text);
      default:
        return told(message);
    }
  });
  process.on('disconnect', () => told({ tell: 'gone' }));
  return {
    start: start.promise,
    onTold: (handler) => {
      told = handler;
    },
    reports: (registry) => {
      metrics = registry;
    },
    ready: (what) => void tell({ tell: 'ready', what }),
    failed: (fault) => tell({ tell: 'failed', fault }),
    farewell: (registry) => report(0, registry),
    page: async () => {
      const text = await pages.ask((question) => void tell({ tell: 'page', question }), pageWithin);
      if (text === undefined) throw new Error('the supervisor does not give the metrics of the host');
      return text;
    },
  };
}
