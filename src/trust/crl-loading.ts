import type { Certificate } from '../x509/certificate.ts';
import { type CertificateList, parseCrl } from '../x509/crl.ts';
import { crlLimits } from '../x509/crl-frame.ts';
import { crlOfImage } from '../x509/crl-stream.ts';
import { DerError, type DerFault } from '../x509/der.ts';
import { runCrlThread } from './crl-thread.ts';

/** Where a CRL is read from: DER or PEM. */
export type CrlSource =
  | { readonly path: string }
  | {
      readonly bytes: Uint8Array;
      /** The bytes are given away and gone afterwards, where they fill their buffer; otherwise they are copied. */
      readonly handOver?: boolean;
    }
  /** DER alone; what it rejects with, `load` rejects with. */
  | { readonly parts: AsyncIterable<Uint8Array> };

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
  /** Where the DER is wrong. */
  readonly der?: { readonly field: string; readonly fault: DerFault };
}

export type CrlLoad = { readonly ok: true; readonly crl: CertificateList } | ({ readonly ok: false } & CrlLoadFault);

/** What the thread is given; parts come in messages. */
export interface CrlWorkerInput {
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array } | { readonly parts: true };
  readonly signers: readonly Uint8Array[];
  readonly mostBytes: number;
}

export interface CrlLoader {
  /** Never rejects on what the CRL says. One big CRL is read at a time, the others wait. */
  readonly load: (source: CrlSource, options: CrlLoadOptions) => Promise<CrlLoad>;
}

/** DER up to here is read at once: under 2 ms. */
const atOnce = 128 * 1024;

/**
 * Loads CRLs of any size without holding up the event loop: big ones in a thread that reads them piece by piece,
 * verifies the signature and ends, leaving the entries in typed arrays (34 MB for a million).
 */
export function createCrlLoader(): CrlLoader {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async load(given, options) {
      const source = 'parts' in given ? await gather(given.parts) : given;
      if ('bytes' in source && source.bytes.length <= atOnce && source.bytes[0] === 0x30)
        return loadAtOnce(source.bytes, options);
      const turn = last.then(() => loadInThread(source, options));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** The bytes where there are few; otherwise the parts, those looked at included. */
async function gather(parts: AsyncIterable<Uint8Array>): Promise<CrlSource> {
  const iterator = parts[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  for (let size = 0; size <= atOnce; ) {
    const next = await iterator.next();
    if (next.done === true) return { bytes: new Uint8Array(Buffer.concat(first)), handOver: true };
    first.push(next.value);
    size += next.value.length;
  }
  return { parts: continued(Buffer.concat(first), iterator) };
}

async function* continued(first: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

function loadAtOnce(bytes: Uint8Array, { mostBytes = crlLimits.bytes }: CrlLoadOptions): CrlLoad {
  try {
    return { ok: true, crl: parseCrl(bytes, { ...crlLimits, bytes: mostBytes }) };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const { field, fault, message } = error;
    return {
      ok: false,
      cause: fault === 'too_large' ? 'too-large' : 'malformed',
      detail: message,
      der: { field, fault },
    };
  }
}

async function loadInThread(source: CrlSource, options: CrlLoadOptions): Promise<CrlLoad> {
  const { signers, mostBytes = crlLimits.bytes, signal } = options;
  const rest = { signers: signers.map(({ der }) => new Uint8Array(der)), mostBytes };
  const result =
    'parts' in source
      ? await runCrlThread({ source: { parts: true }, ...rest }, [], signal, source.parts)
      : await runCrlThread(...given(source, rest), signal);
  return 'table' in result ? { ok: true, crl: crlOfImage(result) } : { ok: false, ...result };
}

function given(
  source: Exclude<CrlSource, { readonly parts: unknown }>,
  rest: Omit<CrlWorkerInput, 'source'>,
): [input: CrlWorkerInput, moved: ArrayBuffer[]] {
  if ('path' in source) return [{ source, ...rest }, []];
  const { bytes, handOver } = source;
  const whole = handOver === true && bytes.byteLength === bytes.buffer.byteLength;
  const moved = whole ? bytes : new Uint8Array(bytes);
  return [{ source: { bytes: moved }, ...rest }, [moved.buffer as ArrayBuffer]];
}
