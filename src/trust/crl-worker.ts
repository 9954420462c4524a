import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { parseCertificate } from '../x509/certificate.ts';
import { crlBlocks, looksLikeDer, mostCrlText } from '../x509/crl-file.ts';
import { crlLimits } from '../x509/crl-frame.ts';
import { announcedLength, type CrlImage, type CrlReading, imageBuffers, readCrlInPieces } from '../x509/crl-stream.ts';
import { DerError, derError } from '../x509/der.ts';
import { PemError } from '../x509/pem.ts';
import type { CrlLoadFault, CrlWorkerInput } from './crl-loading.ts';

/** Runs in a thread of its own: reads one CRL, verifies its signature, hands over its entries, and ends. */

const input = workerData as CrlWorkerInput;
const pieceBytes = 1024 * 1024;

type Result = CrlImage | CrlLoadFault;

function startReading(total: number): CrlReading {
  const signers = input.signers.map((der) => parseCertificate(der));
  return readCrlInPieces({ total, signers, limits: { ...crlLimits, bytes: input.mostBytes } });
}

function fromBytes(bytes: Uint8Array): Result {
  const [der, ...others] = crlBlocks(bytes);
  if (der === undefined || others.length > 0)
    return { cause: 'malformed', detail: 'holds more than one CRL; give each in a file of its own' };
  const reading = startReading(der.length);
  for (let at = 0; at < der.length; at += pieceBytes) reading.push(der.subarray(at, at + pieceBytes));
  return reading.finish();
}

function fromFile(path: string): Result {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > Math.max(input.mostBytes, mostCrlText))
      return { cause: 'too-large', detail: `${size} bytes, at most ${input.mostBytes} are read` };
    if (size === 0) return { cause: 'malformed', detail: 'the file is empty' };
    const buffer = Buffer.allocUnsafeSlow(Math.min(size, pieceBytes));
    const first = buffer.subarray(0, readSync(file, buffer, 0, 1, 0));
    if (!looksLikeDer(first)) {
      const whole = Buffer.allocUnsafeSlow(size);
      return fromBytes(whole.subarray(0, readSync(file, whole, 0, size, 0)));
    }
    const reading = startReading(size);
    let length = readSync(file, buffer, 0, buffer.length, 0);
    for (let at = 0; length > 0; length = readSync(file, buffer, 0, buffer.length, at)) {
      reading.push(buffer.subarray(0, length));
      at += length;
    }
    return reading.finish();
  } finally {
    closeSync(file);
  }
}

function faultOf(error: unknown): CrlLoadFault {
  if (error instanceof DerError) {
    const { field, fault, message } = error;
    return { cause: fault === 'too_large' ? 'too-large' : 'malformed', detail: message, der: { field, fault } };
  }
  if (error instanceof PemError) return { cause: 'malformed', detail: error.message };
  if (error instanceof Error && 'code' in error) return { cause: 'unreachable', detail: error.message };
  throw error;
}

function answer(work: () => Result): void {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    result = faultOf(error);
  }
  parentPort?.postMessage(result, 'table' in result ? (imageBuffers(result) as ArrayBuffer[]) : []);
  parentPort?.close();
}

/** DER that comes in parts of at least six octets, ended by null. */
function fromParts(): void {
  let reading: CrlReading | undefined;
  parentPort?.on('message', (part: Uint8Array | null) => {
    try {
      if (part !== null) {
        reading ??= startReading(announcedLength(part) ?? part.length);
        reading.push(part);
        return;
      }
    } catch (error) {
      answer(() => faultOf(error));
      return;
    }
    answer(() => {
      if (reading === undefined)
        throw derError({ name: 'certificateList', parent: undefined }, 'missing', 'is missing');
      return reading.finish();
    });
  });
}

const { source } = input;
if ('path' in source) answer(() => fromFile(source.path));
else if ('bytes' in source) answer(() => fromBytes(source.bytes));
else fromParts();
