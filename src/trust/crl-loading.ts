import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Certificate } from '../x509/certificate.ts';
import { type CertificateList, parseCrl } from '../x509/crl.ts';
import { crlLimits } from '../x509/crl-frame.ts';
import { type CrlImage, crlOfImage } from '../x509/crl-stream.ts';
import { DerError } from '../x509/der.ts';

/** Where a CRL is read from: DER or PEM. */
export type CrlSource =
  | { readonly path: string }
  | {
      readonly bytes: Uint8Array;
      /** The bytes are given away and gone afterwards, where they fill their buffer; otherwise they are copied. */
      readonly handOver?: boolean;
    };

export interface CrlLoadOptions {
  /**
   * Certificates that may have signed the CRL: the anchors, their intermediates, and separate CRL signers, the likeliest
   * first. The signature of a big CRL is verified while it is read and with their keys only.
   */
  readonly signers: readonly Certificate[];
  /** 64 MiB when absent. */
  readonly mostBytes?: number;
  /** Aborting ends the thread. */
  readonly signal?: AbortSignal;
}

export interface CrlLoadFault {
  readonly cause: 'malformed' | 'too-large' | 'unreachable';
  readonly detail: string;
}

export type CrlLoad = { readonly ok: true; readonly crl: CertificateList } | ({ readonly ok: false } & CrlLoadFault);

/** What the thread is given. */
export interface CrlWorkerInput {
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array };
  readonly signers: readonly Uint8Array[];
  readonly mostBytes: number;
}

export interface CrlLoader {
  /** Never rejects on what the CRL says. One big CRL is read at a time, the others wait. */
  readonly load: (source: CrlSource, options: CrlLoadOptions) => Promise<CrlLoad>;
}

/** DER up to here is read at once: under 2 ms. */
const atOnce = 128 * 1024;
/** Most heap of a thread; the entries lie outside of it. */
const heapMegabytes = 64;

/**
 * Loads CRLs of any size without holding up the event loop: big ones in a thread that reads them piece by piece,
 * verifies the signature and ends, leaving the entries in typed arrays (34 MB for a million).
 */
export function createCrlLoader(): CrlLoader {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async load(source, options) {
      if ('bytes' in source && source.bytes.length <= atOnce && source.bytes[0] === 0x30)
        return loadAtOnce(source.bytes, options);
      const turn = last.then(() => loadInThread(source, options));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

function loadAtOnce(bytes: Uint8Array, { mostBytes = crlLimits.bytes }: CrlLoadOptions): CrlLoad {
  try {
    return { ok: true, crl: parseCrl(bytes, { ...crlLimits, bytes: mostBytes }) };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { ok: false, cause: error.fault === 'too_large' ? 'too-large' : 'malformed', detail: error.message };
  }
}

async function loadInThread(source: CrlSource, options: CrlLoadOptions): Promise<CrlLoad> {
  options.signal?.throwIfAborted();
  const result = await runThread(inputOf(source, options), options.signal);
  return 'table' in result ? { ok: true, crl: crlOfImage(result) } : { ok: false, ...result };
}

interface Prepared {
  readonly input: CrlWorkerInput;
  readonly moved: ArrayBuffer[];
}

function inputOf(source: CrlSource, { signers, mostBytes = crlLimits.bytes }: CrlLoadOptions): Prepared {
  const rest = { signers: signers.map(({ der }) => new Uint8Array(der)), mostBytes };
  if ('path' in source) return { input: { source, ...rest }, moved: [] };
  const { bytes, handOver } = source;
  const whole = handOver === true && bytes.byteLength === bytes.buffer.byteLength;
  const given = whole ? bytes : new Uint8Array(bytes);
  return { input: { source: { bytes: given }, ...rest }, moved: [given.buffer as ArrayBuffer] };
}

function runThread({ input, moved }: Prepared, signal: AbortSignal | undefined): Promise<CrlImage | CrlLoadFault> {
  // Built code has another extension than its source.
  const program = new URL(`./crl-worker${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(program, {
    workerData: input,
    transferList: moved,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal?.reason);
      void thread.terminate();
    };
    signal?.addEventListener('abort', abort, { once: true });
    thread.once('message', resolve);
    thread.once('error', (error: Error & { code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
        resolve({ cause: 'too-large', detail: 'reading it needs too much memory' });
      else reject(error);
    });
    thread.once('exit', (code) => {
      signal?.removeEventListener('abort', abort);
      reject(new Error(`the thread that reads a CRL ended with ${code}`));
    });
  });
}
