import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { CheckpointRow, DroppedRow, HeadRow } from './evidence-queries.ts';

/** What a checkpoint says: where every chain ended, and which links were dropped on purpose. */
export interface CheckpointStatement {
  readonly hems: 'audit checkpoint 1';
  readonly number: number;
  readonly at: string;
  /** Hex SHA-256 of the statement before; null in the first. */
  readonly previous: string | null;
  readonly heads: readonly HeadRow[];
  readonly dropped: readonly DroppedRow[];
}

/** A checkpoint as it stands in a file or syslog: one JSON line. */
export interface ExportedCheckpoint {
  readonly statement: string;
  /** Base64. */
  readonly signature: string;
  readonly publicKey: string;
}

/** PKCS #8 DER of a new Ed25519 key. */
export function newCheckpointKey(): Buffer {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
}

export function checkpointKey(der: Buffer): KeyObject {
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

export interface CheckpointFacts {
  readonly at: Date;
  readonly before: Pick<CheckpointRow, 'number' | 'statement'> | undefined;
  readonly heads: readonly HeadRow[];
  readonly dropped: readonly DroppedRow[];
}

export function signCheckpoint(key: KeyObject, { at, before, heads, dropped }: CheckpointFacts): CheckpointRow {
  const number = (before?.number ?? 0) + 1;
  const said: CheckpointStatement = {
    hems: 'audit checkpoint 1',
    number,
    at: at.toISOString(),
    previous: before === undefined ? null : digestOf(before.statement),
    heads,
    dropped,
  };
  const statement = JSON.stringify(said);
  const signature = sign(null, Buffer.from(statement), key);
  return { number, at, statement, signature, publicKey: publicKeyOf(key), exportedTo: null };
}

export function digestOf(statement: string): string {
  return createHash('sha256').update(statement).digest('hex');
}

export function exportedLine({
  statement,
  signature,
  publicKey,
}: Pick<CheckpointRow, 'statement' | 'signature' | 'publicKey'>): string {
  const exported: ExportedCheckpoint = {
    statement,
    signature: signature.toString('base64'),
    publicKey: publicKey.toString('base64'),
  };
  return JSON.stringify(exported);
}

export type CheckpointReading =
  | { readonly ok: true; readonly statement: CheckpointStatement }
  | { readonly ok: false; readonly cause: string };

/** Holds the signature against the key given, else against the one that came with it. */
export function readCheckpoint(
  { statement, signature, publicKey }: Pick<CheckpointRow, 'statement' | 'signature' | 'publicKey'>,
  trusted: Buffer | undefined,
): CheckpointReading {
  if (trusted !== undefined && !trusted.equals(publicKey)) return { ok: false, cause: 'is signed by another key' };
  try {
    const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519' || !verify(null, Buffer.from(statement), key, signature))
      return { ok: false, cause: 'has a signature that does not fit' };
    const said = JSON.parse(statement) as CheckpointStatement;
    if (said.hems !== 'audit checkpoint 1') return { ok: false, cause: 'says nothing that this version understands' };
    return { ok: true, statement: said };
  } catch (error) {
    return { ok: false, cause: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** A line of an exported file; undefined where it is none. */
export function parseExported(line: string): Pick<CheckpointRow, 'statement' | 'signature' | 'publicKey'> | undefined {
  try {
    const { statement, signature, publicKey } = JSON.parse(line) as Partial<ExportedCheckpoint>;
    if (typeof statement !== 'string' || typeof signature !== 'string' || typeof publicKey !== 'string')
      return undefined;
    return {
      statement,
      signature: Buffer.from(signature, 'base64'),
      publicKey: Buffer.from(publicKey, 'base64'),
    };
  } catch {
    return undefined;
  }
}
