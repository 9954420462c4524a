import { createEnvelopeReader, type MessageHead } from './envelope-reader.ts';
import { defaultReadLimits, type ReadLimits } from './limits.ts';
import type { Envelope } from './messages.ts';
import { readPlainXml } from './plain-xml.ts';
import { printable, Refusal, type RefusalCode } from './refusal.ts';
import { decodeText } from './text-decoding.ts';
import { readXml } from './xml-reader.ts';

export interface DecodeOptions {
  /** The charset parameter of Content-Type, without quotes. */
  readonly charset?: string | undefined;
  readonly limits?: Partial<ReadLimits> | undefined;
}

export interface DecodeError {
  readonly code: RefusalCode;
  /** For logs: one line of printable ASCII. */
  readonly message: string;
  /** What was known when reading stopped. Of a request it is enough to answer with a fault. */
  readonly about?: MessageHead | undefined;
}

export type Decoded =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly error: DecodeError };

/** Reads one message of a CPE. Never throws: every message has an envelope or an error. */
export function decodeEnvelope(bytes: Uint8Array, options: DecodeOptions = {}): Decoded {
  const limits = { ...defaultReadLimits, ...options.limits };
  let reader = createEnvelopeReader(limits);
  try {
    if (bytes.byteLength > limits.bytes) throw new Refusal('too-large', `more than ${limits.bytes} bytes`);
    const text = decodeText(bytes, options.charset);
    if (!readPlainXml(text, limits, reader)) {
      reader = createEnvelopeReader(limits);
      readXml(text, limits, reader);
    }
    return { ok: true, envelope: reader.envelope() };
  } catch (error) {
    const code = error instanceof Refusal ? error.code : 'internal';
    const message = printable(error instanceof Error ? error.message : String(error));
    return { ok: false, error: { code, message, about: reader.head() } };
  }
}
