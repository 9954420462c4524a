import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { parseCertificate } from '../x509/certificate.ts';
import { crlBlocks, looksLikeDer, mostCrlText } from '../x509/crl-file.ts';
import { crlLimits } from '../x509/crl-frame.ts';
import { type CrlImage, imageBuffers, readCrlInPieces } from '../x509/crl-stream.ts';
import { DerError } from '../x509/der.ts';
import { PemError } from '../x509/pem.ts';
import type { CrlLoadFault, CrlWorkerInput } from './crl-loading.ts';

/** Runs in a thread of its own: reads one CRL, verifies its signature, hands over its entries, and ends. */

const pieceBytes = 1024 * 1024;

type Piece = (size: number) => Uint8Array;

function readPieces(total: number, next: Piece, input: CrlWorkerInput): CrlImage {
  const signers = input.signers.map((der) => parseCertificate(der));
  const limits = { ...crlLimits, bytes: input.mostBytes };
  const reading = readCrlInPieces({ total, signers, limits });
  for (let left = total; left > 0; ) {
    const piece = next(Math.min(pieceBytes, left));
    if (piece.length === 0) break;
    reading.push(piece);
    left -= piece.length;
  }
  return reading.finish();
}

function fromBytes(bytes: Uint8Array, input: CrlWorkerInput): CrlImage | CrlLoadFault {
  const [der, ...others] = crlBlocks(bytes);
  if (der === undefined || others.length > 0)
    return { cause: 'malformed', detail: 'holds more than one CRL; give each in a file of its own' };
  let at = 0;
  const next: Piece = (size) => {
    at += size;
    return der.subarray(at - size, at);
  };
  return readPieces(der.length, next, input);
}

function fromFile(path: string, input: CrlWorkerInput): CrlImage | CrlLoadFault {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > Math.max(input.mostBytes, mostCrlText)) return tooLarge(size, input.mostBytes);
    if (size === 0) return { cause: 'malformed', detail: 'the file is empty' };
    const buffer = Buffer.allocUnsafeSlow(Math.min(size, pieceBytes));
    const first = buffer.subarray(0, readSync(file, buffer, 0, 1, 0));
    if (!looksLikeDer(first)) {
      const whole = Buffer.allocUnsafeSlow(size);
      return fromBytes(whole.subarray(0, readSync(file, whole, 0, size, 0)), input);
    }
    return readPieces(size, (length) => buffer.subarray(0, readSync(file, buffer, 0, length, null)), input);
  } finally {
    closeSync(file);
  }
}

function tooLarge(size: number, most: number): CrlLoadFault {
  return { cause: 'too-large', detail: `${size} bytes, at most ${most} are read` };
}

function load(input: CrlWorkerInput): CrlImage | CrlLoadFault {
  try {
    return 'path' in input.source ? fromFile(input.source.path, input) : fromBytes(input.source.bytes, input);
  } catch (error) {
    if (error instanceof DerError)
      return { cause: error.fault === 'too_large' ? 'too-large' : 'malformed', detail: error.message };
    if (error instanceof PemError) return { cause: 'malformed', detail: error.message };
    if (error instanceof Error && 'code' in error) return { cause: 'unreachable', detail: error.message };
    throw error;
  }
}

const result = load(workerData as CrlWorkerInput);
parentPort?.postMessage(result, 'table' in result ? (imageBuffers(result) as ArrayBuffer[]) : []);
