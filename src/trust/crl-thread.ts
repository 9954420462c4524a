import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CrlImage } from '../x509/crl-stream.ts';
import type { CrlLoadFault, CrlWorkerInput } from './crl-loading.ts';

/** Most heap of a thread; the entries lie outside of it. */
const heapMegabytes = 64;

/** Runs the thread that reads one CRL. Rejects when it was called off, when the parts do, or by a bug. */
export async function runCrlThread(
  input: CrlWorkerInput,
  moved: ArrayBuffer[],
  signal?: AbortSignal,
  parts?: AsyncIterable<Uint8Array>,
): Promise<CrlImage | CrlLoadFault> {
  signal?.throwIfAborted();
  // Built code has another extension than its source.
  const program = new URL(`./crl-worker${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(program, {
    workerData: input,
    transferList: moved,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  const abort = (): void => void thread.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const result = resultOf(thread, signal);
    if (parts === undefined) return await result;
    return await Promise.race([result, feed(thread, parts).then(() => result)]);
  } finally {
    signal?.removeEventListener('abort', abort);
    // One that answered ends by itself; one whose parts stopped coming does not.
    void thread.terminate();
  }
}

function resultOf(thread: Worker, signal: AbortSignal | undefined): Promise<CrlImage | CrlLoadFault> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', (error: Error & { code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
        resolve({ cause: 'too-large', detail: 'reading it needs too much memory' });
      else reject(error);
    });
    thread.once('exit', (code) => {
      reject(signal?.aborted ? signal.reason : new Error(`the thread that reads a CRL ended with ${code}`));
    });
  });
}

async function feed(thread: Worker, parts: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of parts) {
    const copy = new Uint8Array(part);
    thread.postMessage(copy, [copy.buffer]);
  }
  thread.postMessage(null);
}
